"""Nothing is made twice: read off the action graph of the sample's images, without building them.

An action graph needs all packages, which for the whole matrix are many gigabytes; targets_test.py
counts there, by the targets that stand for these actions.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.roles import OTHER_MINOR, OTHER_SUITE
from tools.testing.checkout import Checkout, scratch

IMAGES = "//images:matrix_sample"


@pytest.fixture(scope="module")
def checkout() -> Iterator[Checkout]:
    with scratch("sharing") as copy:
        yield copy


def catalog(checkout: Checkout) -> dict[str, Any]:
    """Return the exported catalog the graph is made from."""
    (file,) = (checkout.output_base / "external").glob("*[~+]catalog/catalog.json")
    exported: dict[str, Any] = json.loads(file.read_text())
    return exported


def actions(checkout: Checkout, mnemonic: str, targets: str) -> list[str]:
    """Return the labels of the targets that own the actions of a mnemonic below `targets`."""
    # To a file: between the lines Bazel prints it may well say that it is still loading packages.
    file = checkout.output_base / "actions.json"
    result = checkout.bazel(
        "aquery",
        f'mnemonic("^{mnemonic}$", deps({targets}))',
        "--output=jsonproto",
        f"--output_file={file}",
    )
    assert result.status == 0, result.errors
    graph = json.loads(file.read_text())
    labels = {target["id"]: target["label"] for target in graph.get("targets", [])}
    return [labels[action["targetId"]] for action in graph.get("actions", [])]


def builds(checkout: Checkout) -> list[tuple[str, str, str]]:
    """Return version, suite and platform of each of IMAGES."""
    exported = catalog(checkout)
    return [
        (image["version"], image["suite"], platform)
        for image in exported["images"]
        for platform in image["sample"]
    ]


def test_one_compile_for_each_version_suite_and_platform(checkout: Checkout) -> None:
    compiles = actions(checkout, "CompileCPython", IMAGES)
    assert len(compiles) == len(set(builds(checkout)))
    assert max(Counter(compiles).values()) == 1


def test_no_layer_is_computed_twice(checkout: Checkout) -> None:
    for mnemonic in ("DebianLayer", "LayerBlob", "StripCPython", "LinkCPython"):
        layers = actions(checkout, mnemonic, IMAGES)
        assert layers
        assert max(Counter(layers).values()) == 1, mnemonic


def test_another_family_compiles_nothing_more(checkout: Checkout) -> None:
    for mnemonic in ("CompileCPython", "StripCPython", "DebianLayer", "LayerBlob"):
        official = actions(checkout, mnemonic, f"//images:{OTHER_MINOR}-slim-{OTHER_SUITE}_amd64")
        assert official
        assert (
            actions(checkout, mnemonic, f"//images/infra7:{OTHER_MINOR}-{OTHER_SUITE}_x86")
            == official
        )


def test_another_tag_or_packaging_compiles_nothing_more(checkout: Checkout) -> None:
    one = actions(checkout, "CompileCPython", f"//images:{OTHER_MINOR}-slim-{OTHER_SUITE}_arm64")
    assert len(one) == 1
    for other in (
        f"//images:{os.environ['RELEASE']}-slim-{OTHER_SUITE}_arm64",
        f"//images:{OTHER_MINOR}-slim-{OTHER_SUITE}_arm64v8",
        f"//images:{OTHER_MINOR}-slim-{OTHER_SUITE}_arm64.tar",
    ):
        assert actions(checkout, "CompileCPython", other) == one
