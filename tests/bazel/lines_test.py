"""Which Bazel: .bazelversion, the modules' presubmits, the CI's matrices and .bcr say one thing."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from tools.bootstrap.registry import ModuleFile

VERSION, *REASON = Path(".bazelversion").read_text().splitlines()
LINE = int(VERSION.partition(".")[0])
# A release waits for these; and for this one it doesn't, since no module has been tried with it.
NEXT, UNTRIED = f"{LINE + 1}.x", f"{LINE + 2}.x"
PRESUBMITS: dict[str, dict[str, Any]] = yaml.safe_load(
    Path("tests/bazel/presubmits.yaml").read_text()
)


def load(file: str) -> Any:
    return yaml.safe_load(Path(file).read_text())


def test_the_first_line_is_a_version_and_the_rest_says_why() -> None:
    # Bazelisk takes the whole first line; it would also take a range, Debian has one.
    assert re.fullmatch(r"\d+\.\d+\.\d+", VERSION)
    assert "presubmits" in " ".join(REASON)


def test_the_presubmits_are_those_of_the_versions_asked_for() -> None:
    asked = dict(ModuleFile("MODULE.bazel").dependencies(dev=False))
    assert {name: str(entry["version"]) for name, entry in PRESUBMITS.items()} == asked


def test_it_is_the_newest_line_that_all_modules_cover() -> None:
    covered = [set(entry["lines"]) for entry in PRESUBMITS.values()]
    assert max(set.intersection(*covered)) == LINE
    assert max(set.union(*covered)) == LINE + 1


def test_ci_tries_it_and_the_newer_ones() -> None:
    job = load(".github/workflows/bazel.yml")["jobs"]["bazel"]
    github = job["strategy"]["matrix"]
    assert github["bazel"] == [VERSION, NEXT, UNTRIED]
    assert job["continue-on-error"] == f"${{{{ matrix.bazel == '{UNTRIED}' }}}}"
    assert {image.partition(":")[0] for image in github["image"]} == {"debian", "ubuntu", "fedora"}
    jobs = load(".gitlab-ci.yml")
    for name, bazels in (("bazel", [VERSION, NEXT]), ("bazel-untried", [UNTRIED])):
        assert jobs[name]["parallel"]["matrix"] == [{"BAZEL": bazels, "IMAGE": github["image"]}]
        assert jobs[name].get("allow_failure", False) == (name == "bazel-untried")


def test_the_registry_tries_an_example_with_what_a_release_has_passed() -> None:
    module = load(".bcr/presubmit.yml")["bcr_test_module"]
    assert module["matrix"]["bazel"] == [f"{LINE}.x", NEXT]
    assert module["module_path"].startswith("examples/")
    for task in module["tasks"].values():
        assert task["bazel"] == "${{ bazel }}"
        assert task["platform"] == "${{ platform }}"
        assert task["build_targets"]


def test_the_module_says_the_oldest() -> None:
    assert f'bazel_compatibility = [">={VERSION}"]' in Path("MODULE.bazel").read_text()
