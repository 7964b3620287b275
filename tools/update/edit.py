"""Changing values in a catalog file without touching anything else in it."""

from __future__ import annotations

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

    def text(self) -> str:
        """The file's text with all changes."""
        text = self._text
        for start, end, new in sorted(self._changes, reverse=True):
            text = text[:start] + new + text[end:]
        return text


def _row(version: Verified) -> str:
    return (
        f"  - version: {version.release}\n"
        f"    sha256: {version.sha256}\n"
        f"    released: {version.released.isoformat()}\n"
    )


class Versions(Edited):
    """versions.yaml."""

    def rows(self) -> dict[str, Mapping]:
        """The rows of ``versions`` by release, in the file's order."""
        found: dict[str, Mapping] = {}
        for value in self.top.need("versions", _NO_REMEDY).sequence():
            row = value.mapping()
            found[row.need("version", _NO_REMEDY).name()] = row
        return found

    def replace(self, name: str, by: Verified) -> None:
        """Turn the row of a release into that of its successor."""
        row = self.rows()[name]
        self.set(row.need("version", _NO_REMEDY), str(by.release))
        self.set(row.need("sha256", _NO_REMEDY), by.sha256)
        self.set(row.need("released", _NO_REMEDY), by.released.isoformat())

    def insert(self, version: Verified, above: str) -> None:
        """Add a row above another release's."""
        self.insert_before(self.rows()[above].value, _row(version))

    def _minor(self, name: str) -> Mapping:
        return dict(self.top.need("minors", _NO_REMEDY).mapping().items())[name].mapping()

    def set_eol(self, minor: str, day: str) -> None:
        """Change a minor version's end of support."""
        self.set(self._minor(minor).need("eol", _NO_REMEDY), day)

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

    def set_point_release(self, name: str, number: str) -> None:
        """Change or add a suite's point release."""
        row = self._suite(name)
        present = row.get("point_release")
        if present is not None:
            self.set(present, f'"{number}"')
        else:
            self.insert_after(row.need("release", _NO_REMEDY), f'    point_release: "{number}"\n')
