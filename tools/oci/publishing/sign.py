"""Attach documents to many pushed images, and sign both; only what is chosen is built."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tools.cli import usage
from tools.oci.assembler.layers import add_options as add_bazel
from tools.oci.assembler.spec import OciError
from tools.oci.attest import attest
from tools.oci.publishing import layouts, options, plan, selection
from tools.oci.publishing.bazel import Bazel
from tools.oci.publishing.selection import Item


def _signer(files: Sequence[Path], label: str) -> Path:
    """Return the one script among the outputs of a target that signs."""
    found = [file for file in files if file.name.endswith(".sign.sh")]
    if len(found) != 1:
        raise OciError(f"{label} doesn't sign an image: an image_sign is needed")
    return found[0]


def _read(script: Path) -> list[attest.Statements]:
    """Return what a target that signs would attach; paths in its plan are below its runfiles."""
    listed = script.with_name(script.name.removesuffix(".sh") + ".plan.json")
    # A script is started in the folder of its runfiles that this program was started in, too.
    base = Path(f"{script}.runfiles", Path.cwd().name)
    _, _, statements = attest.read_plan(listed, base)
    return statements


def entry(
    item: Item, scripts: dict[str, Path], built: dict[str, Path], folder: Path
) -> attest.Entry:
    """Return what there is to attach to a chosen image, of all of its platforms together."""
    statements = [one for label in item.labels() for one in _read(scripts[label])]
    layout = layouts.of_item(item, built, folder)
    attest.check_complete(item.name, layout, statements)
    return item.name, layout, statements


def _entries(bazel: Bazel, items: Sequence[Item], folder: Path) -> list[attest.Entry]:
    """Build images and documents; return what there is to attach."""
    labels = sorted({label for item in items for label in item.labels()})
    files = bazel.build(labels)
    scripts = {label: _signer(files[label], label) for label in labels}
    built = layouts.build(bazel, sorted({one for item in items for one in item.images()}))
    return [entry(item, scripts, built, folder) for item in items]


def main(argv: list[str] | None = None) -> int:
    """Build, attach and sign; 1 and a single line where that can't be done."""
    parser = usage.parser(
        "Attach bills of materials and provenance to pushed images, and sign both.",
        [
            "--repository HOST/PATH --only '3.14-*' --key ~/cosign.key",
            "--repository HOST/PATH --only 3.14-slim --platform amd64 --attach-only",
        ],
    )
    attest.add_options(parser)
    options.add(parser)
    add_bazel(parser)
    args = parser.parse_args(argv)
    attest.check(parser, args)
    return attest.run(lambda: _sign(args))


def _sign(args: argparse.Namespace) -> int:
    """Build, attach and sign what a command line chooses."""
    client, cosign = attest.connect(args)
    listed = selection.read(args.selection)
    bazel = Bazel(args.bazel, [*listed.flags(), *args.build_flag])
    root = options.outputs(args.selection)
    made = plan.make(bazel, listed, args.only, args.platform, root)
    for line in plan.lines(made, f"Sign in {client.repository}"):
        attest.say(line)
    plan.agree(made, args.yes)
    with tempfile.TemporaryDirectory() as folder:
        attest.publish(client, cosign, _entries(bazel, made.items, Path(folder)), attest.say)
    return 0


if __name__ == "__main__":
    sys.exit(main())
