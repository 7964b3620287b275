"""Command line options that choose a catalog and a family, and what they choose."""

from __future__ import annotations

import argparse
from pathlib import Path

from tools.catalog import family_load, versions_json
from tools.catalog.family import Family
from tools.cli import command

# The catalog beside this code, whose families `--help` lists.
_CATALOG = Path(__file__).parents[2] / "catalog"


def add_catalog(options: argparse.ArgumentParser) -> None:
    """Add ``--catalog``."""
    options.add_argument(
        "--catalog",
        type=command.given,
        metavar="FILE",
        help="your own: a family's YAML file, a versions.json, or a folder like catalog/",
    )


def add_family(options: argparse.ArgumentParser) -> None:
    """Add the FAMILY argument and ``--catalog``."""
    options.add_argument(
        "family",
        nargs="?",
        metavar="FAMILY",
        help="one of: " + ", ".join(family_load.names(_CATALOG)) + " (default: current)",
    )
    add_catalog(options)


def directory(catalog: Path | None) -> Path:
    """The catalog's folder: the user's when that is one, else the checkout's."""
    return catalog if catalog is not None and catalog.is_dir() else command.checkout() / "catalog"


def family(name: str | None, catalog: Path | None) -> Family:
    """The family the command line asks for."""
    folder = directory(catalog)
    if catalog is not None and catalog.suffix == ".json":
        return versions_json.read(catalog, folder)
    if catalog is not None and not catalog.is_dir():
        return family_load.load_file(catalog, folder)
    return family_load.load_family(name or "current", folder, command.shown(folder))


def family_with(tag: str, name: str | None, catalog: Path | None) -> Family:
    """As `family`; the archive in place of the current family where only that has the tag."""
    found = family(name, catalog)
    folder = directory(catalog)
    if found.name != "current" or "archive" not in family_load.names(folder):
        return found
    archive = family_load.load_family("archive", folder, command.shown(folder))
    for one in (found, archive):
        if any(tag in (*entry.tags, *entry.shared_tags) for entry in one.published()):
            return one
    return found
