r"""Computes one layer of an Alpine root file system.

    python3 -m tools.rootfs.alpine.alpine_layer spec.json --layer layer.tar \
        --installed installed.json --listing listing.txt

Outputs depend on nothing but the spec and the files it names, and appear only when all is done.
A fault prints one message and exits with status 2.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from tools.rootfs import layer
from tools.rootfs.alpine.build import TABLE, build, installed
from tools.rootfs.alpine.spec import read_spec
from tools.rootfs.output import Writers, write_text
from tools.rootfs.program import option_parser, run
from tools.rootfs.tarout import write_tar


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; see the module's text. Returns the exit status."""
    parser = option_parser("Compute a layer of an Alpine root file system.")
    parser.add_argument("--table", type=Path, default=TABLE, help="table of reviewed scripts")
    options = parser.parse_args(arguments)

    def outputs() -> Writers:
        result = build(read_spec(options.spec), options.table)
        packages, listing = installed(result.system), layer.listing(result.layer)
        return {
            options.layer: lambda out: write_tar(out, result.layer.items()),
            options.installed: lambda out: write_text(out, packages),
            options.listing: lambda out: write_text(out, listing),
        }

    return run(outputs)


if __name__ == "__main__":
    sys.exit(main())
