"""Push many images to one repository at once, each with its tags: blobs they share go once.

What there is to push is a plan, JSON written by the build: a list of `{"name", "layout", "tags"}`.
"""

from __future__ import annotations

import argparse
import dataclasses
import fnmatch
import sys
from pathlib import Path

from tools.oci.assembler.layout import Layout
from tools.oci.assembler.spec import OciError, parse
from tools.oci.registry.errors import RegistryError
from tools.oci.registry.progress import Progress, megabytes
from tools.oci.registry.push import Image, Summary, add_options, push_to
from tools.oci.registry.reference import check_tag, parse_repository
from tools.text import quote


@dataclasses.dataclass(frozen=True)
class Entry:
    """One line of the plan."""

    name: str
    image: Image


def read_plan(path: Path, only: list[str]) -> list[Entry]:
    """Return the plan's images that match one of the patterns, all without any.

    A pattern fits an image's name or one of its tags. RegistryError where two images claim a tag,
    and where a pattern fits nothing.
    """
    entries: list[Entry] = []
    owners: dict[str, str] = {}
    unused = set(only)
    for item in parse(path.read_bytes(), path)["images"]:
        names = [item["name"], *item["tags"]]
        fitting = {pattern for pattern in only if fnmatch.filter(names, pattern)}
        unused -= fitting
        for tag in item["tags"]:
            other = owners.setdefault(check_tag(tag), item["name"])
            if other != item["name"]:
                raise RegistryError(f"the tag {tag} is given to both {other} and {item['name']}")
        if fitting or not only:
            entries.append(
                Entry(item["name"], Image(Layout(Path(item["layout"])), tuple(item["tags"])))
            )
    if unused:
        raise RegistryError(
            f"--only {' '.join(sorted(unused))}: no image or tag is named so; there are "
            + ", ".join(sorted(owners))
        )
    return entries


def _result(entry: Entry, summary: Summary | None) -> str:
    """Return in a word what the push did for an image."""
    if summary is None:
        return "not pushed"
    if entry.image.layout.root()["digest"] in summary.manifests:
        return "new"
    return "tagged" if set(entry.image.tags) & set(summary.tags) else "unchanged"


def table(entries: list[Entry], summary: Summary | None) -> str:
    """Return what has been pushed, for people; without a summary what would be.

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


def main(argv: list[str] | None = None) -> int:
    """Push a plan; 1 and a single line where that can't be done."""
    parser = argparse.ArgumentParser(description="Push images to a registry.", allow_abbrev=False)
    parser.add_argument("--plan", type=Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("-r", "--repository", required=True, help="where to: HOST[:PORT]/PATH")
    parser.add_argument(
        "--only", action="append", default=[], metavar="PATTERN", help="image or tag, like 3.13-*"
    )
    parser.add_argument("-n", "--dry-run", action="store_true", help="only print the table")
    add_options(parser)
    args = parser.parse_args(argv)
    progress = Progress()
    try:
        target = parse_repository(args.repository)
        entries = read_plan(args.plan, args.only)
        summary = None
        if not args.dry_run:
            summary = push_to(target, [entry.image for entry in entries], progress, args)
            progress.line(f"{target}: {summary}")
            progress.close()
        print(table(entries, summary))
    except (RegistryError, OciError, OSError) as error:
        progress.close()
        print(f"publish: {quote.terminal(str(error))}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        progress.close()
        print("publish: interrupted; publishing again goes on from here", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
