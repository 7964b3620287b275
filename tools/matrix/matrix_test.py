"""Matrices have every image for every architecture once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tools.catalog import family_load, fixture
from tools.matrix.matrix import jobs, main

CATALOG = Path(__file__).parents[2] / "catalog"


@pytest.fixture(autouse=True)
def _checkout(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = fixture.checkout(tmp_path_factory.mktemp("checkout"))
    monkeypatch.setenv("BUILD_WORKSPACE_DIRECTORY", str(folder))


@pytest.mark.parametrize("name", family_load.names(CATALOG))
def test_a_job_per_image_and_architecture(name: str) -> None:
    family = family_load.load_family(name, CATALOG)
    made = [(job["image"], job["architecture"]) for job in jobs(family)]
    assert len(made) == len(set(made))
    assert len(made) == sum(len(entry.architectures) for entry in family.published())


def test_current_names_the_targets(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["current"]) == 0
    include = json.loads(capsys.readouterr().out)["include"]
    assert next(job for job in include if job["architecture"] == "arm64v8") == {
        "image": "3.14.7-slim-trixie",
        "architecture": "arm64v8",
        "platform": "linux/arm64/v8",
        "directory": "3.14/slim-trixie",
        "tags": "3.14.7-slim-trixie 3.14-slim-trixie 3-slim-trixie slim-trixie 3.14.7-slim "
        "3.14-slim 3-slim slim",
        "runner": "ubuntu-24.04-arm",
        "target": "//images:3.14.7-slim-trixie_arm64",
    }


def test_gitlab_and_one_architecture(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["2026-02", "--provider", "gitlab", "--arch", "windows-amd64"]) == 0
    matrix = json.loads(capsys.readouterr().out)["matrix"]
    assert len(matrix) == 6
    assert matrix[0]["PLATFORM"] == "windows/amd64"
    assert matrix[0]["RUNNER"] == "windows-2025"
    assert "TARGET" not in matrix[0]


def test_an_architecture_that_no_image_has(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["2026-02", "--arch", "arm46v8"]) == 2
    assert "no image is for architecture 'arm46v8'" in (said := capsys.readouterr().err)
    assert "did you mean arm64v8" in said


def test_platforms() -> None:
    made = jobs(family_load.load_family("2026-02", CATALOG))
    found = {job["architecture"]: job["platform"] for job in made}
    assert found["arm32v7"] == "linux/arm/v7"
    assert found["s390x"] == "linux/s390x"
    assert found["i386"] == "linux/386"
    assert found["windows-amd64"] == "windows/amd64"


def test_a_job_per_platform(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--by", "platform"]) == 0
    include = json.loads(capsys.readouterr().out)["include"]
    assert main(["current"]) == 0
    by_image = json.loads(capsys.readouterr().out)["include"]
    assert sum(int(job["images"]) for job in include) == len(by_image)
    assert {"platform": "arm64", "tests": "//tests:matrix_arm64"}.items() <= include[1].items()
    assert main(["--by", "platform", "--provider", "gitlab"]) == 0
    (first, *_) = json.loads(capsys.readouterr().out)["matrix"]
    assert (first["PLATFORM"], first["TESTS"]) == ("amd64", "//tests:matrix_amd64")
    for more in (["--arch", "i386"], ["2026-02"]):
        with pytest.raises(SystemExit):
            main([*more, "--by", "platform"])
