"""Prints a family as docker-library's versions.json."""

from __future__ import annotations

import sys

from tools.catalog import family_options, versions_json
from tools.cli import command


def main(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit status."""
    options = command.parser(
        "versions",
        "Print a family's releases as a versions.json, docker-library's own format.\n"
        "The other generators read one back with --catalog.",
        "current\n2026-02 > versions.json",
    )
    family_options.add_family(options)
    command.add_output(options)
    asked = options.parse_args(arguments)
    return command.run(
        lambda: command.as_json(
            versions_json.versions(family_options.family(asked.family, asked.catalog))
        ),
        asked.output,
    )


if __name__ == "__main__":
    sys.exit(main())
