"""Which maintainer scripts a distroless root takes: those that prepare data for other programs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from tools.rootfs.debian.package import Package
from tools.rootfs.debian.scripts import TABLES, ReviewedScript, ScriptTable
from tools.rootfs.debian.system import System
from tools.rootfs.rootfs_error import RootfsError

# What scripts may do: each leaves data that programs of others read.
DATA = (
    "base-passwd",
    "subordinate-ids",
    "base-files",
    "library-links",
    "name-service-switch",
    "netbase",
    "local-time",
    "time-zone-name",
    "inputrc",
    "ca-certificates",
    "ldconfig",
    "divert",
)
# What debhelper's parts of a script ask for, and the commands that do it.
_SERVICES = re.compile(r"\b(deb-systemd-helper|update-rc\.d)\b")
_ALTERNATIVES = re.compile(r"\bupdate-alternatives\b")
_BYTE_CODE = re.compile(r"\bpy3compile\b")


def require_data(system: System, packages: Iterable[Package], table: ScriptTable) -> None:
    """Raise RootfsError for a script that prepares what only a shell or programs could use."""
    by_name = {package.name: package for package in packages}
    for reviewed in table.review(by_name.values(), system.arch):
        script = reviewed.script
        text = by_name[script.package].script(script.name) or ""
        wants = {**dict(_effects(reviewed, table)), **dict(_generated(reviewed, text))}
        if wants:
            raise RootfsError(
                next(iter(wants.values())),
                f"{script.name} of {script.package} prepares what a root without a shell and "
                f"programs can't use: {', '.join(wants)}",
                f"Take {script.package} out of the sets `distroless` and `debug` of "
                f"{system.suite} in catalog/suites.yaml; then ./bazelw run //tools:lock -- "
                "--add-only",
            )


def _effects(reviewed: ReviewedScript, table: ScriptTable) -> Iterator[tuple[str, str]]:
    """Effects that a root like this can't have, and the line of the review that names them."""
    if reviewed.rule is None:
        return
    # The table may take a review over from another suite's, beside it.
    paths = sorted(table.path.parent.glob("*.toml"), key=lambda path: (path != table.path, path))
    places = (
        f"{TABLES}/{path.name}:{number}"
        for path in paths
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if reviewed.rule.sha256 in line
    )
    place = next(places, f"{TABLES}/{table.path.name}")
    for name in reviewed.rule.effects:
        if name not in DATA:
            yield name, place


def _generated(reviewed: ReviewedScript, text: str) -> Iterator[tuple[str, str]]:
    """What debhelper's parts ask for that it can't have, and the line of the script that does."""
    asked = reviewed.script.snippets
    found: Mapping[str, tuple[object, re.Pattern[str]]] = {
        "services": (asked.units or asked.user_units or asked.init_scripts, _SERVICES),
        "alternatives": (asked.alternatives, _ALTERNATIVES),
        "byte code of Debian's Python": (asked.byte_compile, _BYTE_CODE),
    }
    for what, (wanted, command) in found.items():
        if wanted:
            lines = enumerate(text.splitlines(), 1)
            number = next((number for number, line in lines if command.search(line)), 1)
            yield what, f"{reviewed.script.package}.{reviewed.script.name}:{number}"
