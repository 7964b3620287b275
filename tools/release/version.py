"""The version of the module: MODULE.bazel, CHANGELOG.md, examples and tag say the same."""

from __future__ import annotations

import re
from pathlib import Path

from tools.bootstrap.registry import ModuleFile

MODULE = "python_images"
_HEADING = re.compile(r"^## (?P<version>\S+)$", re.MULTILINE)
# What the central registry sorts as people expect: https://bazel.build/external/module#version-format
_VERSION = re.compile(r"\d+\.\d+\.\d+(-rc\.?\d+)?")
_ASKED = re.compile(rf'bazel_dep\(name = "{MODULE}", version = "(?P<version>[^"]*)"')
# Who shows people how to depend on it.
_SHOWN = ("README.md", "docs/*.md", "examples/*/MODULE.bazel")


class ReleaseError(Exception):
    """What is wrong with a release: the file, the value and the remedy."""


def read(path: Path) -> str:
    """Return the text of a file. Raises ReleaseError if it is none."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ReleaseError(f"{path}: can't be read: {error}; is this the repository?") from None


def version(root: Path) -> str:
    """Return the version that MODULE.bazel in `root` names.

    Raises ReleaseError if it is not X.Y.Z, CHANGELOG.md begins with another one, or an example or
    a page asks for another one.
    """
    read(root / "MODULE.bazel")
    named = ModuleFile(str(root / "MODULE.bazel")).version
    if not _VERSION.fullmatch(named):
        raise ReleaseError(f"MODULE.bazel: version {named!r} is not X.Y.Z or X.Y.Z-rcN")
    newest = next(iter(_sections(root)), ("", ""))[0]
    if newest != named:
        raise ReleaseError(
            f"CHANGELOG.md: the first section is {newest!r}, and MODULE.bazel has {named}; "
            "describe the release under a heading of its version"
        )
    for file in sorted(file for pattern in _SHOWN for file in root.glob(pattern)):
        for asked in _ASKED.findall(read(file)):
            if asked != named:
                raise ReleaseError(
                    f"{file.relative_to(root)}: asks for {MODULE} {asked!r}; make it {named}"
                )
    return named


def check_tag(root: Path, tag: str) -> str:
    """Return the version of a release's tag, which has to be v and the version of `root`.

    Raises ReleaseError if it isn't.
    """
    named = version(root)
    if tag != f"v{named}":
        raise ReleaseError(
            f"tag {tag!r}: MODULE.bazel and CHANGELOG.md have {named}; tag v{named}, or change them"
        )
    return named


def notes(root: Path) -> str:
    """Return the text of the newest section of CHANGELOG.md, without its heading.

    Raises ReleaseError if there is none, or nothing in it.
    """
    newest, text = next(iter(_sections(root)), ("", ""))
    if not text:
        raise ReleaseError(f"CHANGELOG.md: section {newest!r} is empty; say what is new")
    return text + "\n"


def _sections(root: Path) -> list[tuple[str, str]]:
    """Return (version, text) of each section of CHANGELOG.md, in its order."""
    text = read(root / "CHANGELOG.md")
    found = list(_HEADING.finditer(text))
    ends = [*(heading.start() for heading in found[1:]), len(text)]
    return [
        (heading["version"], text[heading.end() : end].strip())
        for heading, end in zip(found, ends, strict=False)
    ]
