"""Prints a family's page: its tags, architectures, how to use it, and its variants."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from tools.catalog import family_options, results, tags, yamlfile
from tools.catalog.catalog_error import CatalogError
from tools.catalog.family import WINDOWS_ARCHITECTURE, Entry, Family, base_of, groups
from tools.catalog.platforms import Architecture
from tools.catalog.results import FAILED, PASSED, SKIPPED, Results
from tools.cli import command
from tools.cli.render import render

TEMPLATES = Path(__file__).parent / "templates"
# What a table says of an image's tests; None is no result.
SIGNS = {PASSED: "&check;", SKIPPED: "~", FAILED: "&cross;", None: "?"}
_KINDS = ("slim", "alpine", "windowsservercore", "nanoserver")


def kind(variant: str) -> str:
    """Which section of a page describes a variant: slim, alpine, …, or default."""
    name = tags.name(variant)
    return next((found for found in _KINDS if name.startswith(found)), "default")


def _suites(entries: Iterable[Entry], bases: Iterable[str]) -> str:
    found = {
        base_of(entry.variant, bases): None
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
    supported = [family.pages[one] for one in family.supported()]
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


def status(family: Family, known: Results) -> dict[str, dict[str, dict[str, str | None]]]:
    """Target -> release -> architecture -> what the tests of that image ended with, or None.

    Only families that are built here have results: of others it is empty.
    """
    made: dict[str, dict[str, dict[str, str | None]]] = {}
    for entry in family.entries() if family.build is not None else ():
        index = f"//images/{family.name}:{entry.release.name}-{entry.variant}"
        made.setdefault(entry.variant, {})[entry.release.name] = {
            name: next(
                filter(
                    None,
                    (known.state(index, one) for one in (name, *family.pages[name].others)),
                ),
                None,
            )
            for name in entry.architectures
        }
    return made


def _cell(states: Mapping[str, str | None]) -> str:
    """A cell of the table: what all its images have in common, or a sign with the names of each."""
    by_state: dict[str | None, list[str]] = {}
    for name, state in states.items():
        by_state.setdefault(state, []).append(name)
    return ", ".join(
        " ".join([SIGNS[state], *([] if len(by_state) == 1 else names)])
        for state, names in by_state.items()
    )


def _cells(family: Family, known: Results) -> dict[str, dict[str, str]]:
    """The table of a status page: target -> release -> text."""
    found = status(family, known)
    return {
        name: {
            release.name: _cell(found[name][release.name])
            if name in found
            else (SIGNS[PASSED] if target.built and name in release.variants else "")
            for release in family.releases
        }
        for name, target in family.targets.items()
    }


def page(
    family: Family,
    arch: str | None = None,
    template: Path | None = None,
    known: Results | None = None,
) -> str:
    """The page of a family, or of the part of it that is for one architecture.

    ``known`` is what a table of build status says; without it, that nothing is known.
    ``template`` replaces the family's own. It's given: family, architecture (None for all), image
    (with the architecture's namespace), entries, groups, supported, kinds, suites, example,
    newest (the first entry with shared tags, or the first one), cells (target -> release -> text),
    signs (state -> text) and workdir.
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
            "supported": [family.pages[one] for one in family.supported()],
            "kinds": sorted({kind(entry.variant) for entry in entries}),
            "suites": _suites(entries, family.architectures),
            "example": _example(entries),
            "cells": _cells(family, known or Results()),
            "signs": SIGNS,
            "newest": next((entry for entry in whole if entry.shared_tags), whole[0]),
            "workdir": "C:/app" if name == WINDOWS_ARCHITECTURE else "/usr/src/app",
        },
    )


def facts(
    family: Family, arch: str | None = None, known: Results | None = None
) -> dict[str, object]:
    """What a page lists, for programs: simple tags, shared tags and their images, architectures.

    Of a family that is built here also its build status, null where nothing is known.
    """
    only = architecture(family, arch)
    name = None if only is None else only.name
    entries = [entry for entry in family.published() if name is None or name in entry.architectures]
    built = {"status": status(family, known or Results())} if family.build else {}
    return {
        "family": family.name,
        "image": family.image if only is None else f"{only.namespace}/{family.image}",
        "simple": [list(entry.tags) for entry in entries],
        "shared": [
            {"tags": list(group.tags), "images": [entry.name for entry in group.entries]}
            for group in groups(family.published(), name)
        ],
        "architectures": family.supported(),
        **built,
    }


def main(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit status."""
    options = command.parser(
        "readme",
        "Print the page of a family: tags, architectures, usage, variants.",
        "current\n2025-10 --arch i386\n2026-02 --arch windows-amd64\n"
        "--catalog mine.yaml --template mine.md.j2",
    )
    family_options.add_family(options)
    options.add_argument("--arch", metavar="ARCH", help="only images for this architecture")
    options.add_argument(
        "--template",
        type=command.given,
        metavar="FILE",
        help="your own Jinja template; `tools/pages/readme/templates` has the ones to start from",
    )
    command.add_format(options)
    command.add_output(options)
    asked = options.parse_args(arguments)

    def text() -> str:
        family = family_options.family(asked.family, asked.catalog)
        folder = family_options.directory(asked.catalog)
        known = results.read(folder, command.shown(folder))
        if asked.format == "json":
            return command.as_json(facts(family, asked.arch, known))
        return page(family, asked.arch, asked.template, known)

    return command.run(text, asked.output)


if __name__ == "__main__":
    sys.exit(main())
