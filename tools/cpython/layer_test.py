"""Pruned, deterministic archives of an installation, and the links beside it."""

from __future__ import annotations

import os
import sys
import tarfile
from pathlib import Path, PurePath

import pytest

from tools.cpython import layer, links

_MAKEFILE = """\
LIBSUBDIRS=\tasyncio email
TESTSUBDIRS=\tidlelib/idle_test \\
\t\ttest test/test_ast \\
\t\tunittest/test/testmock{more}

COMPILEALL_OPTS=-j0
"""


def install(root: Path, paths: list[str]) -> None:
    for name in paths:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)


def files(root: Path) -> list[str]:
    return sorted(
        str(path.relative_to(root))
        for path in root.rglob("*")
        if path.is_symlink() or path.is_file()
    )


def test_prune(tmp_path: Path) -> None:
    kept = [
        "bin/python3.13",
        "lib/libpython3.13.so.1.0",
        "lib/python3.13/config-3.13/Makefile",
        "lib/python3.13/doctest.py",
        "lib/python3.13/lib-dynload/_testcapi.so",
        "lib/python3.13/unittest/case.py",
    ]
    removed = [
        "lib/python3.13/__pycache__/os.cpython-313.pyc",
        "lib/python3.13/config-3.13/libpython3.13.a",
        "lib/python3.13/idlelib/idle_test/x.py",
        "lib/python3.13/old.pyo",
        "lib/python3.13/sqlite3/tests/x.py",
        "lib/python3.13/test/support/x.py",
    ]
    install(tmp_path, kept + removed)
    layer.prune(tmp_path)
    assert files(tmp_path) == kept


def test_prune_leaves_links(tmp_path: Path) -> None:
    install(tmp_path, ["a/x"])
    (tmp_path / "test").symlink_to("a")
    layer.prune(tmp_path)
    assert files(tmp_path) == ["a/x", "test"]


@pytest.mark.parametrize(("more", "kept"), [("", []), (" \\\n\t\ttesting/data", ["testing/data"])])
def test_tests_that_would_be_removed_are_not_installed(more: str, kept: list[str]) -> None:
    assert layer.kept_tests(_MAKEFILE.format(more=more)) == kept


def test_an_installation_without_tests() -> None:
    assert layer.kept_tests("LIBSUBDIRS=\tasyncio\n") == []


def test_archive_is_deterministic(tmp_path: Path) -> None:
    archives = []
    for number, order in enumerate([1, -1]):
        root = tmp_path / str(number)
        install(root, ["usr/b/x", "usr/a", "usr/b-c"][::order])
        (root / "usr/l").symlink_to("a")
        os.utime(root / "usr/a", (number, number))
        layer.write(root, tmp_path / f"{number}.tar", 1234)
        archives.append((tmp_path / f"{number}.tar").read_bytes())
    assert archives[0] == archives[1]
    with tarfile.open(tmp_path / "0.tar") as archive:
        members = archive.getmembers()
    assert [member.name for member in members] == [
        "usr",
        "usr/a",
        "usr/b",
        "usr/b/x",
        "usr/b-c",
        "usr/l",
    ]
    assert {(m.uid, m.gid, m.uname, m.gname, m.mtime) for m in members} == {
        (0, 0, "root", "root", 1234)
    }


def test_hard_links_become_files(tmp_path: Path) -> None:
    root = tmp_path / "root"
    install(root, ["a"])
    os.link(root / "a", root / "b")
    layer.write(root, tmp_path / "out.tar", 0)
    with tarfile.open(tmp_path / "out.tar") as archive:
        assert all(member.isreg() and member.size == 1 for member in archive)


BIN = [f"{links.BIN}/{name}" for name in links.LINKED]


def test_links(tmp_path: Path) -> None:
    made = links.links(set(BIN))
    assert made == {
        "usr/local/bin/idle": "idle3",
        "usr/local/bin/pip": "pip3",
        "usr/local/bin/pydoc": "pydoc3",
        "usr/local/bin/python": "python3",
        "usr/local/bin/python-config": "python3-config",
    }
    links.write(made, {}, tmp_path / "links.tar", 1234)
    with tarfile.open(tmp_path / "links.tar") as archive:
        found = {member.name: member.linkname for member in archive if member.issym()}
        assert {member.mtime for member in archive} == {1234}
    assert found == made


def installed(minor: str, triplet: str, abi: str = "") -> set[str]:
    folder = f"usr/local/lib/python{minor}{abi}/config-{minor}{abi}-{triplet}"
    return {f"usr/local/lib/libpython{minor}{abi}.so.1.0", f"{folder}/Makefile", *BIN}


def test_debian_s_programs_use_the_standard_library_of_our_libpython(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = "usr/lib/python3.13/site-packages/usr-local.pth"
    for triplet in ("x86_64-linux-gnu", "arm-linux-gnueabihf"):
        texts = links.embedded(installed("3.13", triplet))
        assert list(texts) == [path]
    # What site does with such a file, in gdb's Python.
    (line,) = texts[path].splitlines()
    assert line.startswith("import ")
    programs = ["/usr/share/gdb/python", "/usr/lib/python313.zip"]
    stdlib = ["python3.13", "python3.13/lib-dynload", "python3.13/site-packages"]
    monkeypatch.setattr(sys, "path", programs + [f"/usr/lib/{name}" for name in stdlib])
    exec(line)
    assert sys.path == [
        *programs,
        *(f"/usr/local/lib/{name}" for name in stdlib),
        "/usr/local/lib/python3.13/dist-packages",
        "/usr/lib/python3/dist-packages",
    ]
    links.write({}, texts, tmp_path / "links.tar", 1234)
    with tarfile.open(tmp_path / "links.tar") as archive:
        assert archive.getnames() == [*(str(p) for p in [*PurePath(path).parents][-2::-1]), path]
        member = archive.getmember(path)
        assert (member.mode, member.uid, member.mtime) == (0o644, 0, 1234)


@pytest.mark.parametrize(
    "paths",
    [
        installed("3.12", "x86_64-linux-musl"),  # Alpine's own Python reads that folder
        installed("3.13", "x86_64-linux-gnu", "t"),
        installed("3.10", "x86_64-linux-gnu"),
    ],
)
def test_no_program_of_the_distribution_loads_this_libpython(paths: set[str]) -> None:
    assert links.embedded(paths) == {}


def test_links_need_their_targets(tmp_path: Path) -> None:
    with pytest.raises(links.LinksError, match="/usr/local/bin/pip3 is missing"):
        links.links(set(BIN) - {"usr/local/bin/pip3"})
    with pytest.raises(links.LinksError, match="/usr/local/bin/pip exists"):
        links.links({*BIN, "usr/local/bin/pip"})

    layer.write(tmp_path, tmp_path.with_suffix(".tar"), 0)
    out = tmp_path / "out.tar"
    arguments = ["--cpython", str(tmp_path.with_suffix(".tar")), "--epoch=0", "--out", str(out)]
    assert links.main(arguments) == 1
    assert not out.exists()


def test_scratch(tmp_path: Path) -> None:
    install(tmp_path, ["work/old"])
    with pytest.raises(RuntimeError), layer.scratch(tmp_path / "work") as work:
        assert list(work.iterdir()) == []
        (work / "new").touch()
        raise RuntimeError
    assert not (tmp_path / "work").exists()
