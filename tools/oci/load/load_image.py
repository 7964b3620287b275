"""`bazel run` of an oci_load target: loads the image into the container engine at hand."""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path

from tools.cli import program, usage
from tools.oci.assembler import archive, layers
from tools.oci.assembler.assemble import lines_of
from tools.oci.assembler.layout import Layout
from tools.oci.assembler.spec import INDEX_TYPES, OciError
from tools.oci.load.engine import Engine, Loader
from tools.oci.load.engines import ENGINES


def find_engine(asked: str | None, words: list[str]) -> Engine:
    """Return the engine asked for, else the first one on PATH."""
    for name in [asked] if asked else ENGINES:
        if found := shutil.which(name):
            return ENGINES[name](found, words)
    if asked:
        raise OciError(f"{asked} is not on PATH")
    raise OciError(
        f"no container engine on PATH (looked for {', '.join(ENGINES)}); install one, or"
        " set the loader attribute to a program that takes `load --input FILE`"
    )


def _wanted(layout: Layout, left_out: set[str]) -> dict[str, int]:
    """Return the layers that have to be given: digest to size in bytes."""
    return {
        blob["digest"]: blob["size"]
        for _, manifest in layout.images()
        for blob in manifest["layers"]
        if blob["digest"] not in left_out
    }


def _parts(layout: Layout, left_out: set[str], build: layers.Build) -> archive.Parts:
    """Return what of a layout has to be given, layers fetched where they are in a cache only."""
    files = layers.locate([layout], _wanted(layout, left_out), build)
    return archive.Parts(frozenset(left_out), files)


def load(engine: Engine, image: Path, form: str, tags: list[str], build: layers.Build) -> int:
    """Load the layout `image`, without what the engine has; return its exit status.

    Where an engine fails so, it gets everything: it may have dropped a layer meanwhile, or keep
    layers in a way not known here.
    """
    layout, form = engine.choose(Layout(image), form)
    if form == "docker" and layout.root()["mediaType"] in INDEX_TYPES:
        raise OciError(f'{image}: an image index; set format = "oci"')
    given = engine.passes_over and layers.at_hand([layout], _wanted(layout, set()))
    left_out = set() if given else engine.known(layout)
    status = engine.load(layout, form, tags, _parts(layout, left_out, build))
    if status and left_out:
        print("it is loaded once more, with all its layers", file=sys.stderr)
        status = engine.load(layout, form, tags, _parts(layout, set(), build))
    return status


def main(argv: list[str] | None = None) -> int:
    """Command line; further arguments go to the engine's `load`."""
    parser = usage.parser("Load an image into a container engine.", ["--engine podman"])
    parser.add_argument("--image", type=Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--format", choices=archive.FORMATS, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--tags", type=Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--loader", help=argparse.SUPPRESS)
    parser.add_argument("--engine", choices=ENGINES, help="default: the first one on PATH")
    layers.add_options(parser)
    args, extra = parser.parse_known_args(argv)

    def work() -> int:
        engine = Loader(args.loader, extra) if args.loader else find_engine(args.engine, extra)
        build = layers.builder(args.bazel)
        return load(engine, args.image, args.format, lines_of(args.tags), build)

    return program.run(work, "load", (OciError,), "loading again begins anew")


if __name__ == "__main__":
    sys.exit(main())
