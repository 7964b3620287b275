"""A new patch release of Python is one row of the catalog, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tools.testing.checkout import Checkout, scratch

ROWS = "versions:\n"
ROW = f"""\
  - version: 3.13.99
    sha256: {"0" * 64}
    released: 2026-12-01
"""


@pytest.fixture(scope="module")
def checkout() -> Iterator[Checkout]:
    with scratch("new_release") as copy, copy.changed("catalog/versions.yaml", ROWS, ROWS + ROW):
        yield copy


def test_the_row_gives_targets_and_takes_over_the_shorter_tags(checkout: Checkout) -> None:
    name = "//images:3.13.99-slim-bookworm_arm64"
    assert name in checkout.bazel("query", name).output
    for tag in ("3.13-slim-bookworm_arm64", "3.13-slim-bookworm_aarch64"):
        result = checkout.bazel("query", "--output=build", f"//images:{tag}")
        assert f'actual = "{name}"' in result.output, result.output
    kept = checkout.bazel("query", "//images:3.13.15-slim-bookworm_arm64")
    assert kept.status == 0, kept.output


def test_a_source_nobody_has_is_named_with_its_version_and_the_flag(checkout: Checkout) -> None:
    result = checkout.bazel("build", "//images:3.13.99-slim-bookworm_arm64")
    assert result.status != 0
    assert "3.13.99" in result.errors, result.output
    assert "PYTHON_MIRROR" in result.errors, result.output
