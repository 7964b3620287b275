"""Components are SPDX packages, from the catalog and the locks."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tools.catalog import fixture
from tools.packages.debian import lockfile
from tools.pages.components import main

LOCKS = Path(__file__).parents[2] / "third_party" / "debian"


@pytest.fixture(autouse=True)
def _checkout(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = fixture.checkout(tmp_path_factory.mktemp("checkout"))
    monkeypatch.setenv("BUILD_WORKSPACE_DIRECTORY", str(folder))


def test_components_of_a_slim_image(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    # Whichever is there stands for the one of the catalog that never changes.
    text = next(LOCKS.glob("*_arm64.lock")).read_text()
    suite = re.sub("^suite .*", "suite bookworm", text, count=1, flags=re.MULTILINE)
    (tmp_path / "bookworm_arm64.lock").write_text(suite)
    assert main(["3.13-slim-bookworm", "--platform", "aarch64", "--locks", str(tmp_path)]) == 0
    made = json.loads(capsys.readouterr().out)
    assert made["name"] == "3.13.15-slim-bookworm_arm64"
    packages = made["packages"]
    lock = lockfile.read(tmp_path / "bookworm_arm64.lock")
    assert [package["name"] for package in packages[1:]] == sorted(
        {package.name for package in (*lock.in_set("base"), *lock.in_set("slim"))}
    )
    assert packages[0]["name"] == "cpython"
    assert packages[0]["licenseDeclared"] == "PSF-2.0"
    identifiers = [package["SPDXID"] for package in packages]
    assert len(identifiers) == len(set(identifiers))
    for package in packages:
        assert re.fullmatch(r"SPDXRef-[A-Za-z0-9.-]+", package["SPDXID"])
        assert re.fullmatch("[0-9a-f]{64}", package["checksums"][0]["checksumValue"])
        assert package["externalRefs"][0]["referenceLocator"].startswith("pkg:")


def test_a_platform_or_lock_that_is_not_there(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(["3.14-slim", "--platform", "arm46"]) == 2
    assert "did you mean arm64" in capsys.readouterr().err
    assert main(["3.14-slim", "--locks", str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert "trixie_amd64.lock" in error
    assert error.count("\n") == 1
