"""Makes gcc's library of soft-float ARM serve for hard-float code, by what it leaves out.

    soft_float.py LIBGCC.tar OUT.tar

Debian has gcc's library for ARMv7 with hardware floating point, and for ARMv5 without; ARMv6 with
it takes the latter. ARM's run-time ABI makes that sound: a function it names (__aeabi_ldivmod,
__aeabi_l2d ...) takes and gives floating-point numbers in integer registers, in hard-float code
too, and clang calls those. Of the functions it doesn't name, compilers call the ones below, in
hard-float code with floating-point registers; so they are left out. What needs one then can't be
linked, which is better than numbers that are wrong.
"""

from __future__ import annotations

import io
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

# Members of libgcc.a: products and quotients of complex numbers, and powers by integers.
DISAGREEING = frozenset(
    f"_{function}.o" for function in ("divdc3", "divsc3", "muldc3", "mulsc3", "powidf2", "powisf2")
)
_MAGIC = b"!<arch>\n"
_HEADER = 60  # bytes: name 16, time 12, owner 6, group 6, mode 8, size 10, end 2


class SoftFloatError(Exception):
    """The library isn't what is expected; the text says what to do."""


def _members(archive: bytes) -> Iterator[tuple[str, bytes]]:
    """Name and whole text, header and padding included, of each member of an ar archive."""
    if not archive.startswith(_MAGIC):
        raise SoftFloatError("libgcc.a: is no ar archive; check the package set it comes from")
    offset = len(_MAGIC)
    while offset < len(archive):
        header = archive[offset : offset + _HEADER]
        size = int(header[48:58])
        end = offset + _HEADER + size + size % 2
        yield header[:16].decode("ascii").rstrip().removesuffix("/"), archive[offset:end]
        offset = end


def without(archive: bytes) -> bytes:
    """The ar archive `archive` without the members DISAGREEING; its index goes, too.

    lld takes archives without an index.

    Raises:
        SoftFloatError: one of them isn't there, so gcc's library has changed.
    """
    kept, dropped = [_MAGIC], set()
    for name, text in _members(archive):
        if name in DISAGREEING:
            dropped.add(name)
        elif name:  # the index has none
            kept.append(text)
    missing = sorted(DISAGREEING - dropped)
    if missing:
        raise SoftFloatError(
            f"libgcc.a: has no {', '.join(missing)}; see which members have these functions now, "
            "and name them in toolchains/musl/soft_float.py"
        )
    return b"".join(kept)


def convert(source: Path, out: Path) -> None:
    """Copy the tar of gcc's objects, its libgcc.a changed."""
    found = 0
    with tarfile.open(source) as old, tarfile.open(out, "w", format=tarfile.PAX_FORMAT) as new:
        for info in old:
            stream = old.extractfile(info) if info.isreg() else None
            data = stream.read() if stream else b""
            if info.name.endswith("/libgcc.a"):
                found += 1
                data = without(data)
                info.size = len(data)
            new.addfile(info, io.BytesIO(data))
    if found != 1:
        raise SoftFloatError(f"{source.name}: has {found} libgcc.a, not one")


def main(argv: list[str]) -> int:
    """The command line; returns the exit status."""
    source, out = map(Path, argv)
    try:
        convert(source, out)
    except SoftFloatError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
