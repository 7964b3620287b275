"""soft_float.py takes the right members out of an archive, and stops when it can't."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from toolchains.musl import soft_float


def ar(members: dict[str, bytes]) -> bytes:
    """An archive as GNU's ar writes it; a name includes its slash."""
    text = b"!<arch>\n"
    for name, data in members.items():
        text += f"{name:<16}{0:<12}{0:<6}{0:<6}{644:<8}{len(data):<10}`\n".encode()
        text += data + b"\n" * (len(data) % 2)
    return text


LIBRARY = {
    "/": b"index",
    "//": b"a_name_of_more_than_15.o/\n",
    "_divdi3.o/": b"odd",
    **{f"{name}/": b"even" for name in sorted(soft_float.DISAGREEING)},
    "/0": b"long",
}


def test_the_rest_stays_as_it_is() -> None:
    kept = {name: data for name, data in LIBRARY.items() if name in ("//", "_divdi3.o/", "/0")}
    assert soft_float.without(ar(LIBRARY)) == ar(kept)


def test_a_library_that_has_changed_is_refused() -> None:
    renamed = {name.replace("muldc3", "muldc"): data for name, data in LIBRARY.items()}
    with pytest.raises(soft_float.SoftFloatError, match=r"has no _muldc3\.o; .*soft_float\.py"):
        soft_float.without(ar(renamed))
    with pytest.raises(soft_float.SoftFloatError, match="is no ar archive"):
        soft_float.without(b"something else")


def pack(path: Path, files: dict[str, bytes]) -> None:
    with tarfile.open(path, "w") as tar:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
        link = tarfile.TarInfo("lib")
        link.type, link.linkname = tarfile.SYMTYPE, "usr/lib"
        tar.addfile(link)


def test_other_files_are_copied(tmp_path: Path) -> None:
    pack(tmp_path / "in.tar", {"usr/lib/crtbeginS.o": b"object", "usr/lib/libgcc.a": ar(LIBRARY)})
    assert soft_float.main([str(tmp_path / "in.tar"), str(tmp_path / "out.tar")]) == 0
    with tarfile.open(tmp_path / "out.tar") as tar:
        assert tar.getmember("lib").linkname == "usr/lib"
        files = {info.name: tar.extractfile(info) for info in tar if info.isreg()}
        read = {name: stream.read() for name, stream in files.items() if stream}
    assert read == {
        "usr/lib/crtbeginS.o": b"object",
        "usr/lib/libgcc.a": soft_float.without(ar(LIBRARY)),
    }


def test_there_is_one_library(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pack(tmp_path / "in.tar", {"usr/lib/crtbeginS.o": b"object"})
    assert soft_float.main([str(tmp_path / "in.tar"), str(tmp_path / "out.tar")]) == 1
    assert capsys.readouterr().err == "error: in.tar: has 0 libgcc.a, not one\n"
