"""Pushing Windows images: the base's layers are mounted, never sent."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.cli.transfer import Transfer
from tools.oci.assembler import index
from tools.oci.assembler.layout import Layout
from tools.oci.registry import push
from tools.oci.registry.fake_registry import FakeRegistry
from tools.oci.registry.push_fixtures import client_of
from tools.oci.registry.reference import Repository
from tools.oci.registry.registry_error import RegistryError
from tools.windows.windows_fixtures import Base, digest, make_image


def blobs(base: Base) -> dict[str, bytes]:
    return {digest(blob): blob for blob in base.layers}


def pushed(registry: FakeRegistry, layout: Path, *mount_from: str) -> push.Summary:
    images = [push.Image(Layout(layout), ("3.14",))]
    target = Repository(registry.host, "team/app")
    options = push.Options(mount_from=push.mount_sources(mount_from, images, target))
    return push.push(client_of(registry.host), images, Transfer(), options)


def test_the_bases_layers_are_mounted(tmp_path: Path) -> None:
    with FakeRegistry() as registry:
        registry.others["windows/servercore"] = blobs(Base())
        summary = pushed(registry, make_image(tmp_path, Base()))
        assert sorted(summary.mounted) == sorted(blobs(Base()))
        # Our layer and the configuration.
        assert len(summary.blobs) == 2
        assert summary.tags == ["3.14"]
        assert registry.received == summary.sent


def test_from_a_mirrors_repository(tmp_path: Path) -> None:
    with FakeRegistry() as registry:
        registry.others["mirror/windows/servercore"] = blobs(Base())
        layout = make_image(tmp_path, Base())
        assert len(pushed(registry, layout, "mirror/windows/servercore").mounted) == 2


def test_a_registry_without_them(tmp_path: Path) -> None:
    with FakeRegistry() as registry:
        layout = make_image(tmp_path, Base())
        with pytest.raises(RegistryError, match=r"lacks layer .* of windows/servercore:ltsc2025"):
            pushed(registry, layout)
        assert registry.manifests == {}


def test_layers_with_urls_need_not_be_there(tmp_path: Path) -> None:
    with FakeRegistry() as registry:
        base = Base(foreign=True)
        # As real registries, the fake one lets such layers be.
        registry.elsewhere = set(blobs(base))
        summary = pushed(registry, make_image(tmp_path, base))
        assert (summary.mounted, len(summary.blobs), summary.tags) == ([], 2, ["3.14"])


def test_an_index_with_both_releases(tmp_path: Path) -> None:
    bases = [Base(), Base(os_version="10.0.20348.5499")]
    images = [
        make_image(tmp_path / release, base, release)
        for base, release in zip(bases, ("ltsc2025", "ltsc2022"), strict=True)
    ]
    index.build(images, {}, tmp_path / "index")
    with FakeRegistry() as registry:
        registry.others["windows/servercore"] = blobs(bases[0]) | blobs(bases[1])
        summary = pushed(registry, tmp_path / "index")
        assert len(summary.mounted) == 4
        # Python's layer once, two configurations.
        assert len(summary.blobs) == 3
        assert len(summary.manifests) == 3
        again = pushed(registry, tmp_path / "index")
        assert (again.blobs, again.mounted, again.tags) == ([], [], [])
