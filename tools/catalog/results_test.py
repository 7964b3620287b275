"""Results are read as they are written; what is not a result is one error that names it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tools.catalog import proofs, results
from tools.catalog.catalog_error import CatalogError
from tools.catalog.results import FAILED, PASSED, SKIPPED, Result, Results

CATALOG = Path(__file__).parents[2] / "catalog"
SCHEMA = json.loads((CATALOG / results.SCHEMA).read_text())
DIGEST = "sha256:" + "ab" * 32
IMAGE = "//images:3.14.7-slim-trixie"
SOME = Results(
    images={
        IMAGE: {
            "arm64": Result(SKIPPED, 3, 2, DIGEST),
            "amd64": Result(PASSED, 5, 0, DIGEST),
            "s390x": Result(FAILED, 0, 0),
        }
    },
    fixtures={"//tests/e2e:windows_test": Result(PASSED, 8, 0)},
)


def read(folder: Path, made: object) -> Results:
    (folder / results.FILE).write_text(made if isinstance(made, str) else json.dumps(made))
    return results.read(folder, Path("catalog"))


def test_what_is_written_is_read(tmp_path: Path) -> None:
    text = results.text(SOME)
    assert read(tmp_path, text) == SOME
    assert results.text(read(tmp_path, text)) == text
    jsonschema.Draft202012Validator(SCHEMA).validate(json.loads(text))


def test_the_file_here_fits_its_schema() -> None:
    text = (CATALOG / results.FILE).read_text()
    jsonschema.Draft202012Validator(SCHEMA).validate(json.loads(text))
    assert results.text(results.read(CATALOG)) == text


def test_without_a_file_nothing_is_known(tmp_path: Path) -> None:
    known = results.read(tmp_path)
    assert known == Results()
    assert known.state(IMAGE, "amd64") is None
    assert known.tested(IMAGE) == []


def test_only_what_passed_was_tested() -> None:
    assert SOME.tested(IMAGE) == ["amd64"]
    assert SOME.state(IMAGE, "s390x") == FAILED
    assert SOME.state(IMAGE, "armv7") is None
    assert SOME.state("//images:other", "amd64") is None


GOOD = {"state": "passed", "passed": 1, "skipped": 0, "digest": DIGEST}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"state": "fine"}, "unknown state 'fine'"),
        ({"passed": 0}, "passed without a case that passed"),
        ({"passed": True}, "numbers of cases"),
        ({"skipped": -1}, "numbers of cases"),
        ({"digest": "sha256:ab"}, "'sha256:ab' is no digest"),
        ({"digest": None}, "doesn't say which image"),
        ({"inputs": "3.14.7"}, "'3.14.7' is no digest"),
        ({"when": "today"}, "unknown key 'when'"),
    ],
)
def test_a_bad_result_is_named(tmp_path: Path, change: dict[str, Any], words: str) -> None:
    with pytest.raises(CatalogError) as raised:
        read(tmp_path, {"images": {IMAGE: {"amd64": GOOD | change}}})
    text = str(raised.value)
    assert text.startswith(f"catalog/results.json: images.{IMAGE}.amd64: ")
    assert words in text
    assert text.endswith("write the file by ./bazelw run //tools:record")


@pytest.mark.parametrize(
    "made", ["{", [], {"image": {}}, {"images": []}, {"images": {IMAGE: [GOOD]}}, {"fixtures": 1}]
)
def test_a_bad_file_is_named(tmp_path: Path, made: object) -> None:
    with pytest.raises(CatalogError, match=r"^catalog/results\.json: "):
        read(tmp_path, made)


def test_a_fixture_has_no_digest(tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match="unknown key 'digest'"):
        read(tmp_path, {"fixtures": {"//tests/e2e:windows_test": GOOD}})


def test_a_kind_is_proved_when_all_its_tests_have_passed() -> None:
    (passed,) = SOME.fixtures
    never = "//tests/e2e:never_run"
    tests = proofs.Fixtures(
        {"one": (passed,), "more": (passed, never), "none": ()},
        {"one": proofs.Real("some bytes", (passed,)), "more": proofs.Real("others", (never,))},
    )
    assert tests.all_tests() == (passed, never)
    assert tests.proved("one", SOME)
    assert not tests.proved("more", SOME)
    assert not tests.proved("none", SOME)
    assert [tests.run_on(kind, SOME) for kind in ("one", "more", "none")] == ["some bytes", "", ""]
    failed = Results(fixtures={passed: Result(FAILED, 7, 0)})
    skipped = Results(fixtures={passed: Result(SKIPPED, 0, 8)})
    for known in (failed, skipped):
        assert not tests.proved("one", known)
        assert not tests.run_on("one", known)


OTHERS = "alpine_setup_py: [], windowsservercore: [], ubuntu: []"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("fixtures: {ubuntu: [], alpine_setup_py: [], alpine: []}", "has no 'windowsservercore'"),
        (f"fixtures: {{alpine: [x], {OTHERS}}}", "'x' is not the label of a test"),
        (f"fixtures: {{alpine: [], {OTHERS}, bsd: []}}", "bsd"),
        (f"fixtures: {{alpine: [], {OTHERS}}}\nreal: {{bsd: {{}}}}", "bsd"),
        (f"fixtures: {{alpine: [], {OTHERS}}}\nreal: {{alpine: {{tests: []}}}}", "has no 'bytes'"),
    ],
)
def test_a_bad_list_of_fixtures_is_named(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / proofs.FILE).write_text(text)
    with pytest.raises(CatalogError, match=words):
        proofs.read(tmp_path)


def test_a_catalog_without_fixtures_proves_nothing(tmp_path: Path) -> None:
    found = proofs.read(tmp_path)
    assert found.tests == dict.fromkeys(proofs.KINDS, ())
    assert not found.real
