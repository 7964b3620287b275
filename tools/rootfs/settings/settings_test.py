"""The layer of settings: what it changes, and what it refuses."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

from tools.formats.certificate_fixtures import HASH, PEM
from tools.rootfs.settings import settings_layer
from tools.rootfs.tarout import write_tar
from tools.rootfs.tree import Entry

BASE = {
    "bin": Entry("symlink", 0o777, target="usr/bin"),
    "etc": Entry("dir", 0o755),
    "etc/group": Entry("file", 0o644, content=b"root:x:0:\nnogroup:x:65534:\n"),
    "etc/gshadow": Entry("file", 0o640, gid=42, content=b"root:*::\n"),
    "etc/passwd": Entry("file", 0o644, content=b"root:x:0:0:root:/root:/bin/bash\n"),
    "etc/shadow": Entry("file", 0o640, gid=42, content=b"root:*:1::::::\n"),
    "home": Entry("dir", 0o755),
    "usr": Entry("dir", 0o755),
    "usr/bin": Entry("dir", 0o755),
}
SLIM = {
    "etc/ssl": Entry("dir", 0o755),
    "etc/ssl/certs": Entry("dir", 0o755),
    # Another certificate of the same subject.
    f"etc/ssl/certs/{HASH}.0": Entry("symlink", 0o777, target="other.pem"),
    "etc/ssl/certs/ca-certificates.crt": Entry("file", 0o644, content=b"others\n"),
    "etc/ssl/certs/other.pem": Entry("symlink", 0o777, target="/elsewhere"),
}


class Layer:
    """The program's output: its members, and their contents."""

    def __init__(self, file: Path) -> None:
        with tarfile.open(file) as archive:
            self.members = {member.name: member for member in archive}
            self.contents = {
                name: content.read().decode()
                for name, member in self.members.items()
                if (content := archive.extractfile(member) if member.isreg() else None)
            }


def run(folder: Path, *options: str) -> int:
    layers = []
    for name, entries in (("base", BASE), ("slim", SLIM)):
        file = folder / f"{name}.tar"
        with file.open("wb") as out:
            write_tar(out, entries.items())
        layers.append(f"--below={file}")
    return settings_layer.main([f"--layer={folder}/out.tar", "--epoch=172800", *layers, *options])


def made(folder: Path, *options: str) -> Layer:
    assert run(folder, *options) == 0
    return Layer(folder / "out.tar")


def refused(folder: Path, capsys: pytest.CaptureFixture[str], *options: str) -> str:
    assert run(folder, *options) == 2
    assert not (folder / "out.tar").exists()
    return capsys.readouterr().err


def source(folder: Path, name: str, text: str) -> Path:
    file = folder / name
    file.write_text(text)
    return file


def test_a_certificate_is_trusted_as_by_update_ca_certificates(tmp_path: Path) -> None:
    layer = made(tmp_path, f"--certificate={source(tmp_path, 'acme.crt', PEM)}")
    assert layer.contents == {
        "etc/ssl/certs/ca-certificates.crt": "others\n" + PEM,
        "usr/local/share/ca-certificates/acme.crt": PEM,
    }
    links = {name: one.linkname for name, one in layer.members.items() if one.issym()}
    assert links == {
        "etc/ssl/certs/acme.pem": "/usr/local/share/ca-certificates/acme.crt",
        f"etc/ssl/certs/{HASH}.1": "acme.pem",
    }
    # Folders that are there already keep what they are.
    assert {name for name, one in layer.members.items() if one.isdir()} == {
        "usr/local",
        "usr/local/share",
        "usr/local/share/ca-certificates",
    }
    assert {one.mtime for one in layer.members.values()} == {172800}


def test_a_user_has_a_group_and_a_home(tmp_path: Path) -> None:
    layer = made(tmp_path, "--user=app=10001")
    assert {name: text.splitlines()[-1] for name, text in layer.contents.items()} == {
        "etc/group": "app:x:10001:",
        "etc/gshadow": "app:!::",
        "etc/passwd": "app:x:10001:10001::/home/app:/usr/sbin/nologin",
        "etc/shadow": "app:!:2:0:99999:7:::",
    }
    assert layer.contents["etc/passwd"].startswith("root:x:0:0:")
    assert (layer.members["etc/shadow"].mode, layer.members["etc/shadow"].gid) == (0o640, 42)
    home = layer.members["home/app"]
    assert (home.isdir(), home.mode, home.uid, home.gid) == (True, 0o700, 10001, 10001)


def test_files_and_programs(tmp_path: Path) -> None:
    file = source(tmp_path, "some", "text")
    layer = made(tmp_path, f"--file=/etc/acme/conf={file}", f"--program=/usr/bin/acme={file}")
    assert {name: one.mode for name, one in layer.members.items()} == {
        "etc/acme": 0o755,
        "etc/acme/conf": 0o644,
        "usr/bin/acme": 0o755,
    }


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--user=app=0"], "user app: 0 is no number for it"),
        (["--user=app=65534"], "user app: 65534 is no number for it"),
        (["--user=app=x"], "user app: 'x' is no number"),
        (["--user=App=10001"], "user 'App': is no name"),
        (["--user=a:b=10001"], "user 'a:b': is no name"),
        (["--user=root=10001"], "user root: /etc/passwd has it or 10001 already"),
        (["--user=nogroup=10001"], "user nogroup: /etc/group has it or 10001 already"),
        (["--user=one=10001", "--user=two=10001"], "user two: /etc/passwd has it or 10001"),
        (["--file=etc/conf={file}"], "'etc/conf': is no absolute path"),
        (["--file=/etc/../conf={file}"], "'/etc/../conf': is no absolute path"),
        (["--file=/bin/acme={file}"], "/bin/acme: /bin is a symlink, not a folder"),
        (["--file=/etc/passwd/x={file}"], "/etc/passwd/x: /etc/passwd is a file, not a folder"),
        (["--file=/usr/bin={file}"], "/usr/bin: is there already, and is no file"),
        (["--file=/a={file}", "--program=/a={file}"], "/a: is named twice"),
        (["--file=/a={file}", "--file=/a/b={file}"], "/a/b: /a is a file, not a folder"),
        (["--certificate={file}"], "certificate some: no certificate in PEM"),
        (["--certificate={pair}"], "certificate pair: isn't one alone"),
        (["--certificate={other}"], "/etc/ssl/certs/other.pem: is there already"),
    ],
)
def test_what_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], message: str
) -> None:
    files = {
        "file": source(tmp_path, "some", "text"),
        "pair": source(tmp_path, "pair.crt", PEM + PEM),
        "other": source(tmp_path, "other.crt", PEM),
    }
    assert message in refused(tmp_path, capsys, *(one.format(**files) for one in options))


def test_a_layer_without_certificates_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(SLIM, "etc/ssl/certs/ca-certificates.crt")
    file = source(tmp_path, "acme.crt", PEM)
    message = refused(tmp_path, capsys, f"--certificate={file}")
    assert "/etc/ssl/certs/ca-certificates.crt: is in no layer below" in message
