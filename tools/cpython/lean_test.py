"""The lean layer of a small installation: what stays, and what a module that is left out says."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

from tools.cpython import lean
from tools.rootfs import program_fixtures as fixtures

LIBRARY = "usr/local/lib/python3.14"
FILES = {
    "usr/local/bin/python3.14": fixtures.elf(needed=["libm.so.6"]),
    "usr/local/bin/python3": b"#!",
    "usr/local/bin/pip3": b"#!",
    "usr/local/bin/python3-config": b"#!",
    "usr/local/bin/idle3.14": b"#!",
    "usr/local/include/python3.14/Python.h": b"",
    "usr/local/lib/libpython3.14.so.1.0": fixtures.elf("libpython3.14.so.1.0"),
    "usr/local/lib/pkgconfig/python-3.14.pc": b"",
    "usr/local/share/man/man1/python3.1": b"",
    f"{LIBRARY}/os.py": b"",
    f"{LIBRARY}/build-details.json": b"{}",
    f"{LIBRARY}/config-3.14-x86_64-linux-gnu/Makefile": b"",
    f"{LIBRARY}/idlelib/run.py": b"",
    f"{LIBRARY}/turtle.py": b"",
    f"{LIBRARY}/turtlelike.py": b"",
    f"{LIBRARY}/pydoc_data/__init__.py": b"",
    f"{LIBRARY}/pydoc_data/topics.py": b"",
    f"{LIBRARY}/dbm/ndbm.py": b"from _dbm import *\n",
    f"{LIBRARY}/lib-dynload/_dbm.cpython-314-x86_64-linux-gnu.so": b"",
    f"{LIBRARY}/lib-dynload/_dbmlike.cpython-314-x86_64-linux-gnu.so": b"",
    f"{LIBRARY}/site-packages/README.txt": b"",
    f"{LIBRARY}/site-packages/pip/__init__.py": b"",
    f"{LIBRARY}/site-packages/pip/_vendor/six.py": b"",
    f"{LIBRARY}/site-packages/pip-26.0.dist-info/METADATA": b"",
    f"{LIBRARY}/site-packages/single.py": b"",
}


def unpacked(tmp_path: Path, changed: dict[str, bytes] | None = None) -> tuple[Path, Path]:
    """The root, and in it the library, of an installation."""
    tar = fixtures.programs(tmp_path / "stripped.tar", FILES | (changed or {}))
    root = tmp_path / "root"
    return root, lean.unpack(tar, root)


def files(root: Path) -> set[str]:
    return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}


def test_what_develops_is_left_out(tmp_path: Path) -> None:
    root, library = unpacked(tmp_path)
    lean.keep_own_libraries(root)
    assert lean.leave_out(library, "3.14") == ["_dbm", "idlelib", "pydoc_data.topics", "turtle"]
    assert lean.leave_out_installed(library, "3.14") == ["pip", "single"]
    assert files(root) == {
        "usr/local/bin/python3",
        "usr/local/bin/python3.14",
        f"{LIBRARY}/_dbm.py",
        f"{LIBRARY}/dbm/ndbm.py",
        f"{LIBRARY}/idlelib.py",
        f"{LIBRARY}/lib-dynload/_dbmlike.cpython-314-x86_64-linux-gnu.so",
        f"{LIBRARY}/os.py",
        f"{LIBRARY}/pydoc_data/__init__.py",
        f"{LIBRARY}/pydoc_data/topics.py",
        f"{LIBRARY}/site-packages/pip.py",
        f"{LIBRARY}/site-packages/single.py",
        f"{LIBRARY}/turtle.py",
        f"{LIBRARY}/turtlelike.py",
    }


@pytest.mark.parametrize(
    ("module", "image"),
    [
        ("idlelib", "3.14t"),
        ("turtle", "3.14t"),
        ("pydoc_data/topics", "3.14t-slim"),
        ("site-packages/pip", "3.14t-distroless-dev"),
    ],
)
def test_a_module_that_is_left_out_says_which_image_has_it(
    tmp_path: Path, module: str, image: str
) -> None:
    _, library = unpacked(tmp_path)
    lean.leave_out(library, "3.14t")
    lean.leave_out_installed(library, "3.14t")
    with pytest.raises(ModuleNotFoundError, match=rf"python:{image} has it") as caught:
        exec((library / f"{module}.py").read_text(), {})
    assert caught.value.name == module.removeprefix("site-packages/").replace("/", ".")


def test_tracebacks_name_the_image_too(tmp_path: Path) -> None:
    """Since 3.15 they have texts of their own."""
    _, library = unpacked(tmp_path)
    lean.explain(library, lean.leave_out(library, "3.15"), "3.15")
    file = library / "_missing_stdlib_info.py"
    assert not file.exists()
    file.write_text("_MISSING_STDLIB_MODULE_MESSAGES = {'nt': 'Windows'}\n")
    lean.explain(library, ["turtle", "_dbm"], "3.15")
    found: dict[str, dict[str, str]] = {}
    exec(file.read_text(), found)
    texts = found["_MISSING_STDLIB_MODULE_MESSAGES"]
    assert texts.keys() == {"nt", "turtle", "_dbm"}
    assert texts["turtle"].endswith("; python:3.15 has it (docs/hardened.md)")
    assert texts["_dbm"].startswith("No module named '_dbm': distroless images leave it out; ")
    assert "python:3.15-slim has it" in texts["_dbm"]


def test_a_package_that_is_copied_there_is_found_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, library = unpacked(tmp_path)
    lean.leave_out_installed(library, "3.14")
    site = library / "site-packages"
    (site / "single").mkdir()
    (site / "single/__init__.py").write_text("copied = True")
    monkeypatch.syspath_prepend(site)
    assert importlib.import_module("single").copied


def test_libpython_stays_where_the_interpreter_loads_it(tmp_path: Path) -> None:
    program = fixtures.elf(needed=["libpython3.14.so.1.0"])
    root, _ = unpacked(tmp_path, {"usr/local/bin/python3.14": program})
    lean.keep_own_libraries(root)
    assert "usr/local/lib/libpython3.14.so.1.0" in files(root)


def test_an_installation_without_interpreter_or_library_is_refused(tmp_path: Path) -> None:
    root, _ = unpacked(tmp_path, {"usr/local/bin/python3.14": b"#!"})
    with pytest.raises(lean.LeanError, match="no interpreter"):
        lean.keep_own_libraries(root)
    tar = fixtures.programs(tmp_path / "empty.tar", {"usr/local/bin/python3.14": b""})
    with pytest.raises(lean.LeanError, match="0 standard libraries"):
        lean.unpack(tar, tmp_path / "none")


def test_the_command_line_says_what_is_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tar = fixtures.programs(tmp_path / "empty.tar", {"usr/local/bin/python3.14": b""})
    words = ["--stripped", tar, "--build-python", tar, "--label", "3.14", "--epoch", "1"]
    words += ["--work", tmp_path / "work", "--out", tmp_path / "out.tar"]
    assert lean.main([str(word) for word in words]) == 1
    assert "0 standard libraries" in capsys.readouterr().err
    assert not (tmp_path / "out.tar").exists()
