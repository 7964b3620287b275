"""Results are recorded from the outputs of tests, and only for tests that ran."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from tools.catalog import fixture, proofs, results
from tools.catalog.results import FAILED, PASSED, SKIPPED, Result, Results
from tools.inputs.inputs import LOCKS
from tools.matrix import record

IMAGE = "//images:3.14.7-slim-trixie"
FAMILY = "//images/infra7:3.13.15-bookworm"
TEST = "//tests/e2e:windows_test"


@pytest.fixture(name="catalog")
def _catalog(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = fixture.checkout(tmp_path / "checkout")
    monkeypatch.setenv("BUILD_WORKSPACE_DIRECTORY", str(root))
    (root / "catalog" / results.FILE).unlink(missing_ok=True)
    (root / "catalog" / proofs.FILE).write_text(
        "fixtures: {alpine: [], alpine_setup_py: [], ubuntu: [], "
        f"windowsservercore: ['{TEST}']}}\n"
    )
    return root / "catalog"


@pytest.fixture(name="out")
def _out(tmp_path: Path) -> Path:
    made = tmp_path / "bazel-out" / "k8-fastbuild"
    (made / "bin").mkdir(parents=True)
    return made


def write_image(out: Path, label: str, platform: str, size: int = 1) -> str:
    """An image as a build leaves it, its blobs left out; returns its digest."""
    manifest = json.dumps({"layers": [{"size": size}]}).encode()
    value = hashlib.sha256(manifest).hexdigest()
    layout = out / "bin" / f"{label.removeprefix('//').replace(':', '/')}_{platform}"
    (layout / "blobs" / "sha256").mkdir(parents=True, exist_ok=True)
    (layout / "blobs" / "sha256" / value).write_bytes(manifest)
    (layout / "index.json").write_text(
        json.dumps({"manifests": [{"digest": f"sha256:{value}", "size": len(manifest)}]})
    )
    return f"sha256:{value}"


def write_report(out: Path, test: str, *cases: str, digest: str = "") -> None:
    logs = out / "testlogs" / test.removeprefix("//").replace(":", "/")
    logs.mkdir(parents=True, exist_ok=True)
    body = "".join(f'<testcase name="t{n}">{case}</testcase>' for n, case in enumerate(cases))
    (logs / "test.xml").write_text(
        f'<testsuites><testsuite><properties><property name="image" value="{digest}"/>'
        f"</properties>{body}</testsuite></testsuites>"
    )


def run(catalog: Path, out: Path) -> Results:
    assert record.main(["--outputs", str(out)]) == 0
    return results.read(catalog)


PASS, FAIL, SKIP = "", '<failure message="x"/>', '<skipped message="no emulator"/>'


def lock(catalog: Path, day: str, more: str = "") -> None:
    """Lock the packages of IMAGE."""
    folder = catalog.parent / LOCKS
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "trixie_amd64.lock").write_text(
        f"suite trixie\narch amd64\nsnapshot {day}T081110Z\n{more}"
    )


def test_inputs_are_those_of_the_image_that_was_tested(catalog: Path, out: Path) -> None:
    def tested(size: int) -> Result:
        digest = write_image(out, IMAGE, "amd64", size)
        write_report(out, f"{IMAGE}_amd64.test", PASS, digest=digest)
        return run(catalog, out).images[IMAGE]["amd64"]

    assert tested(1).inputs is None  # nothing is locked
    lock(catalog, "20261120")
    first = tested(1)
    assert first.inputs is not None
    # Newer packages, and the older image is still there.
    package = "netbase 6.5 all pool/main/n/netbase/netbase_6.5_all.deb"
    lock(catalog, "20261127", f"{package} {'a' * 64} 12 slim=requested\n")
    assert tested(1) == first
    second = tested(2)
    assert second.digest != first.digest
    assert second.inputs not in (None, first.inputs)


def test_an_archived_image_has_its_result(catalog: Path, out: Path) -> None:
    file = catalog / "versions.yaml"
    row = f"versions:\n  - version: 3.14.8\n    sha256: {'0' * 64}\n    released: 2026-10-06\n"
    file.write_text(file.read_text().replace("versions:\n", f"{row}    mirrored: false\n", 1))
    family = "//images/infra7:3.14.7-trixie"
    for image in (IMAGE, family):
        digest = write_image(out, image, "amd64")
        write_report(out, f"{image}_amd64.test", PASS, digest=digest)
    assert set(run(catalog, out).images) == {IMAGE, family}


def test_nothing_was_run(catalog: Path, out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(catalog, out) == Results()
    assert capsys.readouterr().out == "nothing new\n"


def test_images_of_all_families_and_fixtures(
    catalog: Path, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one, other = write_image(out, IMAGE, "amd64", 1), write_image(out, FAMILY, "arm64", 2)
    write_report(out, f"{IMAGE}_amd64.test", PASS, PASS, digest=one)
    write_report(out, f"{FAMILY}_arm64.test", PASS, SKIP, digest=other)
    write_report(out, TEST, PASS)
    assert run(catalog, out) == Results(
        images={
            IMAGE: {"amd64": Result(PASSED, 2, 0, one)},
            FAMILY: {"arm64": Result(SKIPPED, 1, 1, other)},
        },
        fixtures={TEST: Result(PASSED, 1, 0)},
    )
    assert f"passed: {IMAGE}_amd64 (2 passed, 0 skipped)\n" in capsys.readouterr().out


def test_results_stay_until_there_are_others(catalog: Path, out: Path, tmp_path: Path) -> None:
    digest = write_image(out, IMAGE, "amd64")
    write_report(out, f"{IMAGE}_amd64.test", PASS, digest=digest)
    first = run(catalog, out)
    empty = tmp_path / "empty"
    empty.mkdir()
    assert run(catalog, empty) == first
    write_report(out, f"{IMAGE}_amd64.test", FAIL, digest=digest)
    assert run(catalog, out).images[IMAGE]["amd64"] == Result(FAILED, 0, 0, digest)


def test_tests_of_other_bytes_do_not_count(catalog: Path, out: Path) -> None:
    write_image(out, IMAGE, "amd64")
    write_report(out, f"{IMAGE}_amd64.test", PASS, digest="sha256:" + "0" * 64)
    assert run(catalog, out) == Results()


def test_an_image_without_its_tests_does_not_count(catalog: Path, out: Path) -> None:
    write_image(out, IMAGE, "amd64")
    assert run(catalog, out) == Results()


def test_what_only_a_cache_has_does_not_count(catalog: Path, out: Path) -> None:
    (out / "bin" / "images" / "3.14.7-slim-trixie_amd64").mkdir(parents=True)
    write_report(out, f"{IMAGE}_amd64.test", PASS, digest="sha256:" + "0" * 64)
    assert run(catalog, out) == Results()


def test_what_the_catalog_lost_is_dropped(
    catalog: Path, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gone = Result(PASSED, 1, 0, "sha256:" + "0" * 64)
    old = Results({"//images:3.13.1-slim-trixie": {"amd64": gone}}, {"//tests:old": gone})
    kept = {
        "images": {
            "//images:3.13.1-slim-trixie": {
                "amd64": {"state": gone.state, "passed": 1, "skipped": 0, "digest": gone.digest}
            }
        }
    }
    (catalog / results.FILE).write_text(json.dumps(kept))
    assert old.images == results.read(catalog).images
    assert run(catalog, out) == Results()
    assert "removed: //images:3.13.1-slim-trixie_amd64\n" in capsys.readouterr().out


def test_a_fixture_that_could_not_run_is_skipped(catalog: Path, out: Path) -> None:
    write_report(out, TEST, SKIP, SKIP)
    assert run(catalog, out).fixtures == {TEST: Result(SKIPPED, 0, 2)}


def test_a_missing_folder_is_one_error(
    catalog: Path, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert record.main(["--outputs", str(out / "none")]) == 2
    assert "none: no such file or folder; check the path\n" in capsys.readouterr().err
    assert not (catalog / results.FILE).exists()
