"""Each workspace of examples/ is analysed, and what needs no CPython is built and tested.

Images with CPython are examples_images_test's: each compiles it once more.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.testing.checkout import Checkout, Result, scratch, source

# Not all of the family: `publish` and `sign` cover all releases, and the sources of
# some may be out of reach.
ANALYSED = {
    "app": ["//..."],
    "fastapi": ["//..."],
    "interpreter": ["//..."],
    "own-base": ["//..."],
    "own-family": ["//:latest", "//:latest_amd64.test", "//:library", "//:matrix", "//:readme"],
    "with-python-toolchain": ["//..."],
}


# Their Python rules are rules_python's, which before 1.0 wants a C++ toolchain, if only to look at.
WITH_COMPILER = ("interpreter", "with-python-toolchain")


@pytest.fixture(scope="module")
def checkout() -> Iterator[Checkout]:
    # One output base: all of them have python_images at the same place, so it is fetched once.
    with scratch("examples") as copy:
        yield copy


def example(checkout: Checkout, name: str) -> Checkout:
    """An example by its own bazelw, a link, as if python_images were fetched from elsewhere."""
    return dataclasses.replace(checkout, path=checkout.path / "examples" / name)


def succeeds(result: Result) -> str:
    assert result.status == 0, result.errors
    return result.output


def need_compiler() -> None:
    """Skip where Bazel would find no compiler on the machine."""
    if not any(Path(folder, "gcc").exists() for folder in ("/usr/bin", "/usr/local/bin")):
        pytest.skip("SKIPPED: no C compiler on this machine")


def test_each_is_in_this_test() -> None:
    folders = {file.parent.name for file in (source() / "examples").glob("*/MODULE.bazel")}
    assert folders == ANALYSED.keys()


@pytest.mark.parametrize("name", sorted(ANALYSED))
def test_all_of_it_can_be_analysed(checkout: Checkout, name: str) -> None:
    if name in WITH_COMPILER:
        need_compiler()
    succeeds(example(checkout, name).bazel("build", "--nobuild", *ANALYSED[name]))


def test_a_base_of_ones_own(checkout: Checkout) -> None:
    own = example(checkout, "own-base")
    shown = succeeds(own.bazel("test", "//:debian_test", "//:debian_sbom", "--test_output=all"))
    assert "SKIPPED" not in shown
    assert "passed  Command Test: the user is there and can't log in" in shown


def test_documents_of_a_family_of_ones_own(checkout: Checkout) -> None:
    own = example(checkout, "own-family")
    succeeds(own.bazel("build", "//:library", "//:matrix", "//:readme"))
    (readme,) = own.output("//:readme")
    assert "acme/python:latest" in readme.read_text()
    (matrix,) = own.output("//:matrix")
    assert json.loads(matrix.read_text())


def test_a_fault_in_the_familys_file_is_told(checkout: Checkout) -> None:
    own = example(checkout, "own-family")
    with own.changed("acme.yaml", "variant: slim", "variant: slimmer"):
        result = own.bazel("build", "--nobuild", "//:latest")
    assert result.status != 0
    assert re.search(r"acme\.yaml:\d+: images\.variant: unknown variant 'slimmer'", result.errors)


@pytest.mark.parametrize("first", ["python_images", "rules_python"])
def test_programs_run_on_the_python_that_the_workspace_chose(
    checkout: Checkout, first: str
) -> None:
    """Whichever module comes first: earlier ones' toolchains are preferred."""
    need_compiler()
    own = example(checkout, "with-python-toolchain")
    module = (own.path / "MODULE.bazel").read_text()
    (line,) = re.findall(rf'^bazel_dep\(name = "{first}".*\n', module, re.MULTILINE)
    others = module.replace(line, "")
    with own.changed("MODULE.bazel", module, others.replace("bazel_dep(", f"{line}bazel_dep(", 1)):
        succeeds(own.bazel("test", "//:which_python_test", "//:image"))
        shown = succeeds(own.bazel("run", "//:which_python"))
    assert "/usr" in shown.splitlines()


def test_its_c_is_compiled_by_the_machines_compiler(checkout: Checkout) -> None:
    need_compiler()
    shown = succeeds(example(checkout, "with-python-toolchain").bazel("run", "//:hello"))
    assert "hello" in shown.splitlines()
