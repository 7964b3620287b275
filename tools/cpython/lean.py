"""Makes the layer of a CPython that has what programs need to run, and nothing to develop with.

It is taken from the stripped layer: no programs but the interpreter, no pip, no headers, nothing to
link with. The standard library has byte code, never compared with its source (unchecked hashes,
PEP 552), so a read-only root costs no start-up time. A module that is left out, pip among them, is
replaced by one that raises ImportError and names the image that has it.
"""

from __future__ import annotations

import argparse
import re
import shutil
import sys
import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tools.cpython import bytecode, layer
from tools.formats.elf import read_elf


@dataclass(frozen=True)
class LeftOut:
    """Modules that aren't in the layer.

    Attributes:
        modules: names, with dots; a package's stand for all that is in it.
        image: what follows the version in the tag of an image that has them.
        why: what they would need, or who uses them.
    """

    modules: tuple[str, ...]
    image: str
    why: str


LEFT_OUT = (
    LeftOut(
        ("_tkinter", "idlelib", "tkinter", "turtle", "turtledemo"), "", "needs a display and Tk"
    ),
    LeftOut(("ensurepip",), "-distroless-dev", "installs pip"),
    LeftOut(("pydoc_data.topics",), "-slim", "the texts of help()"),
    LeftOut(("_dbm",), "-slim", "needs Berkeley DB; dbm.sqlite3, dbm.gnu and dbm.dumb are there"),
    LeftOut(("nis",), "-slim", "needs Kerberos, for Sun's yellow pages"),
    LeftOut(
        (
            "_ctypes_test",
            "_testbuffer",
            "_testcapi",
            "_testclinic",
            "_testclinic_limited",
            "_testexternalinspection",
            "_testimportmultiple",
            "_testinternalcapi",
            "_testlimitedcapi",
            "_testmultiphase",
            "_testsinglephase",
            "_xxtestfuzz",
            "xxlimited",
            "xxlimited_35",
            "xxsubtype",
        ),
        "-slim",
        "for CPython's own tests",
    ),
)
# The image that has what is installed beside the standard library: pip, until 3.11 setuptools, too.
_INSTALLED = "-distroless-dev"
# Beside the modules, relative to /usr/local: what develops, installs or documents.
_NO_FILES = (
    r"bin/(?!python3(?:\.[0-9]+t?)?$).+",
    r"include(?:/.*)?",
    r"lib/pkgconfig(?:/.*)?",
    r"lib/python3[^/]*/config-[^/]*(?:/.*)?",
    r"lib/python3[^/]*/build-details\.json",
    r"share(?:/.*)?",
)
_FILES = re.compile("|".join(f"(?:{one})" for one in _NO_FILES))
_TEXT = (
    "No module named {module!r}: distroless images leave it out; python:{tag} has it",
    " (docs/hardened.md)",
)
_STUB = f"""\
raise ModuleNotFoundError(
    "{_TEXT[0]}"
    "{_TEXT[1]}",
    name={{module!r}},
)
"""


class LeanError(Exception):
    """The layer can't be made; the text says why."""


def unpack(stripped: Path, root: Path) -> Path:
    """Unpack what may stay; the directory of the standard library, below `root`.

    Raises:
        LeanError: there isn't exactly one.
    """
    with tarfile.open(stripped) as tar:
        for member in tar:
            path = member.name.removeprefix("usr/local/")
            if _FILES.fullmatch(path) is None:
                tar.extract(member, root, filter="tar")
    found = sorted(path.parent for path in root.glob("usr/local/lib/python3*/os.py"))
    if len(found) != 1:
        raise LeanError(f"{stripped} has {len(found)} standard libraries, not one")
    return found[0]


def keep_own_libraries(root: Path) -> None:
    """Remove each libpython that the interpreter doesn't load: programs that embed Python would.

    Most interpreters have their code; those that aren't optimised load libpython.

    Raises:
        LeanError: there is no interpreter.
    """
    elves = [read_elf(path.read_bytes()) for path in root.glob("usr/local/bin/python3.*")]
    needed = {name for elf in elves if elf is not None for name in elf.needed}
    if not needed:
        raise LeanError("usr/local/bin has no interpreter that loads libraries")
    for path in root.glob("usr/local/lib/libpython*"):
        if path.name not in needed:
            path.unlink()


def _files_of(library: Path, module: str) -> Iterator[Path]:
    """Where a module is: its source, its package or its extension module."""
    path = library.joinpath(*module.split("."))
    for found in (path.with_suffix(".py"), path):
        if found.exists():
            yield found
    yield from (library / "lib-dynload").glob(f"{module}.*.so")


def leave_out(library: Path, label: str) -> list[str]:
    """Replace the modules that are left out; those that were there, sorted.

    Args:
        library: directory of the standard library.
        label: the version in tags, such as ``3.14``.
    """
    gone: list[str] = []
    for group in LEFT_OUT:
        for module in group.modules:
            found = list(_files_of(library, module))
            for path in found:
                if path.is_dir():
                    shutil.rmtree(path)
                else:
                    path.unlink()
            if found:
                _write_stub(library, module, label + group.image)
                gone.append(module)
    return sorted(gone)


def explain(library: Path, gone: Iterable[str], label: str) -> None:
    """Have tracebacks name the image, too.

    Since 3.15 they show a text of their own for a missing module of the standard library, in place
    of the error's.

    Args:
        library: directory of the standard library.
        gone: the modules that are left out.
        label: the version in tags, such as ``3.14``.
    """
    file = library / "_missing_stdlib_info.py"
    if not file.exists():
        return
    images = {module: group.image for group in LEFT_OUT for module in group.modules}
    text = "".join(_TEXT)
    texts = {module: text.format(module=module, tag=label + images[module]) for module in gone}
    with file.open("a", encoding="utf-8") as stream:
        stream.write(f"\n_MISSING_STDLIB_MODULE_MESSAGES.update({texts!r})\n")


def leave_out_installed(library: Path, label: str) -> list[str]:
    """Replace what is installed beside the standard library; the names of its modules, sorted.

    A package that is copied there later comes before the module that stands for it.

    Args:
        library: directory of the standard library.
        label: the version in tags, such as ``3.14``.
    """
    site = library / "site-packages"
    gone: list[str] = []
    for path in sorted(site.iterdir()):
        if path.suffix == ".py" or (path / "__init__.py").exists():
            gone.append(path.stem)
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
    for module in gone:
        _write_stub(site, module, label + _INSTALLED)
    return gone


def _write_stub(folder: Path, module: str, tag: str) -> None:
    """Write the module that names the image which has `module`."""
    stub = folder.joinpath(*module.split(".")).with_suffix(".py")
    stub.write_text(_STUB.format(module=module, tag=tag))
    stub.chmod(0o644)


def make(stripped: Path, python: Path, root: Path, label: str) -> None:
    """Make the tree of the layer below `root`.

    Args:
        stripped: tar of the stripped CPython.
        python: an interpreter of the same version for the build machine.
        root: an empty directory, which stands for /.
        label: the version in tags, such as ``3.14``.

    Raises:
        LeanError, bytecode.BytecodeError: it can't be made.
    """
    library = unpack(stripped, root)
    keep_own_libraries(root)
    gone = leave_out(library, label)
    if not gone:
        raise LeanError(f"{stripped} has none of the modules that are left out")
    explain(library, gone, label)
    if "pip" not in leave_out_installed(library, label):
        raise LeanError(f"{stripped} has no pip beside its standard library")
    bytecode.compile_all(python.absolute(), library, root)
    (root / "usr/local/bin/python").symlink_to("python3")


def main(argv: list[str]) -> int:
    """The command line; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--stripped", type=Path, required=True, help="tar of a stripped CPython")
    parser.add_argument("--build-python", type=Path, required=True, help="of the same version")
    parser.add_argument("--label", required=True, help="the version in tags, such as 3.14")
    parser.add_argument("--epoch", type=int, required=True, help="time of all files")
    parser.add_argument("--work", type=Path, required=True, help="scratch directory")
    parser.add_argument("--out", type=Path, required=True, help="tar to write")
    options = parser.parse_args(argv)
    try:
        with layer.scratch(options.work) as root:
            make(options.stripped, options.build_python, root, options.label)
            layer.write(root, options.out, options.epoch)
    except (LeanError, bytecode.BytecodeError) as error:
        print(f"error: {options.stripped}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
