"""Profiles: what an instrumented CPython counted while it ran, kept for gcc to optimise by.

A profile is a tar.xz of gcc's .gcda files, named by the object each belongs to, from the source
directory (`Objects/dictobject.gcda`): nothing in it says where it was made. gcc reads it where
-fprofile-use finds them, beside the objects.

gcc takes a function's counts only where its control flow is the one that was counted. That of
another platform differs in the few functions that headers or #if make different; that of another
version or compiler differs in most.
"""

from __future__ import annotations

import io
import lzma
import re
import struct
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

# The function the interpreter spends its time in. Without its counts a profile is worth little.
EVAL_LOOP = "_PyEval_EvalFrameDefault"

# For every compilation that uses a profile; what `examine` reads. -Wcoverage-mismatch is on, as an
# error, unless told otherwise.
WARNINGS = "-Wno-error=coverage-mismatch -Wmissing-profile"

_MISMATCH = re.compile(
    r"(?m)^(?P<place>\S+:\d+):\d+: warning: .*function '(?P<function>[^']+)'.*"
    r"\[-Wcoverage-mismatch\]$"
)
_NO_FILE = re.compile(r"warning: '([^']+\.gcda)' profile count data file not found")
_NO_COUNTS = re.compile(r"profile for function '[^']+' not found in profile data")

# The parts of a .gcda file, of gcc 12 and later: gcc/gcov-io.h.
_MAGIC = b"adcg"  # "gcda" as a little-endian word
_HEADER = 16  # magic, version, stamp, checksum
_FUNCTION_TAG = 0x01000000


class ProfileError(Exception):
    """A profile is damaged or doesn't fit what is compiled; the text names the difference."""


@dataclass(frozen=True)
class Use:
    """How well a profile fitted a compilation.

    Attributes:
        functions: how many functions the profile has counts for.
        mismatched: those whose counts gcc refused, as "file:line function", sorted.
        uncounted: how many functions of known files the profile lacks.
        unknown: files that were compiled without any counts, sorted.
    """

    functions: int
    mismatched: tuple[str, ...]
    uncounted: int
    unknown: tuple[str, ...]

    def check(self, max_mismatched: int) -> None:
        """Refuse a profile that doesn't fit.

        Args:
            max_mismatched: how many of a thousand functions may be mismatched.

        Raises:
            ProfileError: more are, or the eval loop is one of them or has no counts.
        """
        if any(entry.endswith(f" {EVAL_LOOP}") for entry in self.mismatched):
            raise ProfileError(f"the profile doesn't fit {EVAL_LOOP}, CPython's innermost loop")
        if "Python/ceval.gcda" in self.unknown:
            raise ProfileError("the profile has no Python/ceval.gcda, CPython's innermost loop")
        if len(self.mismatched) * 1000 > max_mismatched * self.functions:
            shown = "\n  ".join(self.mismatched[:20])
            raise ProfileError(
                f"the profile doesn't fit {len(self.mismatched)} of {self.functions} functions; "
                f"{max_mismatched} in a thousand may differ. The first:\n  {shown}"
            )

    def report(self) -> Mapping[str, object]:
        """The same, for a build's report."""
        return {
            "functions": self.functions,
            "matched": self.functions - len(self.mismatched),
            "mismatched": list(self.mismatched),
            "uncounted": self.uncounted,
            "unknown": list(self.unknown),
        }


def pack(source: Path, archive: Path) -> int:
    """Write the .gcda files below `source` to `archive`; the same files give the same bytes.

    Returns:
        How many there were.

    Raises:
        ProfileError: there were none.
    """
    paths = sorted(path.relative_to(source).as_posix() for path in source.rglob("*.gcda"))
    if not paths:
        raise ProfileError(f"nothing was counted: no .gcda file below {source}")
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for path in paths:
            data = (source / path).read_bytes()
            member = tarfile.TarInfo(path)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    archive.write_bytes(lzma.compress(raw.getvalue(), preset=9 | lzma.PRESET_EXTREME))
    return len(paths)


def unpack(archive: Path, source: Path) -> None:
    """Put a profile's files below the source directory, where gcc looks for them.

    Raises:
        ProfileError: it isn't a tar.xz of .gcda files that lie below it.
    """
    try:
        with tarfile.open(archive, "r:xz") as tar:
            for member in tar:
                path = PurePosixPath(member.name)
                if not member.isreg() or path.suffix != ".gcda":
                    raise ProfileError(f"{archive.name}: {member.name} is no .gcda file")
                tar.extract(member, source, filter="data")
    except (tarfile.TarError, lzma.LZMAError) as error:
        raise ProfileError(f"{archive.name} can't be read: {error}") from None


def count_functions(data: bytes, name: str) -> int:
    """How many functions a .gcda file has counts for.

    Args:
        data: the file's content.
        name: what messages call it.

    Raises:
        ProfileError: it's none of gcc 12 or later, of a little-endian platform, or cut off.
    """
    if data[:4] != _MAGIC:
        raise ProfileError(f"{name} isn't a .gcda file of a little-endian platform")
    offset, functions = _HEADER, 0
    try:
        while offset < len(data):
            (tag,) = struct.unpack_from("<I", data, offset)
            if tag == 0:
                break
            (length,) = struct.unpack_from("<i", data, offset + 4)
            # A negative length: that many bytes of zeros, which aren't written.
            offset += 8 + max(length, 0)
            functions += tag == _FUNCTION_TAG and length > 0
    except struct.error:
        raise ProfileError(f"{name} is cut off") from None
    if offset > len(data):
        raise ProfileError(f"{name} is cut off")
    return functions


def examine(output: str, source: Path) -> Use:
    """How well the profile below `source` fitted.

    Args:
        output: what a make with WARNINGS printed.
        source: the source directory; gcc's messages name files from there.

    Raises:
        ProfileError: one of the .gcda files is damaged.
    """
    functions = 0
    for path in source.rglob("*.gcda"):
        name = path.relative_to(source).as_posix()
        functions += count_functions(path.read_bytes(), name)
    prefix = f"{source}/"
    mismatched = {
        f"{found['place'].removeprefix(prefix).removeprefix('./')} {found['function']}"
        for found in _MISMATCH.finditer(output)
    }
    unknown = {name.removeprefix(prefix) for name in _NO_FILE.findall(output)}
    return Use(
        functions=functions,
        mismatched=tuple(sorted(mismatched)),
        uncounted=len(_NO_COUNTS.findall(output)),
        unknown=tuple(sorted(unknown)),
    )
