"""What a layer must be for Windows to unpack it: each rule broken once, and what passes."""

from __future__ import annotations

import base64
import io
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.packages.windows.windows_error import WindowsError
from tools.windows import layer, layer_rules, names, security


def entry(name: str, *, folder: bool = False, **headers: str | None) -> tarfile.TarInfo:
    """A member as layers have it; `headers` replace its PAX records, or remove them (None)."""
    made = tarfile.TarInfo(name)
    made.type = tarfile.DIRTYPE if folder else tarfile.REGTYPE
    descriptor = security.FOLDER if folder else security.FILE
    records: dict[str, str | None] = {
        "LIBARCHIVE.creationtime": "7",
        "MSWINDOWS.fileattr": "16" if folder else "32",
        "MSWINDOWS.rawsd": base64.b64encode(descriptor).decode(),
        "atime": "7",
        "ctime": "7",
        **{key.replace("__", "."): value for key, value in headers.items()},
    }
    made.pax_headers = {key: value for key, value in records.items() if value is not None}
    return made


def link(name: str, target: str, kind: bytes, **headers: str | None) -> tarfile.TarInfo:
    """A hard or symbolic link."""
    made = entry(name, folder=False, **headers)
    made.type, made.linkname = kind, target
    return made


def tar(*members: tarfile.TarInfo) -> io.BytesIO:
    """A layer: the two roots, then the members, all empty."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as opened:
        for member in members:
            opened.addfile(member)
    out.seek(0)
    return out


ROOTS = (entry("Files", folder=True), entry("Hives", folder=True))
FOLDER = entry("Files/Python", folder=True)


def typed(name: str, kind: bytes) -> tarfile.TarInfo:
    made = entry(name)
    made.type = kind
    return made


def timed(name: str, mtime: float) -> tarfile.TarInfo:
    made = entry(name)
    made.mtime = mtime
    return made


def descriptor(change: Callable[[bytes], bytes]) -> str:
    return base64.b64encode(change(security.FILE)).decode()


@pytest.mark.parametrize(
    "members",
    [
        ROOTS,
        (*ROOTS, FOLDER, entry("Files/Python/python.exe"), entry("Files/Python/ünï.txt")),
        (*ROOTS, FOLDER, entry("Files/Python/.wh.old.txt"), entry("Files/.wh.Perl")),
        (*ROOTS, entry("Files/a"), link("Files/b", "Files/a", tarfile.LNKTYPE)),
        (*ROOTS, link("Files/b", "a", tarfile.SYMTYPE, MSWINDOWS__fileattr="1056")),
        (*ROOTS, entry("Files/a", atime="7.25", MSWINDOWS__xattr__note="eA==")),
        # As Windows' own tools write them: without the folders' bits in the mode, attributes mixed.
        (*ROOTS, entry("Files/a", MSWINDOWS__fileattr="8226")),
    ],
)
def test_what_passes(members: tuple[tarfile.TarInfo, ...]) -> None:
    layer_rules.check(tar(*members), "layer")


def test_what_the_rules_of_layers_write_passes() -> None:
    out = io.BytesIO()
    layer.write({"Python/python.exe": b"MZ", "Python/Lib/os.py": b""}, 1785888000, out)
    out.seek(0)
    layer_rules.check(out, "layer")


BROKEN = [
    # (rule, what is said, members after the roots)
    ("roots", "is neither in Files nor in Hives", [entry("UtilityVM", folder=True)]),
    ("roots", "is neither in Files nor in Hives", [entry("files/a")]),
    ("roots", "is neither in Files nor in Hives", [entry("usr/bin/python")]),
    ("roots", "is a registry hive", [entry("Hives/System_Delta")]),
    ("order", "comes without its folder 'Files/Python'", [entry("Files/Python/a")]),
    ("order", "is below 'Files/a', which is no folder", [entry("Files/a"), entry("Files/a/b")]),
    (
        "links",
        "is below 'Files/b', which is no folder",
        [
            link("Files/b", "a", tarfile.SYMTYPE, MSWINDOWS__fileattr="1056"),
            entry("Files/b/c"),
        ],
    ),
    ("links", "is a hard link to", [link("Files/a", "Files/none", tarfile.LNKTYPE)]),
    ("links", "is a hard link to", [FOLDER, link("Files/a", "Files/Python", tarfile.LNKTYPE)]),
    ("once", "and 'Files/A' are one file", [entry("Files/A"), entry("Files/a")]),
    ("once", "and 'Files/Ä' are one file", [entry("Files/Ä"), entry("Files/ä")]),
    ("once", "are one file", [FOLDER, FOLDER]),
    ("names", "'a:b' has ':'", [entry("Files/a:b")]),
    ("names", "has '\\\\'", [entry("Files/a\\b")]),
    ("names", "'..' is no name", [entry("Files/../a")]),
    ("names", "ends in a space or a dot", [entry("Files/a.")]),
    ("names", "ends in a space or a dot", [entry("Files/a ")]),
    ("names", "is a device's name", [entry("Files/aux.py")]),
    ("names", "is a device's name", [entry("Files/Nul")]),
    ("names", "is a device's name", [entry("Files/com¹.txt")]),
    ("names", "is a device's name", [entry("Files/CONIN$")]),
    ("names", "has 256 characters, more than 255", [entry(f"Files/{'a' * 256}")]),
    ("names", "has 256 characters", [entry(f"Files/{'🐍' * 128}")]),
    ("names", "is 264 characters long as a path", [entry(f"Files/{'a' * 130}/{'b' * 130}")]),
    ("metadata", "as hcsshim's own files", [entry("Files/Python.$WCIDIRS$")]),
    ("removals", "empties a folder", [FOLDER, entry("Files/Python/.wh..wh..opq")]),
    ("removals", "names nothing to remove", [entry("Files/.wh.")]),
    ("roots", "is neither in Files nor in Hives", [entry(".wh.usr")]),
    ("removals", "removes what the same layer adds", [entry("Files/a"), entry("Files/.wh.A")]),
    ("removals", "is added, and removed", [entry("Files/.wh.a"), entry("Files/a")]),
    ("types", "is neither file nor folder nor link", [typed("Files/a", tarfile.FIFOTYPE)]),
    ("types", "is neither file nor folder nor link", [typed("Files/a", tarfile.CHRTYPE)]),
    ("attributes", "has no number of 32 bits", [entry("Files/a", MSWINDOWS__fileattr=None)]),
    ("attributes", "has no number of 32 bits", [entry("Files/a", MSWINDOWS__fileattr="0x20")]),
    ("attributes", "has no number of 32 bits", [entry("Files/a", MSWINDOWS__fileattr=str(2**32))]),
    ("attributes", "is a file, which", [entry("Files/a", MSWINDOWS__fileattr="16")]),
    ("attributes", "is a folder, which", [entry("Files/a", folder=True, MSWINDOWS__fileattr="32")]),
    ("attributes", "of a link, and is none", [entry("Files/a", MSWINDOWS__fileattr="1056")]),
    ("attributes", "is a symbolic link without", [link("Files/b", "a", tarfile.SYMTYPE)]),
    ("attributes", "which nothing reads", [entry("Files/a", MSWINDOWS__rawSD="x")]),
    ("times", "as atime: ''", [entry("Files/a", atime=None)]),
    ("times", "as ctime: '-1'", [entry("Files/a", ctime="-1")]),
    ("times", "creationtime: 'now'", [entry("Files/a", LIBARCHIVE__creationtime="now")]),
    ("times", "as mtime", [timed("Files/a", 9223372037)]),
    ("security", "who may read it?", [entry("Files/a", MSWINDOWS__rawsd=None)]),
    ("security", "as MSWINDOWS.rawsd", [entry("Files/a", MSWINDOWS__rawsd="O:BAG:SY")]),
    (
        "security",
        "it is cut short",
        [entry("Files/a", MSWINDOWS__rawsd=descriptor(lambda data: data[:19]))],
    ),
    (
        "security",
        "an entry of its list is cut short",
        [
            entry(
                "Files/a", MSWINDOWS__rawsd=descriptor(lambda data: data[:58] + b"\xff" + data[59:])
            )
        ],
    ),
    (
        "security",
        "it is not self-relative",
        [entry("Files/a", MSWINDOWS__rawsd=descriptor(lambda data: b"\1\0\4\0" + data[4:]))],
    ),
    (
        "security",
        "its owner is no SID",
        [entry("Files/a", MSWINDOWS__rawsd=descriptor(lambda data: data[:20] + b"\2" + data[21:]))],
    ),
]


@pytest.mark.parametrize(("rule", "said", "members"), BROKEN)
def test_what_is_refused(rule: str, said: str, members: list[tarfile.TarInfo]) -> None:
    with pytest.raises(WindowsError) as caught:
        layer_rules.check(tar(*ROOTS, *members), "python.tar")
    told = str(caught.value)
    assert told.startswith("python.tar: can't be a layer on Windows: '")
    assert said in told
    assert told.endswith(f"({layer_rules.RULES[rule]})")


def test_every_rule_is_broken_once() -> None:
    assert {rule for rule, _, _ in BROKEN} == layer_rules.RULES.keys()


@pytest.mark.parametrize("root", [0, 1])
def test_a_root_is_missing(root: int) -> None:
    with pytest.raises(WindowsError, match=r"has no folder (Files|Hives) \(hcsshim"):
        layer_rules.check(tar(ROOTS[root]), "layer")


def test_no_tar(tmp_path: Path) -> None:
    (tmp_path / "blob").write_bytes(b"x" * 2000)
    with pytest.raises(WindowsError, match="blob: is no readable layer"):
        layer_rules.check_blob(tmp_path / "blob")


@given(st.binary(max_size=200))
def test_any_bytes_are_a_descriptor_or_an_error(data: bytes) -> None:
    try:
        security.check(data)
    except ValueError as error:
        assert str(error)


@given(st.integers(0, len(security.FOLDER)))
def test_a_descriptor_cut_short(length: int) -> None:
    if length < len(security.FOLDER):
        with pytest.raises(ValueError, match=r"cut short|ends before|no SID"):
            security.check(security.FOLDER[:length])


@given(st.text(max_size=20))
def test_names_compare_without_case(name: str) -> None:
    assert names.folded(names.folded(name)) == names.folded(name)
    assert len(names.folded(name)) == len(name)
