"""The recipe: one digest of all files of this module that any CPython is compiled by or with.

Two checkouts with the same recipe compile a CPython of the same source to the same bytes. The other
way round it isn't so: a file of another Debian suite changes the recipe, too. That costs a push,
which compiles nothing that is still in the cache; a file left out would cost a wrong image.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

# Globs from the module's root.
_FILES = (
    "catalog/platforms.yaml",
    "python_images/cpython/*.bzl",
    "python_images/private/cpython/*.bzl",
    "python_images/private/tools/tool_python.bzl",
    "third_party/debian/build/*.lock",
    "third_party/profiles/*.tar.xz",
    "third_party/ubuntu/build/*.lock",
    "toolchains/cc/*.bzl",
    "toolchains/python/*",
    "toolchains/trees/*",
    "tools/*.py",
    "tools/cpython/*",
    "tools/formats/*.py",
    "tools/formats/archives/*.py",
    "tools/formats/debian/*.py",
    "tools/patches/*.py",
    "tools/rootfs/*.py",
    "tools/rootfs/debian/__init__.py",
    "tools/rootfs/debian/package.py",
    "tools/rootfs/debian/programs.py",
)

# What is beside them and compiles nothing.
_OTHERS = ("*_fixtures.py", "*_test.py", "BUILD.bazel")


def files(root: Path) -> list[Path]:
    """Return the recipe's files, relative to the module's root, sorted."""
    found = {
        path.relative_to(root)
        for pattern in _FILES
        for path in root.glob(pattern)
        if path.is_file() and not any(path.match(other) for other in _OTHERS)
    }
    return sorted(found)


def digest(root: Path) -> str:
    """Return the recipe of the module in `root`, ``sha256:<hex>``."""
    names = hashlib.sha256()
    for path in files(root):
        content = hashlib.sha256((root / path).read_bytes()).hexdigest()
        names.update(f"{content}  {path.as_posix()}\n".encode())
    return f"sha256:{names.hexdigest()}"
