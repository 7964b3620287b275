"""Prints a family's page: its tags, architectures, how to use it, and its variants."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

from tools.catalog import tags, yamlfile
from tools.catalog.architectures import KNOWN, Architecture
from tools.catalog.errors import CatalogError
from tools.catalog.family import WINDOWS_ARCHITECTURE, Entry, Family, groups
from tools.generate import command
from tools.generate.render import render

TEMPLATES = Path(__file__).parent / "templates"
_KINDS = ("slim", "alpine", "windowsservercore", "nanoserver")


def kind(variant: str) -> str:
    """Which section of a page describes a variant: slim, alpine, …, or default."""
    name = tags.name(variant)
    return next((found for found in _KINDS if name.startswith(found)), "default")


def _suites(entries: Iterable[Entry]) -> str:
    found = {
        entry.variant.removeprefix("slim-"): None
        for entry in entries
        if kind(entry.variant) in ("default", "slim")
    }
    names = sorted(found)
    return " or ".join(filter(None, [", ".join(names[:-1]), names[-1]])) if names else ""


def _example(entries: list[Entry]) -> str:
    """The shortest tag of the newest final release that begins with its number."""
    final = [entry for entry in entries if not entry.release.release.prerelease] or entries
    candidates = [
        tag
        for entry in final
        if entry.release is final[0].release
        for tag in (*entry.shared_tags, *entry.tags)
        if tag[0].isdigit()
    ]
    return min(candidates, key=len, default="3")


def architecture(family: Family, name: str | None) -> Architecture | None:
    """The architecture a page is asked for, under any of its names; None for the whole family.

    Raises:
        CatalogError: the family has no such architecture.
    """
    if name is None:
        return None
    supported = [KNOWN[one] for one in family.supported()]
    for one in supported:
        if name in (one.name, one.namespace, *one.others):
            return one
    known = [one.name for one in supported]
    raise CatalogError(
        f"catalog/families/{family.name}.yaml",
        None,
        "",
        f"no image is for architecture {name!r}",
        yamlfile.near(name, known),
    )


def page(family: Family, arch: str | None = None, template: Path | None = None) -> str:
    """The page of a family, or of the part of it that is for one architecture.

    ``template`` replaces the family's own. It's given: family, architecture (None for all), image
    (with the architecture's namespace), entries, groups, supported, kinds, suites, example,
    newest (the first entry with shared tags, or the first one) and workdir.
    """
    only = architecture(family, arch)
    name = None if only is None else only.name
    entries = [entry for entry in family.published() if name is None or name in entry.architectures]
    whole = family.published()
    return render(
        template or TEMPLATES / f"{family.page}.md.j2",
        {
            "family": family,
            "architecture": only,
            "image": family.image if only is None else f"{only.namespace}/{family.image}",
            "entries": entries,
            "groups": groups(whole, name),
            "supported": [KNOWN[one] for one in family.supported()],
            "kinds": sorted({kind(entry.variant) for entry in entries}),
            "suites": _suites(entries),
            "example": _example(entries),
            "newest": next((entry for entry in whole if entry.shared_tags), whole[0]),
            "workdir": "C:/app" if name == WINDOWS_ARCHITECTURE else "/usr/src/app",
        },
    )


def facts(family: Family, arch: str | None = None) -> dict[str, object]:
    """What a page lists, for programs: simple tags, shared tags and their images, architectures."""
    only = architecture(family, arch)
    name = None if only is None else only.name
    entries = [entry for entry in family.published() if name is None or name in entry.architectures]
    return {
        "family": family.name,
        "image": family.image if only is None else f"{only.namespace}/{family.image}",
        "simple": [list(entry.tags) for entry in entries],
        "shared": [
            {"tags": list(group.tags), "images": [entry.name for entry in group.entries]}
            for group in groups(family.published(), name)
        ],
        "architectures": family.supported(),
    }


def main(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit status."""
    options = command.parser(
        "readme",
        "Print the page of a family: tags, architectures, usage, variants.",
        "current\n2025-10 --arch i386\n2026-02 --arch windows-amd64\n"
        "--catalog mine.yaml --template mine.md.j2",
    )
    command.add_family(options)
    options.add_argument("--arch", metavar="ARCH", help="only images for this architecture")
    options.add_argument(
        "--template",
        type=command.given,
        metavar="FILE",
        help="your own Jinja template; `tools/readme/templates` has the ones to start from",
    )
    command.add_format(options)
    command.add_output(options)
    asked = options.parse_args(arguments)

    def text() -> str:
        family = command.family(asked.family, asked.catalog)
        if asked.format == "json":
            return command.as_json(facts(family, asked.arch))
        return page(family, asked.arch, asked.template)

    return command.run(text, asked.output)


if __name__ == "__main__":
    sys.exit(main())
