"""Push many images to one repository at once, each with its tags: blobs they share go once.

What can be pushed is a list that names no built file (selection.py). What the command line chooses
of it is built first, by Bazel, and nothing else is.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
import tempfile
from pathlib import Path

from tools.cli import program, usage
from tools.cli.transfer import Transfer, megabytes
from tools.oci.assembler.spec import OciError
from tools.oci.publishing import layouts, options, plan, selection
from tools.oci.publishing.bazel import Bazel
from tools.oci.registry.push import Image, Summary, add_options, push_to
from tools.oci.registry.reference import parse_repository
from tools.oci.registry.registry_error import RegistryError


@dataclasses.dataclass(frozen=True)
class Entry:
    """One image that is pushed."""

    name: str
    image: Image


def _result(entry: Entry, summary: Summary) -> str:
    """Return in a word what the push did for an image."""
    if entry.image.layout.root()["digest"] in summary.manifests:
        return "new"
    return "tagged" if set(entry.image.tags) & set(summary.tags) else "unchanged"


def table(entries: list[Entry], summary: Summary) -> str:
    """Return what has been pushed, for people.

    Name, digest, number of platforms, size of all its blobs, what the push did, tags of each image.
    """
    rows = [("IMAGE", "DIGEST", "PLATFORMS", "SIZE", "RESULT", "TAGS")]
    for entry in entries:
        layout = entry.image.layout
        images = layout.images()
        blobs = {
            blob["digest"]: blob["size"]
            for _, manifest in images
            for blob in (manifest["config"], *manifest["layers"])
        }
        rows.append(
            (
                *(entry.name, layout.root()["digest"], str(len(images))),
                *(megabytes(sum(blobs.values())), _result(entry, summary)),
                " ".join(entry.image.tags),
            )
        )
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def _parser() -> argparse.ArgumentParser:
    parser = usage.parser(
        "Build images, and push them to a registry with all their tags.",
        [
            "--repository HOST/PATH --only 3.14-slim --platform amd64",
            "--repository HOST/PATH --only '3.14-*' --dry-run",
        ],
    )
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("-r", "--repository", required=True, help="where to: HOST[:PORT]/PATH")
    parser.add_argument(
        "-n", "--dry-run", action="store_true", help="print what would be built and pushed"
    )
    options.add(parser)
    add_options(parser)
    return parser


def main(argv: list[str] | None = None) -> int:
    """Build and push; 1 and a single line where that can't be done."""
    args = _parser().parse_args(argv)
    again = "publishing again goes on from here"
    return program.run(lambda: _publish(args), "publish", (RegistryError, OciError), again)


def _publish(args: argparse.Namespace) -> int:
    """Build and push what a command line chooses."""
    target = parse_repository(args.repository)
    listed = selection.read(args.selection)
    bazel = Bazel(args.bazel, [*listed.flags(), *args.build_flag])
    made = plan.make(bazel, listed, args.only, args.platform, options.outputs(args.selection))
    with Transfer() as progress, tempfile.TemporaryDirectory() as folder:
        for line in plan.lines(made, f"Publish to {target}"):
            progress.line(line)
        if args.dry_run:
            return 0
        plan.agree(made, args.yes)
        built = layouts.build(bazel, sorted({one for item in made.items for one in item.images()}))
        entries = [
            Entry(item.name, Image(layouts.of_item(item, built, Path(folder)), item.tags))
            for item in made.items
        ]
        images = [entry.image for entry in entries]
        summary = push_to(target, images, progress, args, bazel.build_layers)
        progress.line(f"{target}: {summary}")
        progress.close()
        print(table(entries, summary))
    return 0


if __name__ == "__main__":
    sys.exit(main())
