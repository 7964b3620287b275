"""What lock files of packages have in common, whatever the packages' format.

Plain text, so that a change reads well in a diff: comments, then a header of lines `<key> <value>`,
then one line per package, sorted by name. Its columns are separated by single spaces; the first is
the package's name, the last names the package sets that hold it, each with `=requested` or
`=dependency`. The keys and columns are in debian/lockfile.py and alpine/lockfile.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, TypeVar

REQUESTED = "requested"
DEPENDENCY = "dependency"
_SET = re.compile(r"([a-z][a-z0-9_]*)=(requested|dependency)")
_SETS = ("package sets", re.compile(r"\S+"))


class LockError(Exception):
    """A lock file can't be used; the message names file, line and reason."""


def fault(
    where: str, number: int, why: str, command: str = "./bazelw run //tools:lock"
) -> LockError:
    """The error for what is wrong with a line of the file `where`, which `command` writes."""
    return LockError(f"{where}:{number}: {why}; lock files are generated, run `{command}`")


@dataclass(frozen=True)
class Row:
    """A package's line.

    Attributes:
        number: the line's, counted from one.
        columns: all but the last.
        sets: the names of the package sets, each with whether it asks for the package by name.
    """

    number: int
    columns: tuple[str, ...]
    sets: Mapping[str, bool]


@dataclass(frozen=True)
class Lines:
    """A parsed file: values of the header by key, in the order of the file, and the packages."""

    header: Mapping[str, tuple[str, ...]]
    rows: tuple[Row, ...]

    def value(self, key: str) -> str:
        """The value of a header line that occurs once; KeyError if there is none."""
        return self.header[key][0]


@dataclass(frozen=True)
class Format:
    """The keys of a header and the columns of a package, each with what its values look like.

    Attributes:
        columns: names, for errors, and patterns of all columns but the last.
        required: header lines every file has.
        optional: header lines a file may have.
        repeated: those of them that may stand there more than once.
        command: what writes such a file, also when there's a damaged one.
    """

    columns: tuple[tuple[str, re.Pattern[str]], ...]
    required: Mapping[str, re.Pattern[str]]
    optional: Mapping[str, re.Pattern[str]] = field(default_factory=dict)
    repeated: frozenset[str] = frozenset()
    command: str = "./bazelw run //tools:lock"

    def parse(self, text: str, where: str) -> Lines:
        """Parse a file's content; `where` is its name. Raises LockError."""
        keys = {**self.required, **self.optional}
        header: dict[str, tuple[str, ...]] = {}
        rows: list[Row] = []
        number = 0
        for number, line in enumerate(text.split("\n"), 1):
            if not line or line.startswith("#"):
                continue
            key, _, value = line.partition(" ")
            try:
                if key in keys and not rows and " " not in value:
                    header[key] = self._header(key, value, keys[key], header.get(key, ()))
                    continue
                if missing := [key for key in self.required if key not in header]:
                    raise ValueError(f"header line {missing[0]!r} must come before the packages")
                columns, sets = self._package(line)
            except ValueError as error:
                raise fault(where, number, str(error), self.command) from None
            if rows and columns[0] <= rows[-1].columns[0]:
                order = "listed twice" if columns[0] == rows[-1].columns[0] else "out of order"
                raise fault(where, number, f"package {columns[0]!r} {order}", self.command)
            rows.append(Row(number, columns, sets))
        if missing := [key for key in self.required if key not in header]:
            raise fault(where, number + 1, f"header line {missing[0]!r} is missing", self.command)
        return Lines(header, tuple(rows))

    def _header(
        self, key: str, value: str, pattern: re.Pattern[str], before: tuple[str, ...]
    ) -> tuple[str, ...]:
        if before and key not in self.repeated:
            raise ValueError(f"second {key!r} line")
        if value in before:
            raise ValueError(f"{key} {value!r} given twice")
        if not pattern.fullmatch(value):
            raise ValueError(f"bad {key} {value!r}")
        return (*before, value)

    def _package(self, line: str) -> tuple[tuple[str, ...], Mapping[str, bool]]:
        values = line.split(" ")
        expected = (*self.columns, _SETS)
        if len(values) != len(expected):
            raise ValueError(f"{len(values)} columns instead of {len(expected)}")
        for (what, pattern), value in zip(expected, values, strict=True):
            if not pattern.fullmatch(value):
                raise ValueError(f"bad {what} {value!r}")
        return tuple(values[:-1]), _sets(values[-1])


def _sets(text: str) -> dict[str, bool]:
    found: dict[str, bool] = {}
    for item in text.split(","):
        match = _SET.fullmatch(item)
        if not match:
            raise ValueError(
                f"bad package set {item!r}: expected <set>={REQUESTED} or <set>={DEPENDENCY}"
            )
        if match[1] in found:
            raise ValueError(f"package set {match[1]!r} given twice")
        found[match[1]] = match[2] == REQUESTED
    return found


def package_line(columns: Iterable[str], sets: Mapping[str, bool]) -> str:
    """A package's line, without line end."""
    asked = (f"{name}={REQUESTED if sets[name] else DEPENDENCY}" for name in sorted(sets))
    return " ".join((*columns, ",".join(asked)))


class InSets(Protocol):
    """A package that knows which package sets hold it."""

    @property
    def sets(self) -> Mapping[str, bool]:
        """The names of the sets, each with whether it asks for the package by name."""


AnyPackage = TypeVar("AnyPackage", bound=InSets)


def in_set(packages: Iterable[AnyPackage], name: str) -> tuple[AnyPackage, ...]:
    """The packages of one set, in their order; KeyError if there is no such set."""
    found = tuple(package for package in packages if name in package.sets)
    if not found:
        raise KeyError(name)
    return found


def set_names(packages: Iterable[InSets]) -> tuple[str, ...]:
    """Names of all package sets that hold one of the packages, sorted."""
    return tuple(sorted({name for package in packages for name in package.sets}))


def read_text(path: Path) -> str:
    """A lock file's content. Raises LockError naming the file."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise LockError(f"{path}: can't be read: {error}") from None
