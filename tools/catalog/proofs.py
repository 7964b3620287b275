"""catalog/fixtures.yaml: tests that prove kinds of images which can't be built everywhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tools.catalog import shape
from tools.catalog.results import PASSED, Results

FILE = "fixtures.yaml"
ALPINE = "alpine"
ALPINE_SETUP_PY = "alpine_setup_py"
UBUNTU = "ubuntu"
WINDOWS = "windowsservercore"
KINDS = (ALPINE, ALPINE_SETUP_PY, WINDOWS, UBUNTU)


@dataclass(frozen=True)
class Real:
    """What of a kind has run on real bytes: `bytes` says which, for people; `tests` show it."""

    bytes: str
    tests: tuple[str, ...]


@dataclass(frozen=True)
class Fixtures:
    """By kind, the tests that prove it on fixtures; of some kinds, those that do on real bytes."""

    tests: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: dict.fromkeys(KINDS, ()))
    real: Mapping[str, Real] = field(default_factory=dict)

    def all_tests(self) -> tuple[str, ...]:
        """Every test, once."""
        listed = [*self.tests.values(), *(one.tests for one in self.real.values())]
        return tuple(dict.fromkeys(test for tests in listed for test in tests))

    def proved(self, kind: str, results: Results) -> bool:
        """Whether ``kind`` has tests, and all of them have passed."""
        return _passed(self.tests.get(kind, ()), results)

    def run_on(self, kind: str, results: Results) -> str:
        """The real bytes that ``kind`` has been proved on; empty where there are none."""
        one = self.real.get(kind)
        return one.bytes if one and _passed(one.tests, results) else ""


def _passed(tests: Iterable[str], results: Results) -> bool:
    states = [results.fixtures.get(test) for test in tests]
    return bool(states) and all(one is not None and one.state == PASSED for one in states)


def read(directory: Path, shown: Path | None = None) -> Fixtures:
    """What the file says; nothing in a catalog without it.

    Raises:
        CatalogError: anything is missing, malformed or unknown.
    """
    if not (directory / FILE).is_file():
        return Fixtures()
    top = shape.read("fixtures", directory / FILE, (shown or directory) / FILE)
    rows = top["fixtures"].mapping()
    found = {kind: rows[kind].names() for kind in KINDS}
    real: dict[str, Real] = {}
    if given := top.get("real"):
        kinds = given.mapping()
        for kind in KINDS:
            if value := kinds.get(kind):
                row = value.mapping()
                words = row["bytes"].name()
                real[kind] = Real(words, row["tests"].names())
    return Fixtures(found, real)
