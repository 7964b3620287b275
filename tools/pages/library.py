"""Prints a family's library manifest, in the format docker-library's bashbrew reads."""

from __future__ import annotations

import sys
from pathlib import Path

from tools.catalog import family_options, listing
from tools.catalog.family import Family
from tools.cli import command
from tools.cli.render import render

TEMPLATE = Path(__file__).parent / "templates" / "manifest.j2"


def manifest(
    family: Family,
    *,
    template: Path = TEMPLATE,
    repo: str | None = None,
    commit: str | None = None,
    directory: str = "",
) -> str:
    """The manifest: one block per published image, in the family's order.

    ``repo`` and ``commit`` replace what the family says of where its Dockerfiles are; ``directory``
    goes in front of every image's.
    """
    return render(
        template,
        {
            "family": family,
            "entries": family.published(),
            "repo": repo or family.git_repo,
            "commit": commit,
            "directory": directory,
        },
    )


def main(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit status."""
    options = command.parser(
        "library",
        "Print a family's library manifest, the file from which docker-library builds images.",
        "current --repo URL --commit $(git rev-parse HEAD) --directory dockerfiles/\n"
        "2026-02\n--catalog mine.yaml",
    )
    family_options.add_family(options)
    options.add_argument("--repo", metavar="URL", help="the Git repository with the Dockerfiles")
    options.add_argument("--commit", metavar="SHA", help="the commit to build them from")
    options.add_argument(
        "--directory", default="", metavar="DIR/", help="where in the repository they are"
    )
    options.add_argument(
        "--template", type=command.given, default=TEMPLATE, help="your own Jinja template"
    )
    command.add_format(options)
    command.add_output(options)
    asked = options.parse_args(arguments)

    def text() -> str:
        family = family_options.family(asked.family, asked.catalog)
        if asked.format == "json":
            return command.as_json([listing.facts(entry) for entry in family.published()])
        return manifest(
            family,
            template=asked.template,
            repo=asked.repo,
            commit=asked.commit,
            directory=asked.directory,
        )

    return command.run(text, asked.output)


if __name__ == "__main__":
    sys.exit(main())
