"""What the user of an image can't read is told, with the path."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.rootfs.settings import access
from tools.rootfs.tarout import write_tar
from tools.rootfs.tree import Entry

BASE = {
    "etc": Entry("dir", 0o755),
    "etc/group": Entry("file", 0o644, content=b"root:x:0:\nstaff:x:50:app\n"),
    "etc/passwd": Entry(
        "file",
        0o644,
        content=b"root:x:0:0::/root:/bin/sh\napp:x:7:7::/home/app:/bin/false\n",
    ),
    "root": Entry("dir", 0o700),
}


def run(folder: Path, user: str, own: dict[str, Entry], *options: str) -> int:
    layers = []
    for name, entries in (("base", BASE), ("own", own)):
        file = folder / f"{name}.tar"
        with file.open("wb") as out:
            write_tar(out, entries.items())
        layers.append(f"--layer={file}")
    return access.main(
        [f"--user={user}", f"--ok={folder}/ok", *layers, f"--own={folder}/own.tar", *options]
    )


@pytest.mark.parametrize(
    ("user", "own"),
    [
        ("app", {"srv": Entry("dir", 0o755), "srv/a": Entry("file", 0o644)}),
        ("7", {"a": Entry("file", 0o400, 7, 7)}),
        ("10001:50", {"a": Entry("file", 0o640, 0, 50)}),
        ("app", {"a": Entry("file", 0o640, 0, 50)}),
        ("root", {"a": Entry("file", 0o000, 3)}),
        ("app:staff", {"a": Entry("symlink", 0o777, target="/root/x")}),
    ],
)
def test_readable(tmp_path: Path, user: str, own: dict[str, Entry]) -> None:
    assert run(tmp_path, user, own) == 0
    assert (tmp_path / "ok").exists()


@pytest.mark.parametrize(
    ("user", "own", "message"),
    [
        ("app", {"a": Entry("file", 0o600)}, "can't read /a: it has the mode 0600 of 0:0\n"),
        ("10001", {"a": Entry("file", 0o640, 0, 50)}, "can't read /a: it has the mode 0640"),
        (
            "app",
            {"b": Entry("dir", 0o750), "b/a": Entry("file", 0o644)},
            "can't read /b: it has the mode 0750 of 0:0, and 1 more",
        ),
        ("ap", {}, 'user = "ap": the image has no user \'ap\'\n  Add it: users = {"ap": '),
        ("app:staf", {}, "the image has no group 'staf'"),
        (
            "2147483648",
            {},
            'user = "2147483648": container engines take no number above 2147483647',
        ),
        ("app:4294967294", {}, "take no number above 2147483647\n  Take a lower one"),
    ],
)
def test_not_readable(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    user: str,
    own: dict[str, Entry],
    message: str,
) -> None:
    assert run(tmp_path, user, own) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "ok").exists()


def test_a_file_in_a_folder_of_the_bases(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = {"root/x": Entry("file", 0o644)}
    assert run(tmp_path, "app", {}, "--path=/root/x") == 2
    assert "can't read /root/x: the folder /root has the mode 0700 of 0" in capsys.readouterr().err
    assert run(tmp_path, "app", own) == 2
