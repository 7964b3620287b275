"""Tests of user_namespace.py: who is root in the containers."""

import os
from pathlib import Path

import pytest

from tools.sandbox import user_namespace

ALL = "         0          0 4294967295\n"
ROOT_ALONE = "         0          0          1\n"
ROOTLESS_ENGINE = "         0       1000          1\n         1     100000      65536\n"
FULL, NONE, NO_SETUID = "000001ffffffffff", "0000000000000000", "00000000a804257b"


@pytest.mark.parametrize(
    ("uid", "uids", "gids", "capabilities", "expected"),
    [
        (0, ALL, ALL, FULL, 65534),
        (0, ROOTLESS_ENGINE, ROOTLESS_ENGINE, FULL, 65534),
        (0, ROOT_ALONE, ROOT_ALONE, FULL, 0),
        (0, ALL, ROOT_ALONE, FULL, 0),
        (0, ALL, ALL, NONE, 0),
        (0, ALL, ALL, NO_SETUID, 0),
        (1000, ALL, ALL, NONE, 1000),
    ],
)
def test_owner(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    uid: int,
    uids: str,
    gids: str,
    capabilities: str,
    expected: int,
) -> None:
    (tmp_path / "uid_map").write_text(uids)
    (tmp_path / "gid_map").write_text(gids)
    (tmp_path / "status").write_text(f"Name:\tx\nCapEff:\t{capabilities}\nCapBnd:\t0\n")
    monkeypatch.setattr(os, "geteuid", lambda: uid)
    assert user_namespace.owner(tmp_path) == expected
