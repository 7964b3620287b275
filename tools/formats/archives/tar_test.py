"""What a tar may have in it, and what is refused: headers that readers interpret differently."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable

import pytest

from tools.formats.archives import rules, tar
from tools.formats.archives.archive_error import ArchiveError

Change = Callable[[tarfile.TarInfo], None]


def archive(*infos: tarfile.TarInfo, form: int = tarfile.GNU_FORMAT) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as made:
        for info in infos:
            made.addfile(info, io.BytesIO(bytes(info.size)))
    return out.getvalue()


def member(
    name: str, kind: bytes = tarfile.REGTYPE, link: str = "", **values: object
) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    for key, value in values.items():
        setattr(info, key, value)
    return info


def refused(data: bytes) -> str:
    with pytest.raises(ArchiveError) as caught:
        list(tar.members(data))
    return str(caught.value)


def raw(field: slice, value: bytes, **values: object) -> bytes:
    """An archive of one member whose header has a field replaced and a right checksum."""
    data = bytearray(archive(member("x", **values)))  # type: ignore[arg-type]
    data[field] = value.ljust(field.stop - field.start, b"\0")
    data[148:156] = b" " * 8
    data[148:156] = b"%06o\0 " % sum(data[:512])
    return bytes(data)


MODE, UID, GID, SIZE, MTIME, TYPE = (
    slice(100, 108), slice(108, 116), slice(116, 124), slice(124, 136), slice(136, 148),
    slice(156, 157),
)  # fmt: skip


def test_what_is_read() -> None:
    data = archive(
        member("./", tarfile.DIRTYPE),
        member("./usr/", tarfile.DIRTYPE, mode=0o755),
        member("usr/a", size=3, mtime=5),
        member("usr/" + "long/" * 30 + "b", tarfile.SYMTYPE, "../../etc/x"),
        member("./usr/c", tarfile.LNKTYPE, "./usr/a"),
    )
    found = [(info.name, info.linkname, len(content)) for info, content in tar.members(data)]
    assert found == [
        (".", "", 0),
        ("usr", "", 0),
        ("usr/a", "", 3),
        ("usr/" + "long/" * 30 + "b", "../../etc/x", 0),
        ("usr/c", "usr/a", 0),
    ]


@pytest.mark.parametrize(
    ("infos", "why"),
    [
        ([member("../x")], "'../x' is outside of the tree"),
        ([member("/x")], "'/x' is outside of the tree"),
        ([member("usr/../../x")], "is outside of the tree"),
        ([member("a//b")], "'a//b' is no plain relative path"),
        ([member("a/./b")], "'a/./b' is no plain relative path"),
        ([member(".")], "'.' is the root and no directory"),
        ([member("./", tarfile.SYMTYPE, "/etc")], "is the root and no directory"),
        ([member("a\nb")], "'a\\nb' has a control character"),
        ([member("a\x1b[2J")], "has a control character"),
        ([member("a\x85b")], "has a control character"),
        ([member("a\u2028b")], "has a control character"),
        ([member("caf\udce9")], "is not UTF-8"),
        ([member("x" * 256)], "is longer than Linux takes"),
        ([member("a/" * 2100 + "b")], "is longer than Linux takes"),
        ([member("a", tarfile.SYMTYPE, "b\nc")], "link to 'b\\nc' has a control character"),
        ([member("a", tarfile.SYMTYPE, "")], "is a link to ''"),
        ([member("a", tarfile.LNKTYPE, "b")], "is a hard link to 'b', no earlier file"),
        ([member("a", tarfile.LNKTYPE, "../b")], "is outside of the tree"),
        ([member("a"), member("a")], "'a' is there twice"),
        ([member("a"), member("./a")], "'a' is there twice"),
        ([member("a"), member("a/b")], "'a/b' lies below 'a', a file"),
        ([member("a/b"), member("a")], "'a' is a file, and others lie below it"),
        ([member("a", tarfile.SYMTYPE, "/"), member("a/b")], "lies below 'a', a symlink"),
        ([member("a", tarfile.CHRTYPE)], "neither file, directory nor link"),
        ([member("a", tarfile.BLKTYPE)], "neither file, directory nor link"),
        ([member("a", tarfile.FIFOTYPE)], "neither file, directory nor link"),
        ([member("a", tarfile.CONTTYPE)], "is of tar type b'7'"),
        ([member("a", tarfile.GNUTYPE_SPARSE)], "is a sparse file"),
        ([member("a", uid=-1)], "has the uid -1"),
        ([member("a", gid=2**32 - 1)], "has the gid 4294967295"),
        ([member("a", uid=2**50)], f"has the uid {2**50}"),
        ([member("a", mtime=-1)], "has the mtime -1"),
        ([member("a", mtime=2**40)], f"has the mtime {2**40}"),
    ],
)
def test_members_that_are_refused(infos: list[tarfile.TarInfo], why: str) -> None:
    assert why in refused(archive(*infos))


@pytest.mark.parametrize(
    ("headers", "why"),
    [
        ({"SCHILY.xattr.security.capability": "x"}, "which would be lost"),
        ({"SCHILY.acl.access": "x"}, "which would be lost"),
        ({"comment": "x"}, "which would be lost"),
        ({"GNU.sparse.major": "1", "GNU.sparse.name": "y"}, "is a sparse file"),
        ({"uid": "-5"}, "has the uid -5"),
        ({"uid": "root"}, "has the uid 'root'"),
        ({"gid": "99999999999"}, "has the gid 99999999999"),
        ({"mtime": "nan"}, "has the mtime nan"),
        ({"mtime": "-1.5"}, "has the mtime -1.5"),
        ({"mtime": "1e400"}, "has the mtime inf"),
        ({"size": "-512"}, ""),  # tarfile's releases differ in what they say
        ({"path": "../x"}, "is outside of the tree"),
        ({"path": "a\nb"}, "has a control character"),
    ],
)
def test_extended_headers_that_are_refused(headers: dict[str, str], why: str) -> None:
    assert why in refused(archive(member("x", pax_headers=headers), form=tarfile.PAX_FORMAT))


def test_global_headers_are_refused() -> None:
    out = io.BytesIO()
    with tarfile.open(
        fileobj=out, mode="w", format=tarfile.PAX_FORMAT, pax_headers={"path": "y"}
    ) as made:
        made.addfile(member("x"))
    assert "a header about all members" in refused(out.getvalue())


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (raw(SIZE, b"\xff" * 12), ""),
        (raw(UID, b"\xff" * 8), "has the uid -1"),
        (raw(GID, b"\x80" + b"\x7f" * 7), "has the gid"),
        (raw(MODE, b"7777777"), "has the mode"),
        (raw(MTIME, b"12x"), "malformed tar header"),
        (raw(SIZE, b"777777777"), "is incomplete"),
        (raw(TYPE, b"Z"), "is of tar type b'Z'"),
        (archive(member("x"))[:512], "the tar has no end"),
        (archive(member("x", size=600))[:700], "is incomplete"),
        (archive(member("x"))[:512] + bytes(512) + b"y" * 512, "something follows its end"),
        (archive(member("x"))[:512] + b"y" * 512, "malformed tar header"),
        (archive(member("x"))[:300], "malformed tar header: truncated header"),
        (b"", "malformed tar: ReadError: empty file"),
    ],
)
def test_damaged_archives(data: bytes, why: str) -> None:
    assert why in refused(data)


def test_headers_upon_headers_end() -> None:
    one = archive(member("x" * 200))[:1024]
    assert "malformed tar: RecursionError" in refused(one * 5000)


def test_a_layer_may_have_devices_and_attributes() -> None:
    data = archive(
        member("dev/null", tarfile.CHRTYPE, devmajor=1, devminor=3),
        member("x", pax_headers={"SCHILY.xattr.user.y": "1"}),
        form=tarfile.PAX_FORMAT,
    )
    paths = rules.Paths()
    with tarfile.open(fileobj=io.BytesIO(data), mode="r|", tarinfo=tar.LayerHeader) as layer:
        assert [tar.check(info, paths, keywords=None) for info in layer] == ["special", "file"]
