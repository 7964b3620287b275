"""docs/applications.md, pasted into an empty workspace: its commands run, its files are built.

What holds CPython is analysed only: a dependency's outputs have other paths, so it would be
compiled once more. python_images/tests/fastapi runs the same application.
"""

from __future__ import annotations

import re
import tarfile
from collections.abc import Iterator

import pytest

from tests.documents.pages import Page
from tests.documents.pasted import page, pasted, refuses, succeeds
from tools.testing.checkout import Checkout, source
from tools.wheels.wheel_fixtures import FILES, wheel

SECTION = "A FastAPI application for two platforms"
LOCK_APP = "@python_images//tools:lock_app"

OTHER = """\
load("@python_images//python_images:defs.bzl", "python_app_image")

python_app_image(
    name = "other",
    base = "3.14-slim",
    lock = "@app_wheels",
    platforms = ["amd64"],
    wheels = ["{wheel}"],
)
"""


def shown() -> Page:
    return page("applications.md", SECTION, replaced={"HOST/PATH": "registry.example/hello"})


@pytest.fixture(scope="module")
def app() -> Iterator[Checkout]:
    with pasted(shown()) as workspace:
        yield workspace


def test_it_is_short() -> None:
    build = shown().files["BUILD.bazel"]
    assert len(build.splitlines()) <= 15
    example = (source() / "examples/fastapi/BUILD.bazel").read_text()
    assert len(example.splitlines()) <= 15
    # The example has a test besides.
    assert set(build.splitlines()) < set(example.splitlines())
    assert (
        shown().files["requirements.in"]
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
    for launcher, command, target, *words in shown().commands:
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
    assert said in refuses(app, file, old, new, "//:hello_arm64.application")


def test_a_wheel_for_another_platform_is_one_error(app: Checkout) -> None:
    folder = app.path / "other"
    folder.mkdir()
    name = "greet-1.0-cp314-cp314-manylinux_2_17_aarch64.whl"
    wheel(folder / name, FILES)
    (folder / "BUILD.bazel").write_text(OTHER.format(wheel=name))
    result = app.bazel("build", "//other:other_amd64.application")
    assert result.status != 0
    (line,) = [one for one in result.errors.splitlines() if "wheel layer:" in one]
    assert name in line
    assert "amd64" in line
