import re
import tarfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.formats.archives.tar import Member
from tools.formats.debian import deb_fixtures as fixtures
from tools.formats.debian.deb import Deb, DebError, read_deb
from tools.formats.debian.deb_fixtures import directory, file, make_deb, symlink

CONTROL = """\
Package: hello
Version: 1:2.10-3
Architecture: amd64
Description: greets
 in two
 lines
"""
MEMBERS = [
    (directory("./"), b""),
    (directory("./usr"), b""),
    (file("./usr/hello", 0o4755, 1234), b"hello\n"),
    (symlink("./usr/hi", "hello"), b""),
]


def write(folder: Path, content: bytes) -> Path:
    path = folder / "hello.deb"
    path.write_bytes(content)
    return path


def read(folder: Path, content: bytes) -> tuple[Deb, list[Member]]:
    deb = read_deb(write(folder, content))
    return deb, list(deb.members())


@pytest.mark.parametrize("compression", ["", ".xz", ".gz", ".zst"])
def test_reads_control_and_members(tmp_path: Path, compression: str) -> None:
    content = make_deb(
        CONTROL, MEMBERS, scripts={"postinst": b"#!/bin/sh\n"}, compression=compression
    )
    deb, members = read(tmp_path, content)
    assert deb.control == {
        "Package": "hello",
        "Version": "1:2.10-3",
        "Architecture": "amd64",
        "Description": "greets\n in two\n lines",
    }
    assert deb.control_files["postinst"] == (0o755, b"#!/bin/sh\n", 0)
    assert [m.info.name for m in members] == [".", "usr", "usr/hello", "usr/hi"]
    hello, link = members[2:]
    assert (hello.info.mode, hello.info.mtime, bytes(hello.data)) == (0o4755, 1234, b"hello\n")
    assert (link.info.linkname, bytes(link.data)) == ("hello", b"")
    with tarfile.open(fileobj=deb.open_data(), mode="r|") as tar:
        assert len(tar.getnames()) == len(members)


def test_a_blank_belongs_to_the_value_only_before_further_lines(tmp_path: Path) -> None:
    control = CONTROL.replace("greets\n", "greets \n").replace("amd64\n", "amd64 \n")
    deb = read_deb(write(tmp_path, make_deb(control, MEMBERS)))
    assert deb.control["Description"] == "greets \n in two\n lines"
    assert deb.control["Architecture"] == "amd64"


def members_of(data: bytes, control: bytes | None = None) -> bytes:
    if control is None:
        control = fixtures.make_tar([(file("./control"), CONTROL.encode())])
    return fixtures.ar({"debian-binary": b"2.0\n", "control.tar": control, "data.tar": data})


TAR = fixtures.make_tar(MEMBERS)


def xattr(name: str) -> tarfile.TarInfo:
    info = file(name)
    info.pax_headers = {"SCHILY.xattr.user.x": "1"}
    return info


def is_tree(files: dict[str, bytes]) -> bool:
    return not any(other.startswith(f"{name}/") for name in files for other in files)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "no ar archive"),
        (b"PK\x03\x04 a zip", "no ar archive"),
        (b"!<arch>\n", "no control.tar"),
        (make_deb(CONTROL, MEMBERS)[:-20], "truncated"),
        (fixtures.ar({"data.tar": b""}), "no debian-binary"),
        (fixtures.ar({"debian-binary": b"3.0\n"}), "format 2"),
        (fixtures.ar({"debian-binary": b"2.0\n", "evil": b""}), "unexpected member 'evil'"),
        (members_of(TAR, control=fixtures.make_tar([])), "no control file"),
        (make_deb("Package: x\n"), "no 'Version'"),
        (make_deb(CONTROL + "package: again\n"), "'package' twice"),
        (make_deb(CONTROL + "nonsense\n"), "malformed line 'nonsense'"),
        (make_deb(CONTROL.replace("hello", "../../x")), "'Package' has the value '../../x'"),
        (make_deb(CONTROL.replace("hello", "x\rVersion: 2")), "malformed line"),
        (make_deb(CONTROL.replace("1:2.10-3", "1\n Status: x")), "'Version' has the value"),
        (make_deb(CONTROL.replace("amd64", "../amd64")), "'Architecture' has the value"),
        (make_deb(CONTROL.replace("Package:", "package:")), "no 'Package'"),
        (make_deb(CONTROL + "Source: ../x\n"), "'Source' has the value"),
        (make_deb(CONTROL + "Multi-Arch: same/../..\n"), "'Multi-Arch' has the value"),
        (make_deb(CONTROL + "Installed-Size: much\n"), "'Installed-Size' has the value"),
        (make_deb(CONTROL + "X: y\n \n z\n"), "field 'X' has an empty line"),
        (make_deb(CONTROL + "X: \x1b[2J\n"), "malformed line"),
        (make_deb(CONTROL, scripts={"post inst": b""}), "is no plain file"),
        (make_deb(CONTROL, [(symlink("./", "/etc"), b"")]), "is the root and no directory"),
        (make_deb(CONTROL, [(file("./x\nPackage: y"), b"")]), "has a control character"),
        (make_deb(CONTROL, [(xattr("./x"), b"")], form=tarfile.PAX_FORMAT), "would be lost"),
        (make_deb(CONTROL, [(file("./../etc/passwd"), b"")]), "outside of the tree"),
        (make_deb(CONTROL, [(file("/etc/passwd"), b"")]), "outside of the tree"),
        (members_of(TAR[:2050]), "data.tar"),
        (members_of(TAR[:1024] + b"X" * 512 + TAR[1536:]), "malformed tar header"),
        (
            fixtures.ar({"debian-binary": b"2.0\n", "control.tar.lz4": b"", "data.tar": b""}),
            "'.lz4' isn't supported",
        ),
        (
            fixtures.ar({"debian-binary": b"2.0\n", "control.tar.xz": b"junk", "data.tar": b""}),
            "can't be unpacked",
        ),
    ],
)  # fmt: skip
def test_refuses(tmp_path: Path, content: bytes, why: str) -> None:
    with pytest.raises(DebError) as caught:
        read(tmp_path, content)
    assert why in caught.value.why
    assert str(caught.value).startswith(str(tmp_path / "hello.deb"))


def test_the_time_is_the_newest_of_the_archives(tmp_path: Path) -> None:
    deb, _ = read(tmp_path, make_deb(CONTROL, MEMBERS))
    assert deb.time == 0
    content = bytearray(make_deb(CONTROL, MEMBERS, time=1_700_000_000))
    assert read(tmp_path, bytes(content))[0].time == 1_700_000_000
    content[24:36] = b"1700000005  "
    assert read(tmp_path, bytes(content))[0].time == 1_700_000_005
    content[24:36] = b" " * 12
    assert read(tmp_path, bytes(content))[0].time == 1_700_000_000


@pytest.mark.parametrize(
    "time", [b"-1          ", b"now         ", b"999999999999", b"1_0         "]
)
def test_refuses_a_time_that_is_none(tmp_path: Path, time: bytes) -> None:
    content = bytearray(make_deb(CONTROL, MEMBERS))
    content[24:36] = time
    with pytest.raises(DebError, match="member 'debian-binary' has the time"):
        read(tmp_path, bytes(content))


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(DebError, match="No such file"):
        read_deb(tmp_path / "absent.deb")


@settings(deadline=None)
@given(cut=st.integers(0, len(make_deb(CONTROL, MEMBERS, compression="")) - 1))
def test_any_truncation_is_noticed(tmp_path_factory: pytest.TempPathFactory, cut: int) -> None:
    whole = make_deb(CONTROL, MEMBERS, compression="")
    with pytest.raises(DebError):
        read(tmp_path_factory.mktemp("cut"), whole[:cut])


@settings(deadline=None)
@given(
    files=st.dictionaries(
        st.lists(st.text("ab-", min_size=1, max_size=70), min_size=1, max_size=3).map("/".join),
        st.binary(max_size=2000),
        max_size=5,
    ).filter(is_tree)
)
def test_round_trip(tmp_path_factory: pytest.TempPathFactory, files: dict[str, bytes]) -> None:
    content = make_deb(CONTROL, [(file(f"./{name}"), data) for name, data in files.items()])
    _, members = read(tmp_path_factory.mktemp("deb"), content)
    assert {m.info.name: bytes(m.data) for m in members} == files


def test_damaged_zstd(tmp_path: Path) -> None:
    whole = fixtures.pack(b"x" * 100_000, ".zst")
    for data, why in (
        (whole[:-3], "data.tar.zst': can't be unpacked: truncated"),
        (b"junk", "data.tar.zst': can't be unpacked"),
        (whole + b"junk", "data.tar.zst': can't be unpacked"),
    ):
        members = {
            "debian-binary": b"2.0\n",
            "control.tar.zst": fixtures.pack(
                fixtures.make_tar([(fixtures.file("./control"), CONTROL.encode())]), ".zst"
            ),
            "data.tar.zst": data,
        }
        path = tmp_path / "x.deb"
        path.write_bytes(fixtures.ar(members))
        deb = read_deb(path)
        assert deb.control["Package"]
        with pytest.raises(DebError, match=re.escape(why)):
            _ = deb.data


def test_frames_one_after_the_other(tmp_path: Path) -> None:
    tar = fixtures.make_tar([(fixtures.file("./control"), CONTROL.encode())])
    frames = fixtures.pack(tar[:700], ".zst") + fixtures.pack(tar[700:], ".zst")
    members = {"debian-binary": b"2.0\n", "control.tar.zst": frames, "data.tar": b""}
    path = tmp_path / "x.deb"
    path.write_bytes(fixtures.ar(members))
    assert read_deb(path).control_files["control"].data == CONTROL.encode()
