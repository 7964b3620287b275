"""docs/customise.md, pasted into an empty workspace: it locks, and wrong input is one error.

What holds CPython is analysed only, as in applications_test.py; python_images/tests/apps builds and
runs such an image.
"""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Iterator

import pytest

from tests.documents.pages import Page
from tools.testing.checkout import Checkout, Result, scratch, source

SECTION = "An image with packages and a certificate authority"
OVERRIDE = 'local_path_override(module_name = "python_images", path = "../..")\n'
LOCK = "@acme_debs//:lock"


def page() -> Page:
    return Page.read(source() / "docs/customise.md").section(SECTION)


@pytest.fixture(scope="module")
def workspace() -> Iterator[Checkout]:
    with scratch("customise") as copy:
        folder = copy.path / "examples/pasted"
        folder.mkdir()
        for name in (".bazelrc", ".bazelversion", "bazelw"):
            shutil.copy(copy.path / "examples/app" / name, folder / name, follow_symlinks=False)
        shutil.copy(copy.path / "examples/own-base/acme_root.crt", folder / "acme_root.crt")
        page().paste(folder)
        with (folder / "MODULE.bazel").open("a") as module:
            module.write(OVERRIDE)
        yield dataclasses.replace(copy, path=folder)


def succeeds(result: Result) -> str:
    assert result.status == 0, result.errors
    return result.output


def test_without_its_lock_the_error_has_the_command(workspace: Checkout) -> None:
    result = workspace.bazel("build", "--nobuild", "//:acme_amd64")
    assert result.status != 0
    assert "jq of trixie for amd64: there is no acme_debs.lock. To lock them: " in result.errors
    assert "bazel run @acme_debs//:lock" in result.errors


def test_the_pages_commands(workspace: Checkout) -> None:
    ran = []
    for launcher, command, target, *words in page().commands:
        assert launcher == "./bazelw"
        if target == LOCK:
            succeeds(workspace.bazel(command, target, *words))
            assert "\njq " in (workspace.path / "acme_debs.lock").read_text()
        else:
            succeeds(workspace.bazel("build", "--nobuild", target, "//:acme", "//:acme.test"))
        ran.append(target)
    assert ran == [LOCK, "//:acme_amd64"]


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        ("BUILD.bazel", "3.14-slim-trixie", "3.14-slim-trixy", "no such tag; did you mean 3."),
        ("BUILD.bazel", "3.14-slim-trixie", "3.14-slim-bookworm", "are of trixie for amd64"),
        (
            "BUILD.bazel",
            "pip = False,",
            'platforms = ["amd46"],',
            'platforms: "amd46" isn\'t one of "3.14-slim-trixie"; known are amd64, arm64',
        ),
        ("MODULE.bazel", '["jq"]', '["jq", "tree"]', "acme_debs.lock was written without tree"),
        ("MODULE.bazel", '"trixie"', '"trixi"', 'suite = "trixi" is no suite of Debian\'s'),
    ],
)
def test_wrong_input_is_one_error(
    workspace: Checkout, file: str, old: str, new: str, said: str
) -> None:
    with workspace.changed(file, old, new):
        result = workspace.bazel("build", "--nobuild", "//:acme_amd64")
    assert result.status != 0
    assert said in result.errors
