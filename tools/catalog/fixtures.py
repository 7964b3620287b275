"""catalog/fixtures.yaml: tests that prove kinds of images which can't be built everywhere."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tools.catalog import yamlfile
from tools.catalog.results import PASSED, Results

FILE = "fixtures.yaml"
ALPINE = "alpine"
ALPINE_SETUP_PY = "alpine_setup_py"
UBUNTU = "ubuntu"
WINDOWS = "windowsservercore"
KINDS = (ALPINE, ALPINE_SETUP_PY, WINDOWS, UBUNTU)


def read(directory: Path, shown: Path | None = None) -> dict[str, tuple[str, ...]]:
    """The tests of each of KINDS; none of them in a catalog without the file.

    Raises:
        CatalogError: anything is missing, malformed or unknown.
    """
    if not (directory / FILE).is_file():
        return dict.fromkeys(KINDS, ())
    top = yamlfile.read(directory / FILE, (shown or directory) / FILE)
    rows = top.need("fixtures", "list the tests of each kind").mapping()
    top.done()
    found: dict[str, tuple[str, ...]] = {}
    for kind in KINDS:
        tests = rows.need(kind, "list its tests, [] for none")
        for test in tests.sequence():
            test.matching(r"//[a-z0-9_/]+:[a-z0-9_.]+", "a test", "write //package:name")
        found[kind] = tests.names()
    rows.done()
    return found


def proved(tests: Mapping[str, tuple[str, ...]], kind: str, results: Results) -> bool:
    """Whether ``kind`` has tests, and all of them have passed."""
    states = [results.fixtures.get(test) for test in tests.get(kind, ())]
    return bool(states) and all(one is not None and one.state == PASSED for one in states)
