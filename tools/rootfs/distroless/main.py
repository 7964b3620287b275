r"""Computes one layer of a distroless root file system.

    python3 -m tools.rootfs.distroless.main spec.json --layer layer.tar \
        --installed installed.json --listing listing.txt --state state

The spec is that of tools/rootfs/debian/main.py, and so is all else.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from tools.rootfs import layer
from tools.rootfs.debian.build import installed
from tools.rootfs.debian.main import TABLES
from tools.rootfs.debian.spec import read_spec
from tools.rootfs.debian.state import write_state
from tools.rootfs.distroless.build import build
from tools.rootfs.output import Writers, write_text
from tools.rootfs.program import option_parser, run
from tools.rootfs.tarout import write_tar


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the program; see the module's text. Returns the exit status."""
    parser = option_parser("Compute a layer of a distroless root file system.")
    parser.add_argument("--state", type=Path, help="state for layers above, to write")
    parser.add_argument("--tables", type=Path, default=TABLES, help="tables of reviewed scripts")
    options = parser.parse_args(arguments)

    def outputs() -> Writers:
        spec = read_spec(options.spec)
        result = build(spec, options.tables)
        packages, listing = installed(result.system), layer.listing(result.layer)
        number = 0 if spec.below is None else len(spec.below.tars)
        offsets: dict[str, int] = {}
        writers: Writers = {
            options.layer: lambda out: offsets.update(write_tar(out, result.layer.items())),
            options.installed: lambda out: write_text(out, packages),
            options.listing: lambda out: write_text(out, listing),
        }
        if options.state is None:
            return writers
        # Written last: it has the places of files in the layer.
        return {
            **writers,
            options.state: lambda out: write_state(
                out, result.system, result.places, offsets, number
            ),
        }

    return run(outputs)


if __name__ == "__main__":
    sys.exit(main())
