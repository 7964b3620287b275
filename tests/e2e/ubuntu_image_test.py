"""An image of infra7's family on Ubuntu, without Ubuntu: locked, compiled, and run.

The mirror is that of ubuntu_test.py, of Debian's packages; as no script is edited, the reviews of
Debian's hold. So what is proved is all that is the project's own, on the way from a lock to an
image, but no package of Ubuntu's.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest

from tests.e2e.roles import MINOR
from tests.e2e.ubuntu_checkout import ARCHS, lock_suite, served, unlocked
from tools.testing.checkout import Checkout

IMAGE = f"//images/infra7:{MINOR}-noble"


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    """The mirror serves as long as packages may be fetched."""
    with (
        served(tmp_path_factory.mktemp("ubuntu"), {}) as mirror,
        unlocked("ubuntu_image") as checkout,
    ):
        lock_suite(checkout, mirror)
        yield checkout


@pytest.mark.parametrize("arch", ARCHS)
def test_an_image_of_one_platform_runs(locked: Checkout, arch: str) -> None:
    done = locked.bazel("test", f"{IMAGE}_{arch}.test", "--test_output=all")
    assert done.status == 0, done.output
    summary = re.search(
        rf"^//images/infra7:\S+-noble_{arch}\.test: (\d+) passed, 0 failed, (\d+) skipped$",
        done.output,
        re.MULTILINE,
    )
    assert summary, done.output
    assert int(summary[1]) > 60
    assert summary[2] == "0"


def test_the_index_has_both(locked: Checkout) -> None:
    done = locked.bazel("build", IMAGE, f"{IMAGE}.sbom")
    assert done.status == 0, done.output
    (layout,) = locked.output(IMAGE)
    (entry,) = json.loads((layout / "index.json").read_text())["manifests"]
    algorithm, _, digest = entry["digest"].partition(":")
    index = json.loads((layout / "blobs" / algorithm / digest).read_text())
    assert [one["platform"]["architecture"] for one in index["manifests"]] == list(ARCHS)
    bills = [file.read_text() for file in locked.output(f"{IMAGE}.sbom") if "cdx" in file.name]
    assert len(bills) == len(ARCHS)
    for bill in bills:
        assert "pkg:deb/ubuntu/libssl3t64@" in bill
        assert "pkg:deb/debian/" not in bill
