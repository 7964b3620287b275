"""Adding a user to layers that have some."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from tools.rootfs.users.user_layer import main

TIME = 1_700_000_000
PLACE = "variants.yaml:5"
PASSWD = "root:*:0:0:root:/root:/bin/bash\n"
GROUP = "root:*:0:\nshadow:*:42:\n"


def layer(path: Path, files: dict[str, str], gid: int = 0) -> Path:
    with tarfile.open(path, "w") as tar:
        for name, text in files.items():
            info = tarfile.TarInfo(name)
            info.size, info.mode, info.gid, info.mtime = len(text), 0o640, gid, TIME
            tar.addfile(info, io.BytesIO(text.encode()))
    return path


def added(
    tmp_path: Path, *below: Path, name: str = "nonroot", number: str = "65532", home: str = ""
) -> int:
    words = [word for path in below for word in ("--below", str(path))]
    words += ["--name", name, "--id", number, "--home", home or f"/home/{name}"]
    words += ["--place", PLACE]
    return main([*words, "--output", str(tmp_path / "user.tar")])


def contents(tar: Path) -> dict[str, tuple[str, int, int]]:
    with tarfile.open(tar) as archive:
        return {
            info.name: (
                (archive.extractfile(info) or io.BytesIO()).read().decode(),
                info.mode,
                info.uid,
            )
            for info in archive
        }


def test_a_user_has_a_group_and_a_home_and_no_password(tmp_path: Path) -> None:
    base = layer(tmp_path / "base.tar", {"etc/passwd": PASSWD, "etc/group": GROUP})
    assert added(tmp_path, base) == 0
    assert contents(tmp_path / "user.tar") == {
        "etc/passwd": (
            f"{PASSWD}nonroot:*:65532:65532:nonroot:/home/nonroot:/usr/sbin/nologin\n",
            0o640,
            0,
        ),
        "etc/group": (f"{GROUP}nonroot:x:65532:\n", 0o640, 0),
        "home": ("", 0o755, 0),
        "home/nonroot": ("", 0o755, 65532),
    }


def test_passwords_are_where_the_others_are(tmp_path: Path) -> None:
    base = layer(tmp_path / "base.tar", {"etc/passwd": "old:x:1:1::/:\n", "etc/group": GROUP})
    files = {"etc/passwd": PASSWD, "etc/shadow": "root:*:1::::::\n", "etc/gshadow": "root:*::\n"}
    assert added(tmp_path, base, layer(tmp_path / "upper.tar", files, gid=42)) == 0
    found = contents(tmp_path / "user.tar")
    assert "old" not in found["etc/passwd"][0]
    assert "nonroot:x:65532:65532:" in found["etc/passwd"][0]
    assert found["etc/shadow"][0] == f"root:*:1::::::\nnonroot:!:{TIME // 86400}::::::\n"
    assert found["etc/gshadow"][0] == "root:*::\nnonroot:!::\n"
    with tarfile.open(tmp_path / "user.tar") as tar:
        assert {info.mtime for info in tar} == {TIME}
        assert tar.getmember("etc/shadow").gid == 42


def test_no_program_below_gives_rights(tmp_path: Path) -> None:
    """A copy without the bits hides each that has them, unless a layer between has replaced it."""
    base = layer(tmp_path / "base.tar", {"etc/passwd": PASSWD, "etc/group": GROUP})
    with tarfile.open(base, "a") as tar:
        for name, mode in (("bin/su", 0o4755), ("bin/old", 0o4755), ("bin/wall", 0o2755)):
            info = tarfile.TarInfo(name)
            info.size, info.mode, info.mtime, info.gid = 2, mode, TIME - 5, 42
            tar.addfile(info, io.BytesIO(b"su"))
        link = tarfile.TarInfo("bin/sudo")
        link.type, link.linkname, link.mode = tarfile.LNKTYPE, "bin/su", 0o4755
        folder = tarfile.TarInfo("var/mail")
        folder.type, folder.mode = tarfile.DIRTYPE, 0o2775
        tar.addfile(link)
        tar.addfile(folder)
    upper = layer(tmp_path / "upper.tar", {"bin/old": "new"})
    assert added(tmp_path, base, upper) == 0
    found = contents(tmp_path / "user.tar")
    programs = {path: one for path, one in found.items() if path.startswith("bin/")}
    assert programs == dict.fromkeys(("bin/su", "bin/sudo", "bin/wall"), ("su", 0o755, 0))
    assert "var/mail" not in found
    with tarfile.open(tmp_path / "user.tar") as tar:
        wall = tar.getmember("bin/wall")
        assert (wall.mtime, wall.gid) == (TIME - 5, 42)


@pytest.mark.parametrize(
    ("name", "number", "why"),
    [
        ("root", "65532", "user root is in /etc/passwd already"),
        ("nonroot", "42", "user nonroot has the number 42 of shadow in /etc/group"),
        ("nonroot", "0", "user nonroot has the number 0 of root in /etc/passwd"),
    ],
)
def test_a_name_or_number_that_is_taken(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, number: str, why: str
) -> None:
    base = layer(tmp_path / "base.tar", {"etc/passwd": PASSWD, "etc/group": GROUP})
    assert added(tmp_path, base, name=name, number=number) == 2
    assert f"users: {PLACE}: {why}" in capsys.readouterr().err
    assert not (tmp_path / "user.tar").exists()


@pytest.mark.parametrize(
    ("home", "why"),
    [
        ("/srv", "user nonroot has the home /srv, which is there"),
        ("/etc/passwd", "user nonroot has the home /etc/passwd, which is there"),
        ("/tmp/me", "user nonroot has its home in /tmp, which is no folder of root's"),
        ("/bin/me", "user nonroot has its home in /bin, which is no folder of root's"),
        ("/srv/old/me", "user nonroot has its home in /srv/old, which is no folder of root's"),
        ("/etc/group/me", "user nonroot has its home in /etc/group, which is no folder"),
    ],
)
def test_a_home_that_would_take_a_folder_from_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], home: str, why: str
) -> None:
    base = layer(tmp_path / "base.tar", {"etc/passwd": PASSWD, "etc/group": GROUP})
    with tarfile.open(base, "a") as tar:
        for name, mode, owner in (("srv", 0o755, 0), ("srv/old", 0o755, 1), ("tmp", 0o1777, 0)):
            folder = tarfile.TarInfo(name)
            folder.type, folder.mode, folder.uid = tarfile.DIRTYPE, mode, owner
            tar.addfile(folder)
        link = tarfile.TarInfo("bin")
        link.type, link.linkname = tarfile.SYMTYPE, "usr/bin"
        tar.addfile(link)
    assert added(tmp_path, base, home=home) == 2
    assert f"users: {PLACE}: {why}" in capsys.readouterr().err
    assert not (tmp_path / "user.tar").exists()
    assert added(tmp_path, base, home="/srv/me") == 0


def test_a_root_without_users(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert added(tmp_path, layer(tmp_path / "base.tar", {"etc/passwd": PASSWD})) == 2
    assert "/etc/group: is in no layer below" in capsys.readouterr().err
