"""What the central module registry says of the Bazel modules that this repository names."""

from __future__ import annotations

import datetime
from pathlib import Path

from tools.modules import facts
from tools.modules.facts import Facts, FactsError, Module
from tools.update.fetch import Fetcher, UnreachableError


def renewed(root: Path, site: str | None, today: datetime.date, fetcher: Fetcher) -> Facts:
    """The facts as the registry has them now, with those modules that have been named since.

    Args:
        root: the checkout.
        site: a mirror of the registry; the one that the facts name when None.
        today: the new date, if anything else changes.
        fetcher: fetches from it.

    Raises:
        UnreachableError: a module can't be asked for, or what comes isn't its metadata.
    """
    known = facts.load(root)
    names = sorted({*known.modules, *(name for _, name, _ in facts.named(root))})
    address = (site or known.registry).rstrip("/")
    modules = {name: _module(address, name, fetcher) for name in names}
    if modules == known.modules:
        return known
    return Facts(known.registry, today.isoformat(), modules)


def _module(address: str, name: str, fetcher: Fetcher) -> Module:
    url = f"{address}/modules/{name}/metadata.json"
    metadata = fetcher.json(url, f"metadata of {name}")
    rows = metadata if isinstance(metadata, dict) else {}
    try:
        return facts.module(
            {"versions": rows.get("versions"), "yanked": rows.get("yanked_versions", {})}, url
        )
    except FactsError as error:
        raise UnreachableError(str(error)) from None


def news(before: Facts, after: Facts) -> list[str]:
    """What has changed, a line for each module."""
    lines: list[str] = []
    for name, module in after.modules.items():
        known = before.modules.get(name, Module((), {}))
        new = [version for version in module.versions if version not in known.versions]
        gone = [version for version in known.versions if version not in module.versions]
        yanked = [version for version in module.yanked if version not in known.yanked]
        parts = [
            f"{word} {', '.join(versions)}"
            for word, versions in (("new", new), ("gone", gone), ("yanked", yanked))
            if versions
        ]
        if parts:
            lines.append(f"Bazel module {name}: {'; '.join(parts)}")
        elif module != known:
            lines.append(f"Bazel module {name}: other reasons or another order")
    return lines
