"""Prints the Dockerfile of an image, or one of the fragments it's made of."""

from __future__ import annotations

import sys
from pathlib import Path

from tools.catalog import family_options
from tools.catalog.family import Entry, Family
from tools.catalog.lookup import find
from tools.cli import command
from tools.cli.render import render
from tools.pages.dockerfile import recipe

TEMPLATES = Path(__file__).parent / "templates"
FRAGMENTS = ("runtime", "build", "links", "copy")


def dockerfile(
    family: Family,
    entry: Entry,
    recipes: recipe.Recipes,
    *,
    fragment: str | None = None,
    template: Path | None = None,
) -> str:
    """The Dockerfile of one image, or one of ``FRAGMENTS`` for a Dockerfile of your own.

    ``runtime`` installs what stays, ``build`` compiles and installs Python and removes what that
    needed, ``links`` adds the names without a 3, ``copy`` takes Python from the finished image.
    ``template`` replaces the template; it's given what ``recipe.values`` returns.
    """
    chosen = template or TEMPLATES / ("Dockerfile.j2" if fragment is None else f"{fragment}.j2")
    return render(chosen, recipe.values(recipes, family, entry))


def main(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit status."""
    options = command.parser(
        "dockerfile",
        "Print the Dockerfile of an image, for those who build with Docker or Buildah.\n"
        "A tag shared by several systems' images means the first, Linux's.",
        "3.14-slim\n3.13-slim-bookworm --fragment copy\nlatest --family 2026-02\n"
        "3.14-alpine --family 2026-02 --fragment build\n"
        "3.14.3-windowsservercore-ltsc2025 --family 2026-02",
    )
    options.add_argument("tag", metavar="TAG")
    options.add_argument(
        "--family", metavar="FAMILY", help="whose tag it is (default: current, then archive)"
    )
    options.add_argument(
        "--fragment", choices=FRAGMENTS, help="only this part, for a Dockerfile of your own"
    )
    options.add_argument(
        "--template", type=command.given, metavar="FILE", help="your own Jinja template"
    )
    family_options.add_catalog(options)
    command.add_format(options)
    command.add_output(options)
    asked = options.parse_args(arguments)

    def text() -> str:
        family = family_options.family_with(asked.tag, asked.family, asked.catalog)
        folder = family_options.directory(asked.catalog)
        entry = find(family, asked.tag)[0]
        recipes = recipe.read(folder, command.shown(folder))
        if asked.format == "json":
            return command.as_json(recipe.values(recipes, family, entry))
        return dockerfile(
            family,
            entry,
            recipes,
            fragment=asked.fragment,
            template=asked.template,
        )

    return command.run(text, asked.output)


if __name__ == "__main__":
    sys.exit(main())
