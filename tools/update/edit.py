"""Changing values in a catalog file without touching anything else in it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tools.catalog import yamlfile
from tools.catalog.yamlfile import Mapping, Value
from tools.update.candidate import Verified

_NO_REMEDY = "the file has changed while it was being edited"


class Edited:
    """A YAML file and the changes to its text; comments and layout stay as they are."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.top: Mapping = yamlfile.read(file)
        self._text = file.read_text(encoding="utf-8")
        self._changes: list[tuple[int, int, str]] = []

    @property
    def changed(self) -> bool:
        """Whether the new text differs."""
        return self.text() != self._text

    def set(self, value: Value, new: str) -> None:
        """Replace a scalar's text."""
        start, end = value.span
        self._changes.append((start, end, new))

    def insert_before(self, value: Value, text: str) -> None:
        """Insert whole lines above the line on which ``value`` begins."""
        start = self._text.rfind("\n", 0, value.span[0]) + 1
        self._changes.append((start, start, text))

    def insert_after(self, value: Value, text: str) -> None:
        """Insert whole lines below the line on which the scalar ``value`` ends."""
        end = self._text.find("\n", value.span[1])
        at = len(self._text) if end < 0 else end + 1
        self._changes.append((at, at, text))

    def put_line(self, value: Value, text: str) -> None:
        """Replace the line on which a scalar stands."""
        start = self._text.rfind("\n", 0, value.span[0]) + 1
        end = self._text.find("\n", value.span[1])
        self._changes.append((start, len(self._text) if end < 0 else end + 1, text))

    def put_lines(self, value: Value, text: str) -> None:
        """Replace the lines on which a mapping of a list stands; comments after it stay."""
        start = self._text.rfind("\n", 0, value.span[0]) + 1
        end = value.span[1]
        kept = self._text[start:end].splitlines(keepends=True)
        while len(kept) > 1 and (not kept[-1].strip() or kept[-1].lstrip().startswith("#")):
            kept.pop()
        self._changes.append((start, start + len("".join(kept)), text))

    def text(self) -> str:
        """The file's text with all changes."""
        text = self._text
        for start, end, new in sorted(self._changes, reverse=True):
            text = text[:start] + new + text[end:]
        return text


# What says the same of every row; all else is about one release and ends with it.
_USUAL = ("version", "sha256", "released", "mirrored")


def row(version: Verified) -> str:
    """The lines of a release in versions.yaml."""
    return (
        f"  - version: {version.release}\n"
        f"    sha256: {version.sha256}\n"
        f"    released: {version.released.isoformat()}\n"
    ) + ("" if version.mirrored else "    mirrored: false\n")


class Versions(Edited):
    """versions.yaml."""

    def rows(self) -> dict[str, Mapping]:
        """The rows of ``versions`` by release, in the file's order."""
        found: dict[str, Mapping] = {}
        for value in self.top.need("versions", _NO_REMEDY).sequence():
            row = value.mapping()
            found[row.need("version", _NO_REMEDY).name()] = row
        return found

    def replace(self, name: str, by: Verified) -> list[str]:
        """Turn the row of a release into that of its successor; the keys that end with it."""
        old = self.rows()[name]
        self.put_lines(old.value, row(by))
        return [key for key, _ in old.items() if key not in _USUAL]

    def unmark(self, name: str) -> None:
        """Say no more of a row that not everyone can have its source."""
        old = self.rows()[name]
        self.put_line(old.need("mirrored", _NO_REMEDY), "")

    def remove(self, name: str) -> list[str]:
        """Remove the row of a release; the keys that end with it."""
        old = self.rows()[name]
        self.put_lines(old.value, "")
        return [key for key, _ in old.items() if key not in _USUAL]

    def insert(self, version: Verified, above: str) -> None:
        """Add a row above another release's."""
        self.insert_before(self.rows()[above].value, row(version))

    def _minor(self, name: str) -> Mapping:
        return dict(self.top.need("minors", _NO_REMEDY).mapping().items())[name].mapping()

    def set_eol(self, minor: str, day: str) -> None:
        """Change a minor version's end of support."""
        self.set(self._minor(minor).need("eol", _NO_REMEDY), day)

    def add_minor(
        self, name: str, *, above: str, free_threaded: bool, released: str, eol: str
    ) -> None:
        """Add a minor version above another; ``released`` is empty before its first final one."""
        key = self.top.need("minors", _NO_REMEDY).mapping().key(above)
        life = f"released: {released}" if released else "prerelease: true"
        threads = "    free_threaded: true\n" if free_threaded else ""
        self.insert_before(key, f'  "{name}":\n{threads}    {life}\n    eol: {eol}\n')

    def set_as_of(self, day: str) -> None:
        """Move the day that the catalog describes."""
        self.set(self.top.need("as_of", _NO_REMEDY), day)

    def set_final(self, minor: str, day: str) -> None:
        """Turn `prerelease: true` of a minor version into the day of its first final release."""
        row = self._minor(minor)
        value = row.need("prerelease", _NO_REMEDY)
        self.set(row.key("prerelease"), "released")
        self.set(value, day)


class Suites(Edited):
    """suites.yaml."""

    def _suite(self, name: str) -> Mapping:
        return dict(self.top.need("suites", _NO_REMEDY).mapping().items())[name].mapping()

    def set_eol(self, name: str, day: str) -> None:
        """Change a suite's end of support."""
        self.set(self._suite(name).need("eol", _NO_REMEDY), day)

    def set_lts(self, name: str, until: str) -> None:
        """Change the last day of a suite's long-term support."""
        row = self._suite(name).need("lts", _NO_REMEDY).mapping()
        self.set(row.need("until", _NO_REMEDY), until)

    def add_lts(self, name: str, until: str, platforms: Sequence[str]) -> None:
        """Let a suite be under long-term support, for these platforms."""
        row = self._suite(name)
        listed = f"[{', '.join(platforms)}]"
        self.insert_after(
            row.need("eol", _NO_REMEDY), f"    lts: {{until: {until}, platforms: {listed}}}\n"
        )
        security = row.get("security")
        if security is None:
            self.insert_before(row.key("eol"), f"    security: {listed}\n")

    def set_point_release(self, name: str, number: str) -> None:
        """Change or add a suite's point release."""
        row = self._suite(name)
        present = row.get("point_release")
        if present is not None:
            self.set(present, f'"{number}"')
        else:
            self.insert_after(row.need("release", _NO_REMEDY), f'    point_release: "{number}"\n')


class Windows(Edited):
    """windows.yaml."""

    def minors(self) -> tuple[str, ...]:
        """The minor versions that have Windows images."""
        return self.top.need("minors", _NO_REMEDY).names()

    def add_sums(self, release: str, sums: dict[str, str]) -> None:
        """Add what is known of a release's files, above all others."""
        value = self.top.need("sha256", _NO_REMEDY)
        rows = [f"  {release}:\n", *(f"    {name}: {sums[name]}\n" for name in sorted(sums))]
        first = next(iter(value.mapping().items()), None)
        if first is None:
            self.put_line(value, "sha256:\n" + "".join(rows))
        elif not value.mapping().get(release):
            self.insert_before(value.mapping().key(first[0]), "".join(rows))
