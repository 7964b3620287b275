"""The code blocks of a page of docs/, so that a test pastes and runs what the page shows.

A block is indented by four spaces or fenced. It is the content of a file if the paragraph above it
ends with the file's name and a colon, as in

    Add to `BUILD.bazel`:

Blocks of one file are appended in the page's order. In any other block, lines that start with
`./bazelw` or `bazel` are commands; the rest is output, or for other programs.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_HEADING = re.compile(r"(#+) +(.+?) *")
_FENCE = re.compile(r" {0,3}(```+|~~~+)")
_FILE = re.compile(r"`([^`\s]+\.[A-Za-z]+)`:\Z")
_COMMAND = ("./bazelw ", "bazel ")


def _words(lines: Sequence[str]) -> list[str]:
    """The words of the command that the lines begin with; a quoted word may go over several."""
    for end in range(1, len(lines)):
        try:
            return shlex.split("\n".join(lines[:end]), comments=True)
        except ValueError:
            continue  # the closing quotation is on a later line
    return shlex.split("\n".join(lines), comments=True)


@dataclass(frozen=True)
class Block:
    """One block of code: its text without indentation, and where the page has it.

    `section` is the heading above it, `line` the number of its first line, `file` the name of the
    file it shows, "" where it shows none.
    """

    section: str
    line: int
    file: str
    text: str

    @property
    def commands(self) -> list[list[str]]:
        """The words of each command, without comments."""
        if self.file:
            return []
        lines = self.text.replace("\\\n", " ").splitlines()
        starts = [at for at, line in enumerate(lines) if line.startswith(_COMMAND)]
        return [_words(lines[at:]) for at in starts]


def blocks(text: str) -> list[Block]:
    """Return the blocks of a page's text, in order."""
    found: list[Block] = []
    section, paragraph = "", ""
    lines = text.splitlines()
    at = 0
    while at < len(lines):
        line = lines[at]
        first, fence = at, _FENCE.match(line)
        if fence:
            end = next(
                (n for n in range(at + 1, len(lines)) if lines[n].strip() == fence[1]), len(lines)
            )
            code, at = lines[at + 1 : end], end + 1
            first += 1
        elif line.startswith("    ") and not (at and lines[at - 1].strip()):
            while at < len(lines) and (not lines[at].strip() or lines[at].startswith("    ")):
                at += 1
            code = [each[4:] for each in lines[first:at]]
        else:
            heading = _HEADING.fullmatch(line)
            if heading:
                section, paragraph = heading[2], ""
            elif line.strip():
                new = not (at and lines[at - 1].strip())
                paragraph = line if new else f"{paragraph}\n{line}"
            at += 1
            continue
        named = _FILE.search(paragraph)
        body = "\n".join(code).rstrip() + "\n"
        found.append(Block(section, first + 1, named[1] if named else "", body))
        paragraph = ""
    return found


@dataclass(frozen=True)
class Page:
    """A page's blocks; `replaced` maps what stands for a value, such as HOST/PATH, to a test's."""

    name: str
    blocks: Sequence[Block]

    @classmethod
    def read(cls, path: Path, replaced: Mapping[str, str] | None = None) -> Page:
        """Read a page. ValueError if a word of `replaced` isn't in it: the test is out of date."""
        text = path.read_text()
        for old, new in (replaced or {}).items():
            if old not in text:
                raise ValueError(f"{path.name} has no {old!r}")
            text = text.replace(old, new)
        return cls(path.name, blocks(text))

    def section(self, heading: str) -> Page:
        """The blocks below one heading. ValueError if the page has none of that name."""
        chosen = [block for block in self.blocks if block.section == heading]
        if not chosen:
            raise ValueError(f"{self.name} has no block below the heading {heading!r}")
        return Page(self.name, chosen)

    @property
    def files(self) -> dict[str, str]:
        """Name to content of the files the blocks show."""
        contents: dict[str, list[str]] = {}
        for block in self.blocks:
            if block.file:
                contents.setdefault(block.file, []).append(block.text)
        return {name: "\n".join(texts) for name, texts in contents.items()}

    @property
    def commands(self) -> list[list[str]]:
        """The commands of all blocks: the words of each."""
        return [words for block in self.blocks for words in block.commands]

    def paste(self, folder: Path) -> None:
        """Write the files; those that are there already get the blocks at their end."""
        for name, text in self.files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            before = path.read_text() + "\n" if path.exists() else ""
            path.write_text(before + text)
