"""docs/applications.md, pasted into an empty workspace: its commands run, its files are built.

What holds CPython is analysed only: a dependency's outputs have other paths, so it would be
compiled once more. python_images/tests/fastapi runs the same application.
"""

from __future__ import annotations

import dataclasses
import re
import shutil
import tarfile
from collections.abc import Iterator

import pytest

from tests.documents.pages import Page
from tools.testing.checkout import Checkout, Result, scratch, source

SECTION = "A FastAPI application for two platforms"
OVERRIDE = 'local_path_override(module_name = "python_images", path = "../..")\n'
LOCK_APP = "@python_images//tools:lock_app"


def page() -> Page:
    read = Page.read(source() / "docs/applications.md", {"HOST/PATH": "registry.example/hello"})
    return read.section(SECTION)


@pytest.fixture(scope="module")
def app() -> Iterator[Checkout]:
    with scratch("applications") as copy:
        # Beside the examples: a workspace with their launcher and flags, and nothing else.
        folder = copy.path / "examples/pasted"
        folder.mkdir()
        for name in (".bazelrc", ".bazelversion", "bazelw"):
            shutil.copy(copy.path / "examples/fastapi" / name, folder / name, follow_symlinks=False)
        page().paste(folder)
        with (folder / "MODULE.bazel").open("a") as module:
            module.write(OVERRIDE)
        yield dataclasses.replace(copy, path=folder)


def succeeds(result: Result) -> str:
    assert result.status == 0, result.errors
    return result.output


def test_it_is_short() -> None:
    build = page().files["BUILD.bazel"]
    assert len(build.splitlines()) <= 15
    example = (source() / "examples/fastapi/BUILD.bazel").read_text()
    assert len(example.splitlines()) <= 15
    # The example has a test besides.
    assert set(build.splitlines()) < set(example.splitlines())
    assert (
        page().files["requirements.in"]
        == (source() / "examples/fastapi/requirements.in").read_text()
    )


def test_without_its_lock_the_error_has_the_command(app: Checkout) -> None:
    lock = app.path / "requirements.txt"
    lock.write_text("fastapi==0.165.0\n")
    result = app.bazel("build", "//:hello_amd64.dependencies")
    assert result.status != 0
    assert "requirements.txt:1: fastapi==0.165.0 has no --hash" in result.errors
    again = "-- --base=3.14-slim --lock=requirements.txt"
    assert f"Lock again: bazel run {LOCK_APP} {again}" in result.errors
    lock.unlink()


def test_the_pages_commands(app: Checkout) -> None:
    ran = []
    for launcher, command, target, *words in page().commands:
        assert launcher == "./bazelw"
        if target == LOCK_APP:
            succeeds(app.bazel(command, target, *words))
            assert "--hash=sha256:" in (app.path / "requirements.txt").read_text()
        else:
            succeeds(app.bazel("build", "--nobuild", target))
        ran.append(target)
    assert LOCK_APP in ran
    assert len(ran) >= 4


def test_the_layers_of_both_platforms(app: Checkout) -> None:
    tars = {}
    for platform, machine in (("amd64", "x86_64"), ("arm64", "aarch64")):
        label = f"//:hello_{platform}"
        succeeds(app.bazel("build", f"{label}.dependencies", f"{label}.application"))
        (path,) = app.output(f"{label}.dependencies")
        with tarfile.open(path) as tar:
            libraries = [name for name in tar.getnames() if name.endswith(".so")]
            script = tar.extractfile("usr/local/bin/uvicorn")
            assert script
            assert re.match(rb"#!/usr/local/bin/python3\.\d+\n", script.read())
        assert any("pydantic_core" in name for name in libraries)
        assert all(f"-{machine}-linux-gnu.so" in name or ".abi3." in name for name in libraries)
        (path,) = app.output(f"{label}.application")
        tars[platform] = path.read_bytes()
    assert tars["amd64"] == tars["arm64"]


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        (
            "BUILD.bazel",
            '"@app_wheels"',
            '"requirements.txt"',
            'lock = "requirements.txt": name the repository of the lock, such as "@app_wheels"',
        ),
        (
            "BUILD.bazel",
            'base = "3.14-slim"',
            'base = "3.13-slim"',
            "the image has Python 3.13, and the wheels of requirements.txt are for 3.14",
        ),
        (
            "MODULE.bazel",
            'base = "3.14-slim"',
            'base = "3.14-slin"',
            'base = "3.14-slin"): no such tag; did you mean 3.14-slim',
        ),
    ],
)
def test_what_does_not_fit_is_one_error(
    app: Checkout, file: str, old: str, new: str, said: str
) -> None:
    with app.changed(file, old, new):
        result = app.bazel("build", "--nobuild", "//:hello_arm64.application")
    assert result.status != 0
    assert said in result.errors
