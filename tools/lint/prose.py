"""Check the words of pages and programs: phrases, links, width of lines.

prose.toml beside this file has the phrases, which files are looked at, and the width.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

# In the checkout.
RULES = "tools/lint/prose.toml"
_FENCE = re.compile(r"\s*(```|~~~)")
_LINK = re.compile(r"(?<!\\)\[(?:[^\]\[]|\[[^\]]*\])*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"#+\s+(.+?)\s*#*$")
_CODE = re.compile(r"`[^`]*`")
# The line between a table's head and its rows, alone or inside other words.
_DELIMITERS = re.compile(r"\|(?:\s*:?-+:?\s*\|)+")


@dataclass(frozen=True)
class Rules:
    """What is checked; each list has globs of the checkout.

    Attributes:
        width: the columns that a line of a page may have.
        pages: Markdown that people read.
        generated: pages of any width.
        sources: other files whose phrases are checked.
        phrases: what not to write, and what to write instead.
    """

    width: int
    pages: Sequence[str]
    generated: Sequence[str]
    sources: Sequence[str]
    phrases: Mapping[str, str]


def read(root: Path) -> Rules:
    """Read the rules of a checkout; a key that is missing or unknown is a TypeError."""
    return Rules(**tomllib.loads((root / RULES).read_text(encoding="utf-8")))


def _files(root: Path, globs: Sequence[str]) -> list[Path]:
    return sorted({file for glob in globs for file in root.glob(glob) if file.is_file()})


def phrases(text: str, known: Mapping[str, str]) -> Iterator[tuple[int, str]]:
    """The line and the message of each phrase of `known` in a text."""
    for phrase, instead in known.items():
        words = r"\s+(?:#\s+)?".join(re.escape(word) for word in phrase.split())
        for found in re.finditer(rf"\b{words}\b", text, re.IGNORECASE):
            yield text.count("\n", 0, found.start()) + 1, f"{phrase!r}: {instead}"


def _prose(text: str) -> Iterator[tuple[int, str]]:
    """The lines of a page that are neither code nor a comment, with their numbers."""
    fenced, indented, blank = False, False, True
    for number, line in enumerate(text.splitlines(), 1):
        if _FENCE.match(line):
            fenced = not fenced
            continue
        code = line.startswith("    ") and (blank or indented)
        if line.strip():
            indented = code
        blank = not line.strip()
        if not (fenced or code or line.startswith("<!--")):
            yield number, line


def wide(text: str, width: int) -> Iterator[tuple[int, str]]:
    """The line and the message of each line of a page that could be shorter and isn't."""
    for number, line in _prose(text):
        words = line.strip().lstrip("-*> ").split()
        if len(line) > width and len(words) > 1 and not line.startswith("|"):
            yield number, f"has {len(line)} columns; break it at {width}"


def tables(text: str) -> Iterator[tuple[int, str]]:
    """The line and the message of each row of a table that isn't a line of its own.

    What breaks paragraphs at a width does this to a table without an empty line before it.
    """
    lines = dict(_prose(text))
    for number, line in lines.items():
        bare = _CODE.sub("", line.strip())
        if not _DELIMITERS.search(bare):
            continue
        head = lines.get(number - 1, "").strip()
        if not _DELIMITERS.fullmatch(bare) or not _is_row(head):
            yield number, "a table is in running text; write each of its rows on a line of its own"
            continue
        below = number + 1
        while _is_row(lines.get(below, "").strip()):
            below += 1
        if lines.get(below, "").strip():
            yield below, "isn't a row of the table above; put an empty line between them"


def _is_row(line: str) -> bool:
    return len(line) > 1 and line.startswith("|") and line.endswith("|")


def anchors(text: str) -> set[str]:
    """The anchors of a page's headings, as code hosts name them."""
    found: set[str] = set()
    for _, line in _prose(text):
        if heading := _HEADING.match(line):
            plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading[1]).replace("`", "")
            name = re.sub(r"[^\w\- ]", "", plain.lower()).replace(" ", "-")
            count = 1
            while (unique := name if count == 1 else f"{name}-{count - 1}") in found:
                count += 1
            found.add(unique)
    return found


def _anchors_of(page: Path) -> set[str]:
    return anchors(page.read_text(encoding="utf-8"))


def links(root: Path, page: Path) -> Iterator[tuple[int, str]]:
    """The line and the message of each link of a page that leads to no file or heading."""
    for number, line in _prose(page.read_text(encoding="utf-8")):
        for link in _LINK.findall(_CODE.sub("", line)):
            if re.match(r"[a-z]+:", link):
                continue
            name, _, anchor = link.partition("#")
            target = (page.parent / name).resolve() if name else page
            if not target.exists() or not target.is_relative_to(root.resolve()):
                yield number, f"links to {name}, which doesn't exist"
            elif anchor and target.suffix == ".md" and anchor not in _anchors_of(target):
                yield number, f"links to {link}, and that page has no such heading"


def problems(root: Path, rules: Rules) -> list[str]:
    """Every fault of the checkout, as `file:line: message`."""
    found: list[str] = []

    def add(file: Path, faults: Iterator[tuple[int, str]]) -> None:
        found.extend(f"{file.relative_to(root)}:{line}: {said}" for line, said in sorted(faults))

    generated = set(_files(root, rules.generated))
    for page in _files(root, rules.pages):
        text = page.read_text(encoding="utf-8")
        add(page, phrases(text, rules.phrases))
        add(page, links(root, page))
        if page not in generated:
            add(page, wide(text, rules.width))
            add(page, tables(text))
    for file in _files(root, rules.sources):
        add(file, phrases(file.read_text(encoding="utf-8"), rules.phrases))
    return found
