"""Looks into the catalog: list, show and check it; completion of tag names."""

from __future__ import annotations

import argparse
import fnmatch
import sys
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path

from tools.catalog import (
    family_load,
    family_options,
    hardened_images,
    listing,
    load,
    lookup,
    proofs,
    results,
)
from tools.catalog.catalog_error import CatalogError
from tools.catalog.family import Entry, Family
from tools.cli import command
from tools.cli.render import render

# Families of which each image is a target.
_BUILT = ("archive", "current")
_WIDTH = 80
# Columns of an image's name; longer ones push aside what follows.
_NAME = 20
_COMPLETION = Path(__file__).parent / "templates" / "completion.bash.j2"


def _columns(rows: Sequence[tuple[str, ...]]) -> str:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]) - 1)]
    lines = [
        "  ".join(
            [*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[-1]]
        ).rstrip()
        for row in rows
    ]
    lines[0] = command.coloured(lines[0], "1")
    return "\n".join(lines) + "\n"


def _families(asked: argparse.Namespace) -> str:
    folder = family_options.directory(asked.catalog)
    families = [
        family_load.load_family(name, folder, command.shown(folder))
        for name in family_load.names(folder)
    ]
    if asked.format == "json":
        return command.as_json(
            [
                {
                    "family": family.name,
                    "title": family.title,
                    "images": len(family.published()),
                    "releases": [release.name for release in family.releases],
                    "architectures": family.supported(),
                }
                for family in families
            ]
        )
    rows = [("FAMILY", "IMAGES", "RELEASES", "TITLE")]
    rows += [
        (
            family.name,
            str(len(family.published())),
            " to ".join(
                dict.fromkeys(one.name for one in family.releases[:1] + family.releases[-1:])
            ),
            family.title,
        )
        for family in families
    ]
    return _columns(rows)


def _platforms(asked: argparse.Namespace, family: Family) -> dict[str, str]:
    """Names of platforms by architecture: those of targets for what is built, else docker's."""
    if family.name not in _BUILT:
        return {}
    folder = family_options.directory(asked.catalog)
    platforms = load.load(folder, command.shown(folder)).platforms.values()
    return {platform.docker: platform.name for platform in platforms}


def _listed(family: Family, catalog: Path | None) -> list[Entry]:
    """A family's images, hardened ones last."""
    return [*family.published(), *hardened_images.entries(family, catalog)]


def _chosen(entries: Sequence[Entry], patterns: Sequence[str]) -> list[Entry]:
    """The entries one of whose tags fits a pattern, all without a pattern."""
    return [
        entry
        for entry in entries
        if not patterns
        or any(fnmatch.filter((*entry.tags, *entry.shared_tags), one) for one in patterns)
    ]


def _list(asked: argparse.Namespace) -> str:
    folder = family_options.directory(asked.catalog)
    words = list(asked.words)
    named = words[:1] if words and words[0] in family_load.names(folder) else []
    family = family_options.family(named[0] if named else None, asked.catalog)
    names = _platforms(asked, family)
    entries = _chosen(_listed(family, asked.catalog), words[len(named) :])
    if asked.platform:
        entries = [
            entry
            for entry in entries
            if asked.platform in (*entry.architectures, *map(names.get, entry.architectures))
        ]
    filters = (*words[len(named) :], *([f"--platform {asked.platform}"] if asked.platform else ()))
    if filters and not entries:
        remedy = f"list all with ./bazelw run //tools:catalog -- list {family.name}"
        shown = f"catalog/families/{family.name}.yaml"
        raise CatalogError(shown, None, "", f"nothing fits {' '.join(filters)}", remedy)
    if asked.format == "json":
        return command.as_json([listing.facts(entry) for entry in entries])
    width = _NAME + 2
    rows = [command.coloured("IMAGE".ljust(width) + "PLATFORMS, OTHER TAGS", "1")]
    for entry in entries:
        platforms = " ".join(names.get(one, one) for one in entry.architectures)
        rows += _wrapped(entry.name.ljust(_NAME) + "  " + platforms, " " * width)
        rows += _wrapped(" ".join((" ", *entry.tags[1:], *entry.shared_tags)), "    ")
    return "\n".join(rows) + "\n"


def _wrapped(text: str, indent: str) -> list[str]:
    """Lines of a terminal's width, but for words that are longer."""
    return textwrap.wrap(
        text,
        _WIDTH,
        initial_indent="",
        subsequent_indent=indent,
        drop_whitespace=True,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _show(asked: argparse.Namespace) -> str:
    family = family_options.family_with(asked.tag, asked.family, asked.catalog)
    hardened = hardened_images.entries(family, asked.catalog)
    shown = [listing.facts(entry) for entry in lookup.find(family, asked.tag, hardened)]
    if asked.format == "json":
        return command.as_json(shown)
    blocks = []
    for facts in shown:
        lines = [command.coloured(str(facts["name"]), "1")]
        for key, value in facts.items():
            text = ", ".join(value) if isinstance(value, list) else str(value)
            if key != "name" and text:
                lines.append(f"  {key.replace('_', ' ') + ':':<15}{text}")
        blocks.append("\n".join(lines) + "\n")
    return "\n".join(blocks)


def _check(asked: argparse.Namespace) -> str:
    if asked.catalog is not None and not asked.catalog.is_dir():
        family = family_options.family(None, asked.catalog)
        checked = [(str(asked.catalog), f"{len(family.entries())} images")]
    else:
        folder = family_options.directory(asked.catalog)
        shown = command.shown(folder)
        catalog = load.load(folder, shown)
        checked = [(str(shown / name), "") for name in load.FILES]
        checked[0] = (checked[0][0], f"{len(catalog.images())} images to build")
        proofs.read(folder, shown)
        known = results.read(folder, shown)
        told = {proofs.FILE: "", results.FILE: f"{len(known.images)} images with results"}
        checked += [
            (str(shown / name), text) for name, text in told.items() if (folder / name).is_file()
        ]
        for name in family_load.names(folder):
            family = family_load.load_family(name, folder, shown)
            checked.append(
                (str(shown / "families" / f"{name}.yaml"), f"{len(family.entries())} images")
            )
    if asked.format == "json":
        return command.as_json([{"file": file, "ok": True} for file, _ in checked])
    good = command.coloured("ok", "32")
    return "".join(f"{good} {file}{': ' + text if text else ''}\n" for file, text in checked)


def _tags(asked: argparse.Namespace) -> str:
    entries = _listed(family_options.family(asked.family, asked.catalog), asked.catalog)
    names = dict.fromkeys(tag for entry in entries for tag in (*entry.tags, *entry.shared_tags))
    found = [name for name in names if name.startswith(asked.prefix)]
    return (
        command.as_json(found) if asked.format == "json" else "".join(f"{one}\n" for one in found)
    )


def _completion(asked: argparse.Namespace) -> str:
    folder = family_options.directory(None)
    current = family_load.load_family("current", folder, command.shown(folder))
    platforms = load.load(folder, command.shown(folder)).platforms.values()
    names = {platform.docker: platform.name for platform in platforms}
    return render(
        _COMPLETION,
        {
            "families": family_load.names(folder),
            "platforms": _platforms_of_tags(_listed(current, None), names),
        },
    )


def _platforms_of_tags(entries: Sequence[Entry], names: Mapping[str, str]) -> dict[str, str]:
    """By tag: the platforms of its images, separated by spaces; none on Windows."""
    found: dict[str, dict[str, None]] = {}
    for entry in entries:
        for tag in (*entry.tags, *entry.shared_tags):
            has = found.setdefault(tag, {})
            has.update(dict.fromkeys(names[one] for one in entry.architectures if one in names))
    return {tag: " ".join(has) for tag, has in found.items()}


def main(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit status."""
    options = command.parser(
        "catalog",
        "Show the catalog's images, families and tags, or check that the catalog is valid.",
        "list\nlist '3.14-*' --platform arm64\nlist 2025-10 --format json\nfamilies\n"
        "show 3.14-slim\nshow latest --family 2026-02\n"
        "check\ncheck --catalog mine.yaml\ncompletion > ~/.python-images.bash",
    )
    verbs = options.add_subparsers(required=True, metavar="VERB")

    verb = verbs.add_parser("list", help="images, with their platforms and tags")
    verb.add_argument(
        "words",
        nargs="*",
        metavar="FAMILY|PATTERN",
        help="a family in the first place (default: current), then patterns of tags: '3.14-*'",
    )
    verb.add_argument("--platform", metavar="PLATFORM", help="only images that have it")
    family_options.add_catalog(verb)
    verb.set_defaults(run=_list)

    verb = verbs.add_parser("families", help="the families of images")
    family_options.add_catalog(verb)
    verb.set_defaults(run=_families)

    verb = verbs.add_parser("show", help="the images a tag names")
    verb.add_argument("tag", metavar="TAG")
    verb.add_argument("--family", metavar="FAMILY", help="default: current, then archive")
    family_options.add_catalog(verb)
    verb.set_defaults(run=_show)

    verb = verbs.add_parser("check", help="read everything; exit status 2 at the first fault")
    family_options.add_catalog(verb)
    verb.set_defaults(run=_check)

    verb = verbs.add_parser("tags", help="all tags of a family, one per line")
    verb.add_argument("prefix", nargs="?", default="", metavar="PREFIX")
    verb.add_argument("--family", metavar="FAMILY", help="default: current")
    family_options.add_catalog(verb)
    verb.set_defaults(run=_tags)

    verb = verbs.add_parser("completion", help="a bash script that completes tags and families")
    verb.set_defaults(run=_completion)

    for verb in verbs.choices.values():
        command.add_format(verb)
    asked = options.parse_args(arguments)
    return command.run(lambda: str(asked.run(asked)))


if __name__ == "__main__":
    sys.exit(main())
