"""Every public symbol is of use in another workspace, whose labels mean something else.

tests/e2e/consumer is that workspace; nothing of it is built. What the workspaces of examples/ use,
which examples_test analyses, is left out there.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.testing.checkout import Checkout, scratch

# Where a macro's labels would lead if they were the consumer's; it has no other packages.
_ITS_LABELS = re.compile(r'"((?:@@?)?//(?!families|visibility:)[^"]*)"')
_PUBLIC_FILES = ("python_images/defs.bzl", "python_images/repositories.bzl")


@pytest.fixture(scope="module")
def consumer() -> Iterator[Checkout]:
    with scratch("symbols") as copy:
        yield dataclasses.replace(copy, path=copy.path / "tests/e2e/consumer")


def public_symbols(checkout: Path) -> list[str]:
    """Return what the public files export."""
    texts = [(checkout / name).read_text() for name in _PUBLIC_FILES]
    found = [name for text in texts for name in re.findall(r"^([A-Za-z]\w*) = ", text, re.M)]
    assert len(found) > len(_PUBLIC_FILES)
    return found


def test_every_public_symbol_is_used(consumer: Checkout) -> None:
    files = [
        file
        for folder in (consumer.path, consumer.path.parents[2] / "examples")
        for pattern in ("MODULE.bazel", "*.bzl", "BUILD.bazel")
        for file in folder.rglob(pattern)
    ]
    text = "\n".join(file.read_text() for file in files)
    unused = [
        name
        for name in public_symbols(consumer.path.parents[2])
        # A provider is asked for, all else is called.
        if f"providers = [{name}]" not in text and not re.search(rf"\b{name}\($", text, re.M)
    ]
    assert not unused, f"neither tests/e2e/consumer nor examples/ uses {', '.join(unused)}"


def test_all_rules_can_be_analysed(consumer: Checkout) -> None:
    result = consumer.bazel("build", "--nobuild", "//:all")
    assert result.status == 0, result.errors


def test_labels_of_families_are_python_images(consumer: Checkout) -> None:
    declared = consumer.bazel("query", "--noshow_progress", "--output=build", "//families/...:*")
    assert declared.status == 0, declared.errors
    assert "windowsservercore" in declared.output
    assert not set(_ITS_LABELS.findall(declared.output))
    assert "[unknown repo" not in declared.output


def test_labels_of_families_exist(consumer: Checkout) -> None:
    # Those of Alpine need locks, which there are none of yet.
    labels = "deps(//families/...:* - //families/alpine:*, 1)"
    result = consumer.bazel("query", "--noshow_progress", labels)
    assert result.status == 0, result.errors
    assert "//images/debian:" in result.output
