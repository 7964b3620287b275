"""distroless_checks.py CHECK [WORD...]: prints what distroless.yaml expects of an image.

Runs inside an image, which has no shell and no other program.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import os
import re
import stat
import sys
import sysconfig
from collections.abc import Callable, Iterator
from pathlib import Path

# Mounted by who runs the image.
MOUNTED = {"dev", "proc", "structure", "sys"}
_SET_ID, _WRITABLE_FOR_ALL, _STICKY = 0o6000, 0o2, 0o1000
LEFT_OUT = "distroless images leave it out"


def programs() -> None:
    """Print the names of what is in PATH, the debug image's folder left out."""
    folders = [Path(name) for name in os.environ["PATH"].split(":") if name != "/busybox"]
    print(sorted({path.name for one in folders if one.is_dir() for path in one.iterdir()}))


def _paths() -> Iterator[Path]:
    for folder, folders, files in os.walk("/"):
        if folder == "/":
            folders[:] = [name for name in folders if name not in MOUNTED]
        yield from (Path(folder, name) for name in folders + files)


def modes() -> None:
    """Print what is set-ID or writable for all, with its mode unless it's sticky; broken links."""
    for path in _paths():
        mode = path.lstat().st_mode
        if stat.S_ISLNK(mode):
            target = str(path.resolve())
            if not path.exists() and not target.startswith(("/dev/", "/proc/")):
                print("leads nowhere:", path)
        elif mode & _SET_ID or (mode & _WRITABLE_FOR_ALL and not mode & _STICKY):
            print(oct(mode), path)
        elif mode & _WRITABLE_FOR_ALL:
            print(path)


def database() -> None:
    """Print the files of packages with other checksums; whether there are many files."""
    count = 0
    for sums in Path("/var/lib/dpkg/status.d").glob("*.md5sums"):
        for line in sums.read_text(encoding="utf-8").splitlines():
            digest, path = line.split("  ", 1)
            data = Path("/", path).read_bytes()
            if hashlib.md5(data, usedforsecurity=False).hexdigest() != digest:
                print("changed:", path)
            count += 1
    print(count > 200)


def byte_code() -> None:
    """Print the modules without byte code, or whose looks at its source; whether there are many."""
    count = 0
    for source in Path(sysconfig.get_path("stdlib")).rglob("*.py"):
        cached = Path(importlib.util.cache_from_source(str(source)))
        head = cached.read_bytes()[:8] if cached.exists() else b""
        # PEP 552: the first bit stands for a hash, the second one for comparing it.
        if head != importlib.util.MAGIC_NUMBER + b"\1\0\0\0":
            print("not there, or not unchecked:", source)
        count += 1
    print(count > 500)


def _said(module: str) -> str:
    """What importing a module says that is left out."""
    try:
        importlib.import_module(module)
    except ModuleNotFoundError as error:
        return str(error) if error.name == module else f"it's about {error.name}"
    return "nothing"


def _told() -> dict[str, str]:
    """What each module says that stands for one which is left out."""
    library = Path(sysconfig.get_path("stdlib"))
    found: dict[str, str] = {}
    for folder in (library, library / "site-packages"):
        for path in folder.rglob("*.py"):
            name = ".".join(path.relative_to(folder).with_suffix("").parts)
            text = path.read_text(encoding="utf-8", errors="replace")
            stub = text.startswith("raise ") and LEFT_OUT in text
            if stub and not name.startswith("site-packages"):
                found[name] = _said(name)
    return found


def left_out(label: str, names: str) -> None:
    """Compare what is left out with `names`, and what it says of images of `label`."""
    told, expected = _told(), set(names.split(","))
    text = (
        rf"No module named '(.+)': {LEFT_OUT}; "
        rf"python:{re.escape(label)}(-slim|-distroless-dev)? has it \(docs/hardened\.md\)"
    )
    print("wrong:", [name for name, said in told.items() if not re.fullmatch(text, said)])
    # It is there, and imports _dbm.
    print("missing:", sorted(expected - {"dbm.ndbm"} - told.keys()))
    tests = {name for name in told if re.match("_test|xx|_xx|_ctypes_test", name)}
    print("further:", sorted(told.keys() - tests - expected), len(tests) > 5)


CHECKS: dict[str, Callable[..., None]] = {
    "byte-code": byte_code,
    "database": database,
    "left-out": left_out,
    "modes": modes,
    "programs": programs,
}

if __name__ == "__main__":
    CHECKS[sys.argv[1]](*sys.argv[2:])
