"""Make the tool interpreter's folder from Debian packages.

Run by the repository rule with the interpreter it assembles; standard library only.

The layout is chosen for few files, since each is a link in every sandbox that runs Python:
    bin/python3                 the launcher (text)
    libexec/python              the ELF program
    lib/ld-linux-x86-64.so.2    its dynamic linker
    lib/*.so.*                  the shared libraries of the whole package set
    lib/python313.zip           the standard library with byte-code, stored, zipimport reads it
    lib/python3.13/lib-dynload/ its extension modules
    share/pip.whl               pip, as Debian packages it, and its byte-code, without which
                                each start takes a second longer
"""

import argparse
import importlib._bootstrap_external as bootstrap
import importlib.util
import os
import shutil
import sys
import zipfile
from pathlib import Path

VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"
# Parts of the standard library no program here uses, and that are large.
LEFT_OUT = ("idlelib", "tkinter", "turtledemo", "ensurepip", "test", "lib-dynload")


def add(archive: zipfile.ZipFile, name: str, data: bytes) -> None:
    """Store a file in an archive, with a constant time."""
    archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), data)


def byte_code(name: str, source: bytes) -> bytes:
    """The content of the .pyc file of a module, which is never compared with its source."""
    code = compile(source, name, "exec", dont_inherit=True, optimize=0)
    return bytes(
        bootstrap._code_to_hash_pyc(  # type: ignore[attr-defined]
            code, importlib.util.source_hash(source), checked=False
        )
    )


def unpack(package: Path, root: Path) -> None:
    """Unpack the files of a Debian package: an ar archive, and in it a tar archive."""
    # Not at the top: what the process that compiles the standard library has imported decides which
    # strings are interned, and so bytes of the byte-code.
    import io
    import tarfile

    content = package.read_bytes()
    at = len(b"!<arch>\n")
    while at < len(content):
        name, size = content[at : at + 16].decode(), int(content[at + 48 : at + 58])
        if name.startswith("data.tar"):
            data = io.BytesIO(content[at + 60 : at + 60 + size])
            with tarfile.open(fileobj=data) as archive:
                archive.extractall(root, filter="tar")
        at += 60 + size + size % 2


def pack_stdlib(source: Path, target: Path) -> None:
    """Write the standard library below `source` as a stored zip with byte-code."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for path in sorted(source.rglob("*.py")):
            name = path.relative_to(source).as_posix()
            if name.split("/")[0] in LEFT_OUT or "/test/" in name:
                continue
            if name == "sitecustomize.py":  # a link to a conffile that is not unpacked
                continue
            data = path.read_bytes()
            add(archive, name, data)
            add(archive, name + "c", byte_code(name, data))


def pack_pip(wheel: Path, target: Path) -> None:
    """Write pip's wheel with byte-code beside each module."""
    shutil.copy(wheel, target)
    with zipfile.ZipFile(target, "a", zipfile.ZIP_STORED) as archive:
        for name in archive.namelist():
            if name.endswith(".py"):
                add(archive, name + "c", byte_code(name, archive.read(name)))


def copy_libraries(libraries: Path, target: Path) -> None:
    """Copy each library once, under the name programs ask for (libz.so.1).

    That is a link; the library's own name (libz.so.1.3.1) is left out.
    """
    found = sorted(libraries.glob("*.so*"))
    behind = {path.resolve() for path in found if path.is_symlink()}
    for path in found:
        if path not in behind:
            shutil.copy(path, target / path.name)


def main() -> None:
    """Assemble `--out` from `--root`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("packages", type=Path, nargs="*", help="packages to unpack into the root")
    parser.add_argument("--root", type=Path, required=True, help="where the others are unpacked")
    parser.add_argument("--out", type=Path, required=True, help="where the layout goes")
    args = parser.parse_args()
    root, out = args.root, args.out
    (out / "libexec").mkdir(parents=True)
    (out / "share").mkdir()
    lib = out / "lib"
    lib.mkdir()
    shutil.copy(root / f"usr/bin/python{VERSION}", out / "libexec/python")
    stdlib = root / f"usr/lib/python{VERSION}"
    shutil.copytree(stdlib / "lib-dynload", lib / f"python{VERSION}/lib-dynload")

    # Compiling takes most of the time, so a second process does its part of it.
    child = os.fork()
    if not child:
        for package in args.packages:
            unpack(package, root)
        copy_libraries(root / "usr/lib/x86_64-linux-gnu", lib)
        (wheel,) = root.glob("usr/share/python-wheels/pip-*.whl")
        pack_pip(wheel, out / "share/pip.whl")
        return
    pack_stdlib(stdlib, lib / f"python{VERSION.replace('.', '')}.zip")
    if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]):
        sys.exit("unpacking libraries and pip failed, see above")


if __name__ == "__main__":
    main()
