"""The catalog as Starlark reads it, made beforehand: catalog/exported.

With it a build needs no Python before its BUILD files can be loaded. A module extension takes it
while its inputs are as they were, and else runs tools/catalog/export.py itself:
python_images/private/catalog/exported.bzl.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable
from pathlib import Path

from tools.catalog import export, load, shape

FOLDER = "catalog/exported"

# The program that exports, as the extension finds it.
_PROGRAM = Path(__file__).parents[2]
_FOLDER = "tools/catalog"
_NOT_OF_THE_PROGRAM = ("cli.py", "fixture.py")
# What it uses of other rooms. Not whole folders: a program has only those of their files that it
# uses itself, so what runs here would decide what is listed.
_USED = (
    "tools/cli/__init__.py",
    "tools/cli/atomic.py",
    "tools/cli/input_error.py",
    "tools/patches/__init__.py",
    "tools/patches/unified.py",
    "tools/text/__init__.py",
    "tools/text/quote.py",
)


def starlark_hash(data: bytes) -> int:
    """What Starlark's hash() gives for a file's content: Java's String.hashCode() of its bytes."""
    value = 0
    for byte in data:
        value = (31 * value + byte) & 0xFFFFFFFF
    return value - (1 << 32) if value >> 31 else value


def _program() -> Iterable[Path]:
    for file in (_PROGRAM / _FOLDER).glob("*.py"):
        if not file.name.endswith("_test.py") and file.name not in _NOT_OF_THE_PROGRAM:
            yield file
    for name in _USED:
        yield _PROGRAM / name
    yield from shape.FOLDER.glob("*.json")


def _data(root: Path) -> Iterable[Path]:
    catalog = root / "catalog"
    patches = (file for file in (catalog / "patches").rglob("*") if file.is_file())
    return itertools.chain(catalog.glob("*.yaml"), catalog.glob("families/*.yaml"), patches)


def inputs(root: Path) -> dict[str, list[int]]:
    """What the export is made of: each file's size and hash, by its path in the checkout."""
    files = {file.relative_to(_PROGRAM): file for file in _program()}
    files |= {file.relative_to(root): file for file in _data(root)}
    found = {}
    for path, file in sorted(files.items()):
        data = file.read_bytes()
        found[path.as_posix()] = [len(data), starlark_hash(data)]
    return found


def _lines(found: dict[str, list[int]]) -> str:
    """JSON with a line for each file."""
    lines = ",\n".join(f"  {json.dumps(path)}: {value}" for path, value in found.items())
    return f"{{\n{lines}\n}}\n"


def expected(root: Path) -> dict[str, str]:
    """The files of FOLDER, as path to text.

    Raises:
        CatalogError: the catalog is at fault.
    """
    files = {
        f"{FOLDER}/{sources}.json": export.text(root / "catalog", Path("catalog"), sources=sources)
        for sources in load.SOURCES
    }
    return files | {f"{FOLDER}/inputs.json": _lines(inputs(root))}
