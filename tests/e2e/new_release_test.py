"""Releases come and go in the catalog's rows, and nothing else has to change for it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.roles import OTHER_MINOR, OTHER_SUITE
from tools.catalog.load import ALL, load
from tools.catalog.model import Version
from tools.testing.checkout import Checkout, scratch

VERSIONS = "catalog/versions.yaml"
ROWS = "versions:\n"
LABEL = OTHER_MINOR
# No release of CPython has had so high a number.
PATCH = 99


def row(version: str) -> str:
    """A row of a release whose source nobody has."""
    return f"  - version: {version}\n    sha256: {'0' * 64}\n    released: 2026-12-01\n"


def patch(version: Version, number: int = PATCH) -> str:
    """Another patch release of the same minor version."""
    return f"{version.release.minor}.{number}"


@pytest.fixture(scope="module")
def checkout() -> Iterator[Checkout]:
    with scratch("new_release") as copy:
        yield copy


@pytest.fixture(scope="module")
def newest(checkout: Checkout) -> dict[str, Version]:
    """The newest release of each label, free-threaded builds left out."""
    sources = os.environ.get("PYTHON_IMAGES_SOURCES") or ALL
    found = load(Path(checkout.path, "catalog"), sources=sources).newest()
    return {label: one for label, one in found.items() if not one.release.free_threaded}


def test_a_further_row_gives_targets_and_takes_over_the_shorter_tags(
    checkout: Checkout, newest: dict[str, Version]
) -> None:
    added = patch(newest[LABEL])
    with checkout.changed(VERSIONS, ROWS, ROWS + row(added)):
        name = f"//images:{added}-slim-{OTHER_SUITE}_arm64"
        assert name in checkout.bazel("query", name).output
        for tag in (f"{LABEL}-slim-{OTHER_SUITE}_arm64", f"{LABEL}-slim-{OTHER_SUITE}_aarch64"):
            result = checkout.bazel("query", "--output=build", f"//images:{tag}")
            assert f'actual = "{name}"' in result.output, result.output
        kept = checkout.bazel("query", f"//images:{newest[LABEL].name}-slim-{OTHER_SUITE}_arm64")
        assert kept.status == 0, kept.output

        # A source that nobody has is named, with the flag that names another mirror.
        result = checkout.bazel("build", name)
        assert result.status != 0
        assert added in result.errors, result.output
        assert "PYTHON_MIRROR" in result.errors, result.output


def test_patch_releases_that_replace_all_of_today_break_no_package(
    checkout: Checkout, newest: dict[str, Version]
) -> None:
    file = checkout.path / VERSIONS
    before = file.read_text()
    text, found, rows = before.partition(f"\n{ROWS}")
    for one in newest.values():
        if not one.release.prerelease:
            # Today's source, since analysis fetches it.
            source = f"url: {one.url}, pool: {one.pool}, strip_prefix: {one.strip_prefix}"
            rows = rows.replace(
                f"version: {one.name}\n", f"version: {patch(one)}\n    source: {{{source}}}\n"
            )
    file.write_text(text + found + rows)
    try:
        for command in (("query", "--noshow_progress"), ("build", "--nobuild")):
            result = checkout.bazel(*command, "//...")
            assert result.status == 0, result.errors
        assert (
            f"//images:{patch(newest[LABEL])}-slim"
            in checkout.bazel("query", "//images:all").output
        )
    finally:
        file.write_text(before)
