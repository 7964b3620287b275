"""Profiles: packing, reading gcc's files and messages, and refusing what doesn't fit."""

from __future__ import annotations

import io
import lzma
import struct
import tarfile
from pathlib import Path

import pytest

from tools.cpython import profiles
from tools.cpython.profiles import ProfileError, Use

FUNCTION, ARCS, SUMMARY = 0x01000000, 0x01A10000, 0xA1000000


def gcda(functions: int) -> bytes:
    """A .gcda file as libgcov of gcc 12 writes it, its second function's counters all zero."""
    data = b"adcg" + b"*41A" + struct.pack("<II", 1, 2)
    data += struct.pack("<IiII", SUMMARY, 8, 1, 9)
    for number in range(functions):
        data += struct.pack("<IiIII", FUNCTION, 12, number, 3, 4)
        data += struct.pack("<Ii", ARCS, -16) if number == 1 else struct.pack("<IiQ", ARCS, 8, 7)
    return data + struct.pack("<I", 0)


def test_functions_are_counted() -> None:
    assert profiles.count_functions(gcda(3), "a.gcda") == 3


@pytest.mark.parametrize("end", [18, 30, 41, 60])
def test_a_cut_file_is_refused(end: int) -> None:
    with pytest.raises(ProfileError, match=r"a\.gcda is cut off"):
        profiles.count_functions(gcda(3)[:end], "a.gcda")


def test_another_byte_order_is_refused() -> None:
    with pytest.raises(ProfileError, match="little-endian"):
        profiles.count_functions(b"gcda" + gcda(1)[4:], "a.gcda")


def fill(source: Path) -> None:
    (source / "Objects").mkdir(parents=True)
    (source / "Objects/b.gcda").write_bytes(gcda(2))
    (source / "Objects/a.gcda").write_bytes(gcda(3))
    (source / "Objects/a.o").write_bytes(b"object")


def test_a_profile_is_its_files_and_nothing_else(tmp_path: Path) -> None:
    fill(tmp_path / "one")
    fill(tmp_path / "another")
    for path in (tmp_path / "another/Objects").iterdir():
        path.chmod(0o600)
    first, second = tmp_path / "1.tar.xz", tmp_path / "2.tar.xz"
    assert profiles.pack(tmp_path / "one", first) == 2
    profiles.pack(tmp_path / "another", second)
    assert first.read_bytes() == second.read_bytes()
    profiles.unpack(first, tmp_path / "new")
    made = sorted((tmp_path / "new").rglob("*.*"))
    assert [path.name for path in made] == ["a.gcda", "b.gcda"]
    assert made[0].read_bytes() == gcda(3)


def test_nothing_counted_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match="nothing was counted"):
        profiles.pack(tmp_path, tmp_path / "a.tar.xz")


@pytest.mark.parametrize("name", ["../a.gcda", "a.c"])
def test_an_archive_of_other_files_is_refused(tmp_path: Path, name: str) -> None:
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as tar:
        tar.addfile(tarfile.TarInfo(name))
    archive = tmp_path / "p.tar.xz"
    archive.write_bytes(lzma.compress(raw.getvalue()))
    with pytest.raises(ProfileError, match=r"p\.tar\.xz"):
        profiles.unpack(archive, tmp_path / "new")


def test_a_damaged_archive_is_refused(tmp_path: Path) -> None:
    archive = tmp_path / "p.tar.xz"
    archive.write_bytes(b"no archive")
    with pytest.raises(ProfileError, match=r"p\.tar\.xz can't be read"):
        profiles.unpack(archive, tmp_path / "new")


# As gcc 14 prints them.
OUTPUT = """\
gcc -c -O2 -o Objects/a.o Objects/a.c
./Include/internal/pycore_x.h: In function 'shared':
./Include/internal/pycore_x.h:7:1: warning: profile data may be out of date: the control flow of \
function 'shared' does not match its profile data (counter 'arcs') [-Wcoverage-mismatch]
./Include/internal/pycore_x.h:7:1: warning: profile data may be out of date: the control flow of \
function 'shared' does not match its profile data (counter 'time_profiler') [-Wcoverage-mismatch]
Objects/a.c:3:5: warning: source locations for function 'moved' have changed, the profile data \
may be out of date [-Wcoverage-mismatch]
Objects/a.c:9:5: warning: profile for function 'new' not found in profile data [-Wmissing-profile]
Objects/c.c:50:1: warning: '/build/src/Objects/c.gcda' profile count data file not found \
[-Wmissing-profile]
Objects/c.c:51:1: warning: unused variable 'x' [-Wunused-variable]
"""


def test_gccs_messages_are_understood(tmp_path: Path) -> None:
    fill(tmp_path)
    use = profiles.examine(OUTPUT.replace("/build/src", str(tmp_path)), tmp_path)
    assert use == Use(
        functions=5,
        mismatched=("Include/internal/pycore_x.h:7 shared", "Objects/a.c:3 moved"),
        uncounted=1,
        unknown=("Objects/c.gcda",),
    )
    assert use.report()["matched"] == 3


def used(mismatched: tuple[str, ...] = (), unknown: tuple[str, ...] = ()) -> Use:
    return Use(functions=1000, mismatched=mismatched, uncounted=0, unknown=unknown)


def test_as_many_as_allowed_may_differ() -> None:
    used(("a.c:1 f", "a.c:2 g")).check(2)


@pytest.mark.parametrize(
    ("use", "words"),
    [
        (used(("a.c:1 f", "a.c:2 g", "b.c:1 h")), "3 of 1000 functions"),
        (used(("Python/ceval.c:9 _PyEval_EvalFrameDefault",)), "innermost loop"),
        (used(unknown=("Python/ceval.gcda",)), "innermost loop"),
    ],
)
def test_a_stale_profile_is_refused(use: Use, words: str) -> None:
    with pytest.raises(ProfileError, match=words):
        use.check(2)
