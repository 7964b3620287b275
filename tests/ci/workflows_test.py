"""The workflows are what GitHub and GitLab take, and leave the work to .ci/run."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ACTIONLINT = Path(os.environ["ACTIONLINT"]).absolute()
WORKFLOWS = sorted(Path(".github/workflows").glob("*.yml"))
GITLAB = [Path(".gitlab-ci.yml"), *sorted(Path(".gitlab").glob("*.yml"))]
# What a job may do besides: have programs installed, and say what has changed.
_OTHERS = (
    "apt-get",
    "dnf",
    "cp",
    "git",
    "gh",
    "jq",
    "python3",
    "echo",
    "if",
    "else",
    "fi",
    "exit",
    "-",
)
# What .ci/run is called for.
_JOBS = (
    *("archive", "bazelisk", "commit", "consumers", "matrix", "platform", "prebuilt", "publish"),
    *("update", "without"),
)
# What a job may do besides reading the repository.
_RIGHTS = {
    "update": {"contents": "write", "pull-requests": "write"},
    "archive": {"contents": "write", "id-token": "write", "attestations": "write"},
    "prebuilt": {"contents": "write"},
    "registry": {"contents": "write", "id-token": "write", "attestations": "write"},
}


def actionlint(folder: Path, *files: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [ACTIONLINT, "-no-color", "-oneline", "-shellcheck=", "-pyflakes=", *files],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def schema(name: str, *files: Path, more: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [
            *(sys.executable, "-m", "check_jsonschema", f"--builtin-schema={name}", *more),
            *map(str, files),
        ],
        env={**os.environ, "PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """The workflows in a folder that can be changed, with the mark of a checkout."""
    shutil.copytree(".github", tmp_path / ".github")
    (tmp_path / ".git").mkdir()
    return tmp_path


def test_there_are_workflows() -> None:
    assert {file.stem for file in WORKFLOWS} >= {"bazel", "ci", "matrix", "release", "update"}


def test_actionlint_finds_nothing(copied: Path) -> None:
    found = actionlint(copied, *WORKFLOWS)
    assert found.returncode == 0, found.stdout


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("needs.plan.outputs.matrix", "needs.plan.outputs.typo", 'property "typo" is not defined'),
        ("timeout-minutes", "timeout-minute", 'unexpected key "timeout-minute"'),
        ("17 2 * * *", "77 2 * * *", "invalid CRON"),
        ("needs: plan", "needs: pla", 'job "platform" needs job "pla"'),
    ],
)
def test_actionlint_would_find(copied: Path, old: str, new: str, said: str) -> None:
    file = copied / ".github/workflows/matrix.yml"
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new))
    found = actionlint(copied, file)
    assert found.returncode == 1
    assert said in found.stdout


def test_the_schemas_accept_them() -> None:
    found = schema("vendor.github-workflows", *WORKFLOWS)
    assert found.returncode == 0, found.stdout
    found = schema("vendor.gitlab-ci", *GITLAB, more=("--data-transform=gitlab-ci",))
    assert found.returncode == 0, found.stdout


def test_the_schema_would_refuse(tmp_path: Path) -> None:
    text = GITLAB[0].read_text().replace("artifacts:\n    paths: [", "artifacts:\n    path: [")
    assert text != GITLAB[0].read_text()
    (tmp_path / "gitlab.yml").write_text(text)
    found = schema("vendor.gitlab-ci", tmp_path / "gitlab.yml")
    assert found.returncode == 1


def scripts(document: Any) -> Iterator[str]:
    """Every shell script of a workflow or pipeline."""
    if isinstance(document, dict):
        for key, value in document.items():
            if key in ("run", "script", "before_script"):
                yield from [value] if isinstance(value, str) else value
            else:
                yield from scripts(value)
    elif isinstance(document, list):
        for item in document:
            yield from scripts(item)


@pytest.mark.parametrize("file", [*WORKFLOWS, *GITLAB], ids=str)
def test_ci_run_does_the_work(file: Path) -> None:
    document = yaml.safe_load(file.read_text())
    called = []
    for script in scripts(document):
        joined = re.sub(r"\\\n\s*", "", script)
        if ".ci/run" in joined:
            called.append(joined)
        else:
            for line in joined.splitlines():
                word = line.split()[0] if line.split() else "-"
                assert word.startswith(("#", *_OTHERS)), f"{file}: {line}"
        # A value that others choose must not become a part of a program.
        assert "${{" not in joined, f"{file}: {script}"
    assert called or "uses" in file.read_text()
    for job in re.findall(r"\.ci/run ([a-z]+)", "\n".join(called)):
        assert job in _JOBS, job


def test_no_workflow_has_more_rights_than_it_needs() -> None:
    for file in WORKFLOWS:
        document = yaml.safe_load(file.read_text())
        assert document["permissions"] == {"contents": "read"}, file
        for name, job in document["jobs"].items():
            assert job.get("permissions") == _RIGHTS.get(name), (file, name)
            for step in job.get("steps", []):
                if step.get("uses", "").startswith("actions/checkout@") and name != "update":
                    assert step["with"] == {"persist-credentials": False}, (file, name)


def test_each_job_is_in_both_systems() -> None:
    for files in (WORKFLOWS, GITLAB):
        lines = "\n".join(
            line for file in files for line in scripts(yaml.safe_load(file.read_text()))
        )
        assert set(re.findall(r"\.ci/run ([a-z]+)", lines)) == set(_JOBS), files


def test_gitlabs_plan_has_both_jobs_of_a_platform(tmp_path: Path) -> None:
    """The line that writes the child pipeline."""
    lines = yaml.safe_load(GITLAB[0].read_text())["plan"]["script"]
    (line,) = (line for line in lines if line.startswith("python3 "))
    (tmp_path / "matrix.json").write_text('{"matrix": [{"PLATFORM": ["arm64"]}]}')
    subprocess.run(["sh", "-c", line], cwd=tmp_path, check=True)
    pipeline = yaml.safe_load((tmp_path / "pipeline.yml").read_text())
    included = yaml.safe_load(Path(pipeline.pop("include")["local"]).read_text())
    assert set(pipeline) == {"platform", "consumers"} <= set(included)
    for job in pipeline.values():
        assert job == {"parallel": {"matrix": [{"PLATFORM": ["arm64"]}]}}
