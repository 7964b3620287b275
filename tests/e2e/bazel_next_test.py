"""Everything is analysed as newer Bazels would: .bazelrc's --config=bazel-next.

Analysing is what newer Bazels do differently; what actions do is tested without the flags.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.bazel import flags
from tools.testing.checkout import Checkout, Result, scratch

NEXT = f"--config={flags.CONFIG}"


@pytest.fixture(scope="module", name="checkout")
def _checkout() -> Iterator[Checkout]:
    with scratch("bazel_next") as copy:
        yield copy


@pytest.fixture(scope="module", name="help_text")
def _help_text(checkout: Checkout) -> str:
    result = checkout.bazel("help", "build", "--long")
    assert result.status == 0, result.errors
    return result.output


def test_everything_is_analysed_tests_too(checkout: Checkout) -> None:
    result = checkout.bazel("build", "--nobuild", "--keep_going", NEXT, "//...")
    assert result.status == 0, result.errors


def test_this_bazel_knows_every_flag_that_is_set(help_text: str) -> None:
    known = flags.known(help_text)
    missing = [e["flag"] for e in flags.facts()["set"] if flags.name(e["flag"]) not in known]
    assert not missing


def test_every_incompatible_flag_of_this_bazel_is_decided_on(help_text: str) -> None:
    assert flags.undecided(help_text) == []


@pytest.mark.parametrize(
    ("program", "repository"),
    [
        ("toolchains/python/assemble.py", "@tool_python"),
        ("tools/wheels/unpack.py", "@wheels"),
    ],
)
def test_a_changed_program_of_a_repository_is_noticed(
    checkout: Checkout, program: str, repository: str
) -> None:
    def query() -> Result:
        return checkout.bazel("query", NEXT, f"{repository}//:all")

    assert query().status == 0
    file = checkout.path / program
    before = file.read_text()
    file.write_text("raise SystemExit('this program has changed')\n")
    changed = query()
    file.write_text(before)
    assert changed.status != 0
    assert "this program has changed" in changed.output


@pytest.mark.parametrize(
    ("text", "said"),
    [
        # Bazel 8: a glob that finds nothing.
        ('filegroup(name = "a", srcs = glob(["*.none"]))', "allow_empty"),
        # Bazel 9: rules that are no longer its own.
        ('cc_toolchain(name = "a")', "name 'cc_toolchain' is not defined"),
        ('py_library(name = "a")', "name 'py_library' is not defined"),
        ('sh_test(name = "a", srcs = ["a.sh"])', "name 'sh_test' is not defined"),
        # Bazel 10: a source file that another package names, and isn't exported.
        ('filegroup(name = "a", srcs = ["//tests/bazel:lines_test.py"])', "visible"),
    ],
)
def test_what_newer_ones_refuse_is_found(checkout: Checkout, text: str, said: str) -> None:
    package = checkout.path / "tests/bazel/wrong"
    package.mkdir(exist_ok=True)
    (package / "BUILD.bazel").write_text(text + "\n")
    result = checkout.bazel("build", "--nobuild", NEXT, "//tests/bazel/wrong:all")
    assert result.status != 0
    assert said in result.output
