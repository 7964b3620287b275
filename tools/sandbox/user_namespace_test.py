"""Tests of user_namespace.py: who is root in the containers."""

import os
from pathlib import Path

import pytest

from tools.sandbox import user_namespace
from tools.sandbox.testing import needs_namespaces
from tools.sandbox.users import User

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


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ("app:100000:65536\n", (100000, 65536)),
        ("other:100000:65536\n1000:5:2000\napp:200000:70000\n", (200000, 65536)),
        ("app:100000:10\n", None),
        ("app:100000\napp:x:y\n\n", None),
        ("", None),
    ],
)
def test_granted_ranges(table: str, expected: tuple[int, int] | None) -> None:
    assert user_namespace.granted(table, ["1000", "app"]) == expected


@pytest.mark.parametrize("own", [0, 1, 5, 999, 1000, 1001, 10001, 2**31 - 1])
@pytest.mark.parametrize("count", [0, 1000])
def test_every_id_is_mapped_once(own: int, count: int) -> None:
    """What the kernel is told is what `outside` says, and nothing overlaps."""
    inner: dict[int, int] = {}
    for inside, out, length in user_namespace._lines(own, count):
        assert length > 0
        for step in range(length):
            assert inside + step not in inner
            inner[inside + step] = out + step
    assert len(set(inner.values())) == len(inner)
    assert max(inner.values()) <= count
    for identity in {*inner, *range(count + 3), own}:
        assert user_namespace.outside(identity, own, count) == inner.get(identity)


@needs_namespaces
@pytest.mark.parametrize("user", [User(), User(10001, 10002), User(0, 5), User(5, 0)])
def test_a_command_becomes_its_user(user: User) -> None:
    read_end, write_end = os.pipe()
    pid = os.fork()
    if not pid:
        try:
            user_namespace.enter(user_namespace.owner())
            user_namespace.become_root()
            user_namespace.become(user, 0)
            os.write(write_end, f"{os.getuid()}:{os.getgid()}".encode())
        finally:
            os._exit(0)
    os.close(write_end)
    os.waitpid(pid, 0)
    with os.fdopen(read_end) as pipe:
        assert pipe.read() == str(user)
