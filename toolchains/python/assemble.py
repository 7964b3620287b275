"""Make the tool interpreter's folder from Debian packages unpacked into one root.

Run by the repository rule with the interpreter it assembles; standard library only.

The layout is chosen for few files, since each is a link in every sandbox that runs Python:
    bin/python3                 the launcher (text)
    libexec/python              the ELF program
    lib/ld-linux-x86-64.so.2    its dynamic linker
    lib/*.so.*                  the shared libraries of the whole package set
    lib/python313.zip           the standard library with byte-code, stored, zipimport reads it
    lib/python3.13/lib-dynload/ its extension modules
    share/pip.whl               pip, as Debian packages it
"""

import argparse
import importlib._bootstrap_external as bootstrap
import importlib.util
import shutil
import sys
import zipfile
from pathlib import Path

VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"
# Parts of the standard library no program here uses, and that are large.
LEFT_OUT = ("idlelib", "tkinter", "turtledemo", "ensurepip", "test", "lib-dynload")


def pack_stdlib(source: Path, target: Path) -> None:
    """Write the standard library below `source` as a stored zip with unchecked byte-code."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:

        def add(name: str, data: bytes) -> None:
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), data)

        for path in sorted(source.rglob("*.py")):
            name = path.relative_to(source).as_posix()
            if name.split("/")[0] in LEFT_OUT or "/test/" in name:
                continue
            if name == "sitecustomize.py":  # a link to a conffile that is not unpacked
                continue
            data = path.read_bytes()
            add(name, data)
            code = compile(data, name, "exec", dont_inherit=True, optimize=0)
            pyc = bootstrap._code_to_hash_pyc(  # type: ignore[attr-defined]
                code, importlib.util.source_hash(data), checked=False
            )
            add(name + "c", bytes(pyc))


def main() -> None:
    """Assemble `--out` from `--root`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, required=True, help="the unpacked packages")
    parser.add_argument("--out", type=Path, required=True, help="where the layout goes")
    args = parser.parse_args()
    root, out = args.root, args.out
    libraries = root / "usr/lib/x86_64-linux-gnu"
    stdlib = root / f"usr/lib/python{VERSION}"
    lib = out / "lib"
    (out / "libexec").mkdir(parents=True)
    (out / "share").mkdir()
    lib.mkdir()

    shutil.copy(root / f"usr/bin/python{VERSION}", out / "libexec/python")
    found = sorted(libraries.glob("*.so*"))
    # One copy of each library, under the name programs ask for (libz.so.1), not under the one
    # that name is a link to (libz.so.1.3.1).
    behind = {path.resolve() for path in found if path.is_symlink()}
    for path in found:
        if path not in behind:
            shutil.copy(path, lib / path.name)
    shutil.copytree(stdlib / "lib-dynload", lib / f"python{VERSION}/lib-dynload")
    pack_stdlib(stdlib, lib / f"python{VERSION.replace('.', '')}.zip")
    (wheel,) = root.glob("usr/share/python-wheels/pip-*.whl")
    shutil.copy(wheel, out / "share/pip.whl")


if __name__ == "__main__":
    main()
