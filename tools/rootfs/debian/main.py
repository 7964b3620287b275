r"""Computes one layer of a Debian root file system.

    python3 -m tools.rootfs.debian.main spec.json --layer layer.tar --installed installed.json \
        --listing listing.txt --state state

Outputs depend on nothing but the spec and the files it names, and appear only when all is done.
A fault prints one message and exits with status 2.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from tools.rootfs import layer
from tools.rootfs.debian.build import build, installed
from tools.rootfs.debian.spec import read_spec
from tools.rootfs.debian.state import write_state
from tools.rootfs.output import Writers, write_text
from tools.rootfs.program import option_parser, run
from tools.rootfs.tarout import write_tar

TABLES = Path(__file__).parent / "scripts"


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the program; see the module's text. Returns the exit status."""
    parser = option_parser("Compute a layer of a Debian root file system.")
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
