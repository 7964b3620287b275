"""What editors, git and code hosts read: it names commands, folders and programs that are there."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

FORMS = sorted(Path(".github/ISSUE_TEMPLATE").glob("*.yml"))


def hooks() -> list[dict[str, Any]]:
    (repo,) = yaml.safe_load(Path(".pre-commit-config.yaml").read_text())["repos"]
    assert repo["repo"] == "local", "programs come from this repository, pinned"
    found: list[dict[str, Any]] = repo["hooks"]
    return found


@pytest.mark.parametrize("hook", hooks(), ids=lambda hook: str(hook["id"]))
def test_hooks_run_targets_that_are_there(hook: dict[str, Any]) -> None:
    words = hook["entry"].split()
    assert words[0] == "./bazelw"
    assert (hook["language"], hook["pass_filenames"]) == ("system", False)
    (label,) = [word for word in words if word.startswith("//")]
    package, _, name = label.removeprefix("//").partition(":")
    if label.endswith("/..."):
        assert label == "//tools/..."
    else:
        text = Path(package, "BUILD.bazel").read_text()
        assert re.search(rf'name = "{name}"|"{name}":', text), f"{label} isn't declared"


def test_the_container_of_developers_is_that_of_ci() -> None:
    container = json.loads(Path(".devcontainer/devcontainer.json").read_text())
    job = yaml.safe_load(Path(".github/workflows/ci.yml").read_text())["jobs"]["test"]
    assert f"'{container['image']}'" in job["container"]["image"]
    needed = next(step["run"] for step in job["steps"] if "apt-get" in step.get("run", ""))
    installed = container["onCreateCommand"].split()
    assert set(needed.split()) <= set(installed)
    assert container["postCreateCommand"].startswith("./bazelw build //images")


def test_owners_are_of_folders_that_are_there() -> None:
    lines = Path(".github/CODEOWNERS").read_text().splitlines()
    rows = [line.split() for line in lines if line and not line.startswith("#")]
    # The last row that fits counts, so the general one is the first.
    assert rows[0][0] == "*"
    assert all(owner.startswith("@") for _, *owners in rows for owner in owners)
    folders = [folder for folder, *_ in rows[1:]]
    assert len(set(folders)) == len(folders)
    # Where this test has files of a folder, the folder is spelt as they are.
    for folder in ("/.ci/", "/.github/"):
        assert folder in folders
        assert Path(folder.strip("/")).is_dir()


@pytest.mark.parametrize("form", FORMS, ids=lambda path: path.name)
def test_forms_have_what_code_hosts_ask_for(form: Path) -> None:
    made = yaml.safe_load(form.read_text())
    assert {"name", "description", "body"} <= set(made)
    fields = [field for field in made["body"] if field["type"] != "markdown"]
    assert all(field["attributes"]["label"] for field in fields)
    names = [field["id"] for field in fields]
    assert len(set(names)) == len(names)


def test_there_are_forms() -> None:
    assert FORMS


def test_generated_files_are_marked_and_bytes_are_kept() -> None:
    lines = Path(".gitattributes").read_text().splitlines()
    rows = {line.split()[0]: line.split()[1:] for line in lines if line and line[0] != "#"}
    assert rows["*"] == ["text=auto", "eol=lf"]
    assert rows["*.xz"] == ["binary"]
    assert "linguist-generated" in rows["dockerfiles/**"]
    assert "merge=binary" in rows["third_party/**/*.lock"]
