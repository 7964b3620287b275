"""Inputs are what changes an image: packages, CPython's row, the configuration."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from tools.catalog import fixture
from tools.catalog.family import Build
from tools.catalog.load import load
from tools.catalog.model import Catalog, Image
from tools.inputs.inputs import LOCKS, Inputs

LOCK = """\
suite trixie
arch amd64
snapshot 20261120T081110Z
adduser 3.152 all pool/main/a/adduser/adduser_3.152_all.deb {a} 12 base=dependency
gcc 14.2 amd64 pool/main/g/gcc/gcc_14.2_amd64.deb {b} 12 full=requested
libssl3t64 3.5.1 amd64 pool/main/o/openssl/libssl3t64_3.5.1_amd64.deb {c} 12 libraries=requested
netbase 6.5 all pool/main/n/netbase/netbase_6.5_all.deb {d} 12 slim=requested
""".format(**{name: name * 64 for name in "abcd"})


@pytest.fixture(name="root")
def _root(tmp_path: Path) -> Path:
    root = fixture.checkout(tmp_path)
    (root / LOCKS).mkdir(parents=True)
    (root / LOCKS / "trixie_amd64.lock").write_text(LOCK)
    return root


@pytest.fixture(name="catalog")
def _catalog(root: Path) -> Catalog:
    return load(root / "catalog")


def slim(catalog: Catalog) -> Image:
    """An image of the packages above."""
    return next(image for image in catalog.images() if image.name == "3.14.7-slim-trixie")


def after(root: Path, old: str, new: str) -> str | None:
    """The inputs once the lock has other text."""
    file = root / LOCKS / "trixie_amd64.lock"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))
    catalog = load(root / "catalog")
    return Inputs(root, catalog).of(slim(catalog), "amd64")


@pytest.mark.parametrize(
    ("old", "new", "same"),
    [
        ("netbase 6.5", "netbase 6.6", False),
        ("d" * 64, "e" * 64, False),
        ("libssl3t64 3.5.1", "libssl3t64 3.5.2", False),
        # What isn't in the image, and where the same bytes are fetched from.
        ("gcc 14.2", "gcc 14.3", True),
        ("20261120T", "20261127T", True),
        ("pool/main/n", "security:pool/main/n", True),
    ],
)
def test_a_package_counts_where_the_image_has_it(
    root: Path, catalog: Catalog, old: str, new: str, same: bool
) -> None:
    before = Inputs(root, catalog).of(slim(catalog), "amd64")
    assert before is not None
    assert (after(root, old, new) == before) is same


def test_cpythons_row_and_the_configuration_count(root: Path, catalog: Catalog) -> None:
    inputs, image = Inputs(root, catalog), slim(catalog)
    other = dataclasses.replace(image.version, sha256="f" * 64)
    family = Build("slim", {"LANG": "C.UTF-8"}, ("python",), ())
    made = {
        inputs.of(image, "amd64"),
        inputs.of(dataclasses.replace(image, version=other), "amd64"),
        inputs.of(image, "amd64", family),
        inputs.of(image, "amd64", dataclasses.replace(family, cmd=("python3",))),
    }
    assert len(made) == 4
    # Tags and the sample don't.
    assert inputs.of(dataclasses.replace(image, tags=(), sample=()), "amd64") in made


def test_what_is_not_locked_has_none(root: Path, catalog: Catalog) -> None:
    assert Inputs(root, catalog).of(slim(catalog), "arm64") is None
