"""The texts of reviewed maintainer scripts, to show what is different in another one.

A file for each text, `<package>.<script>.<first digits of its SHA-256>`; the tables of reviews have
the whole hash, so these files need no trust. Builds don't read them.
"""

from __future__ import annotations

import difflib
import hashlib
from dataclasses import dataclass
from pathlib import Path

from tools.rootfs.debian.scripts import Script

TEXTS = Path(__file__).parent / "reviewed"
_DIGITS = 12


@dataclass(frozen=True, slots=True)
class ReviewedText:
    """A text that has been reviewed, and its SHA-256."""

    sha256: str
    text: str


def file_name(package: str, script: str, sha256: str) -> str:
    """Name of the file of a text."""
    return f"{package}.{script}.{sha256[:_DIGITS]}"


def write(folder: Path, script: Script) -> Path:
    """Keep the text of a script; returns its file."""
    path = folder / file_name(script.package, script.name, script.sha256)
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(script.text, encoding="utf-8", errors="surrogateescape", newline="\n")
    return path


def texts_of(folder: Path, package: str, script: str) -> list[ReviewedText]:
    """All texts of a package's script, of whatever suite, version and architecture."""
    found = []
    for path in sorted(folder.glob(f"{package}.{script}.*")):
        data = path.read_bytes()
        sha256 = hashlib.sha256(data).hexdigest()
        # A damaged file would show a difference that nobody reviewed.
        if path.name == file_name(package, script, sha256):
            found.append(ReviewedText(sha256, data.decode("utf-8", "surrogateescape")))
    return found


def nearest(folder: Path, script: Script) -> ReviewedText | None:
    """The text that has most in common with a script's; None if there is none of that script."""
    lines = script.text.splitlines()

    def likeness(other: ReviewedText) -> float:
        return difflib.SequenceMatcher(None, other.text.splitlines(), lines, False).ratio()

    return max(texts_of(folder, script.package, script.name), key=likeness, default=None)


def difference(old: ReviewedText, script: Script) -> str:
    """What is different in a script, as a unified diff."""
    return "\n".join(
        difflib.unified_diff(
            old.text.splitlines(),
            script.text.splitlines(),
            f"reviewed {script.name} of {script.package} ({old.sha256[:_DIGITS]})",
            f"this one ({script.sha256[:_DIGITS]})",
            lineterm="",
        )
    )
