r"""What a program that computes layers of Debian's packages is told, and what it writes.

    python3 -m tools.rootfs.debian.debian_layer spec.json --layer layer.tar \
        --installed installed.json --listing listing.txt --state state

Outputs depend on nothing but the spec and the files it names, and appear only when all is done.
A fault prints one message and exits with status 2.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Sequence
from pathlib import Path

from tools.rootfs import layer
from tools.rootfs.debian.spec import Spec, read_spec
from tools.rootfs.debian.state import write_state
from tools.rootfs.debian.steps import Result, installed
from tools.rootfs.output import Writers, write_text
from tools.rootfs.program import option_parser, run
from tools.rootfs.tarout import Tar

TABLES = Path(__file__).parent / "scripts"

# Computes the layer of a spec, given the folder of the tables of reviewed scripts.
Build = Callable[[Spec, Path], Result]


def compute(description: str, build: Build, arguments: Sequence[str] | None) -> int:
    """Run the program whose layers `build` computes. Returns the exit status."""
    parser = option_parser(description)
    parser.add_argument("--state", type=Path, help="state for layers above, to write")
    parser.add_argument("--tables", type=Path, default=TABLES, help="tables of reviewed scripts")
    options = parser.parse_args(arguments)
    # Nearly all that is made is needed until the end: looking for what isn't takes longer.
    gc.disable()

    def outputs() -> Writers:
        spec = read_spec(options.spec)
        result = build(spec, options.tables)
        number = 0 if spec.below is None else len(spec.below.tars)
        tar = Tar(result.layer.items())
        writers: Writers = {
            options.layer: tar.write,
            options.installed: lambda out: write_text(out, installed(result.system)),
            options.listing: lambda out: write_text(out, layer.listing(result.layer)),
        }
        if options.state is None:
            return writers
        return {
            **writers,
            options.state: lambda out: write_state(
                out, result.system, result.places, tar.offsets, number
            ),
        }

    return run(outputs)
