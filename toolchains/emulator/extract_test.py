"""Tests of extract.py."""

from pathlib import Path

import pytest

from toolchains.emulator import extract
from tools.formats.debian import deb_fixtures as fixtures

CONTROL = "Package: q\nVersion: 1\nArchitecture: amd64\n"


def run(tmp_path: Path, raw: bytes, member: str) -> tuple[int, Path]:
    deb, out = tmp_path / "q.deb", tmp_path / "out"
    deb.write_bytes(raw)
    return extract.main([f"--deb={deb}", f"--member={member}", f"--out={out}"]), out


def test_takes_the_member_whole(tmp_path: Path) -> None:
    members = [(fixtures.directory("./usr"), b""), (fixtures.file("./usr/q"), b"x" * 9999)]
    status, out = run(tmp_path, fixtures.make_deb(CONTROL, members), "usr/q")
    assert (status, out.read_bytes(), out.stat().st_mode & 0o777) == (0, b"x" * 9999, 0o755)


@pytest.mark.parametrize(
    "raw",
    [b"!<arch>\n", fixtures.make_deb(CONTROL, [(fixtures.symlink("./usr/q", "r"), b"")])],
)
def test_what_is_not_there_is_one_error(
    tmp_path: Path, raw: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    for member in ("usr/q", "usr/other"):
        status, out = run(tmp_path, raw, member)
        assert (status, out.exists()) == (1, False)
        assert capsys.readouterr().err.startswith("error: ")


def test_a_damaged_package_leaves_nothing(tmp_path: Path) -> None:
    raw = fixtures.make_deb(CONTROL, [(fixtures.file("./usr/q"), bytes(range(256)) * 999)])
    status, out = run(tmp_path, raw[:-100], "usr/q")
    assert (status, out.exists()) == (1, False)
