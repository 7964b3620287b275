"""Tests of rootfs.py."""

import io
import tarfile
from pathlib import Path

import pytest

from tools.sandbox.rootfs import Rootfs, RootfsError, unpack
from tools.sandbox.testing import layer, link, member


def build(tmp_path: Path, *layers: bytes) -> Rootfs:
    return unpack(tmp_path / "root", [(str(n), io.BytesIO(raw)) for n, raw in enumerate(layers)])


def names(rootfs: Rootfs) -> list[str]:
    """The paths in the table, checked against the disk."""
    table = sorted(rootfs.headers)
    disk = sorted("/" + str(p.relative_to(rootfs.root)) for p in rootfs.root.rglob("*"))
    assert [p for p in table if p != "/"] == disk
    return table[1:]


def test_keeps_owner_and_special_modes_in_the_table(tmp_path: Path) -> None:
    shadow = member("etc/shadow", b"x", mode=0o640, uid=0, gid=42)
    rootfs = build(tmp_path, layer(member("etc"), shadow, member("su", b"", mode=0o4755)))
    assert rootfs.headers["/etc/shadow"].gid == 42
    assert rootfs.on_disk("/su").stat().st_mode & 0o7777 == 0o4755
    assert names(rootfs) == ["/etc", "/etc/shadow", "/su"]


def test_read_only_directories_are_filled_first(tmp_path: Path) -> None:
    rootfs = build(tmp_path, layer(member("d", mode=0o555), member("d/f", b"x")))
    assert rootfs.on_disk("/d").stat().st_mode & 0o7777 == 0o555


def test_whiteouts_only_hide_lower_layers(tmp_path: Path) -> None:
    lower = layer(member("a"), member("a/old", b""), member("b"), member("b/old", b""))
    upper = layer(
        member("a/new", b""),
        member("a/.wh..wh..opq", b""),
        member(".wh.b", b""),
        member("a/.wh.never-there", b""),
    )
    assert names(build(tmp_path, lower, upper)) == ["/a", "/a/new"]


def test_a_directory_may_become_a_file_and_back(tmp_path: Path) -> None:
    one = layer(member("x"), member("x/y", b"1"), member("z", b"2"))
    two = layer(member("x", b"3"), member("z"), member("z/w", b"4"))
    rootfs = build(tmp_path, one, two)
    assert names(rootfs) == ["/x", "/z", "/z/w"]
    assert rootfs.on_disk("/x").read_bytes() == b"3"


def test_links_of_the_image_are_followed_inside_of_it(tmp_path: Path) -> None:
    lower = layer(
        member("usr"), member("usr/bin"), link("bin", "/usr/bin"), link("up", "../../usr")
    )
    rootfs = build(tmp_path, lower, layer(member("bin/sh", b"#"), member("up/lib")))
    assert {"/usr/bin/sh", "/usr/lib"} <= set(names(rootfs))
    assert rootfs.resolve("/bin/../bin/sh", follow_last=True) == "/usr/bin/sh"
    assert rootfs.resolve("/bin", follow_last=False) == "/bin"


def test_nothing_is_written_outside(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    escape = layer(
        link("evil", str(tmp_path / "outside")),
        member("evil/file", b"x"),
        member("../../outside/file", b"x"),
    )
    build(tmp_path, escape)
    assert not list((tmp_path / "outside").iterdir())


def test_hard_links_share_header_and_content(tmp_path: Path) -> None:
    rootfs = build(tmp_path, layer(member("a", b"x", uid=7)), layer(link("b", "a", hard=True)))
    assert rootfs.headers["/b"].uid == 7
    assert rootfs.on_disk("/a").stat().st_nlink == 2


def test_hard_link_to_nowhere_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RootfsError, match=r"layer 0: b: hard link to a, which is not there"):
        build(tmp_path, layer(link("b", "a", hard=True)))


def test_a_loop_of_links_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RootfsError, match="too many levels"):
        build(tmp_path, layer(link("a", "b"), link("b", "a"), member("a/c", b"")))


def test_device_nodes_are_only_remembered(tmp_path: Path) -> None:
    null = member("null", type=tarfile.CHRTYPE, devmajor=1, devminor=3)
    rootfs = build(tmp_path, layer(null))
    assert rootfs.headers["/null"].ischr()
    assert not rootfs.on_disk("/null").exists()


def test_a_cut_layer_is_refused(tmp_path: Path) -> None:
    raw = layer(member("a", b"x" * 5000))
    with pytest.raises(RootfsError, match="layer 0: unexpected end"):
        build(tmp_path, raw[:2000])


@pytest.mark.parametrize(
    "strange",
    [
        member("x" * 300, b""),
        member("a\0b", b"", pax_headers={"path": "a\0b"}),
        member("late", b"", mtime=1 << 80),
        member("/".join(["d"] * 1500)),
        member("odd", type=b"Z"),
    ],
    ids=["name", "nul", "time", "depth", "type"],
)
def test_a_strange_member_is_one_error(
    tmp_path: Path, strange: tuple[tarfile.TarInfo, bytes]
) -> None:
    with pytest.raises(RootfsError, match=r"^layer 0: "):
        build(tmp_path, layer(strange))
