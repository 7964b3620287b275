"""The command line of the build actions: describe a layer, build an image, an index, an archive."""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

from tools.oci.assembler import archive, image, index, layer
from tools.oci.assembler.spec import OciError, read_text

# Tabs alone are part of values.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f]")


def lines_of(path: Path) -> list[str]:
    """Return the lines of a settings file, without empty ones."""
    return [line for line in read_text(path).split("\n") if line]


def arguments_of(path: Path) -> list[str]:
    """Return the arguments of a command, one per line; %5Cn stands for a line break in one."""
    return [line.replace("%5Cn", "\n") for line in lines_of(path)]


def pairs_of(path: Path) -> list[tuple[str, str]]:
    """Return the key=value lines of a settings file: each key once, no control characters.

    A value of several lines would look like several settings; whoever writes the file refuses it.
    """
    pairs: list[tuple[str, str]] = []
    for line in lines_of(path):
        key, equals, value = line.partition("=")
        if not (key and equals):
            raise OciError(f"{path}: {line!r} is not of the form key=value")
        if _CONTROL.search(line) or key != key.strip():
            raise OciError(f"{path}: {line!r} has a control character, or a blank about its key")
        if key in dict(pairs):
            raise OciError(f"{path}: {key!r} is there twice")
        pairs.append((key, value))
    return pairs


def names_of(path: Path) -> list[str]:
    """Return a comma-separated list."""
    return [name.strip() for name in read_text(path).split(",") if name.strip()]


def _image(args: argparse.Namespace) -> str:
    platform = {key: getattr(args, key) for key in ("architecture", "os", "variant")}
    spec = image.ImageSpec(
        base=args.base,
        platform=None if args.base else {key: text for key, text in platform.items() if text},
        layers=[
            image.LayerSource(Path(blob), Path(facts), by, label)
            for blob, facts, by, label in args.layer
        ],
        created=args.created and read_text(args.created).strip(),
        newest=args.newest,
        env=args.env and pairs_of(args.env),
        entrypoint=args.entrypoint and arguments_of(args.entrypoint),
        cmd=args.cmd and arguments_of(args.cmd),
        labels=args.labels and dict(pairs_of(args.labels)),
        annotations=args.annotations and dict(pairs_of(args.annotations)),
        exposed_ports=args.exposed_ports and names_of(args.exposed_ports),
        volumes=args.volumes and names_of(args.volumes),
        user=args.user,
        workdir=args.workdir,
    )
    return image.build(spec, args.output, outline=args.outline)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)

    sub = commands.add_parser("layer", help="write digest, size, diffId and newest of a layer")
    sub.add_argument("--input", type=Path, required=True)
    sub.add_argument("--output", type=Path, required=True)

    sub = commands.add_parser("image", help="write a layout with one image")
    sub.add_argument("--output", type=Path, required=True, help="the layout directory")
    sub.add_argument("--digest", type=Path, help="file for the image's digest")
    sub.add_argument("--base", type=Path, help="layout of the base image")
    sub.add_argument(
        "--layer", nargs=4, action="append", default=[], help="BLOB FACTS CREATED_BY LABEL"
    )
    sub.add_argument("--outline", action="store_true", help="without the layers; see LayoutWriter")
    sub.add_argument(
        "--newest", action="store_true", help="without --created: as new as what is inside"
    )
    for name in ("os", "architecture", "variant", "user", "workdir"):
        sub.add_argument(f"--{name}")
    for name in ("created", "env", "entrypoint", "cmd", "labels", "annotations"):
        sub.add_argument(f"--{name}", type=Path, help="settings file")
    for name in ("exposed-ports", "volumes"):
        sub.add_argument(f"--{name}", type=Path, help="comma-separated, in a file")

    sub = commands.add_parser("index", help="write a layout with an index of images")
    sub.add_argument("--output", type=Path, required=True, help="the layout directory")
    sub.add_argument("--digest", type=Path, help="file for the index's digest")
    sub.add_argument("--image", type=Path, action="append", default=[])
    sub.add_argument("--annotations", type=Path, help="key=value lines")
    sub.add_argument("--outline", action="store_true", help="without the layers; see LayoutWriter")

    sub = commands.add_parser("archive", help="write a tar that an engine loads")
    sub.add_argument("--output", type=Path, required=True)
    sub.add_argument("--image", type=Path, required=True)
    sub.add_argument("--format", choices=archive.FORMATS, required=True)
    sub.add_argument("--tags", type=Path, required=True, help="repository:tag, one per line")
    return parser


def main(argv: list[str] | None = None) -> int:
    """Run one command; 1 and a single line where the input is wrong."""
    args = _parser().parse_args(argv)
    try:
        if args.command == "layer":
            layer.write(args.input, args.output)
        elif args.command == "archive":
            with args.output.open("wb") as out:
                archive.write(args.image, args.format, lines_of(args.tags), out)
        else:
            if args.command == "image":
                digest = _image(args)
            else:
                pairs = dict(pairs_of(args.annotations)) if args.annotations else {}
                digest = index.build(args.image, pairs, args.output, outline=args.outline)
            if args.digest:
                args.digest.write_text(digest + "\n")
    except (OciError, OSError) as error:
        print(f"oci {args.command}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
