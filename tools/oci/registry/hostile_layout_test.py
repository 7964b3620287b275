"""Layouts that mean harm: nothing but blobs of the right digest leaves the machine."""

from __future__ import annotations

import copy
import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tools.oci.assembler.layout import Layout
from tools.oci.assembler.spec import OciError
from tools.oci.registry import push
from tools.oci.registry.fake_registry import FakeRegistry
from tools.oci.registry.push_fixtures import make_layout
from tools.oci.registry.reference import parse_repository

SECRET = b"a file of the machine's"
Change = Callable[[Any], None]


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_layout(tmp_path_factory.mktemp("images"), size=1000).parent / "image_amd64"


def digest(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


def changed(original: Path, folder: Path, change: Change) -> Path:
    """Copy a layout of one image, change its manifest, and make all the digests fit again."""
    layout = folder / "layout"
    shutil.copytree(original, layout)
    entry, manifest = Layout(layout).image()
    change(manifest)
    data = json.dumps(manifest).encode()
    (layout / "blobs/sha256" / digest(data)[7:]).write_bytes(data)
    entry |= {"digest": digest(data), "size": len(data)}
    (layout / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [entry]}))
    return layout


def refused(layout: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """Push; return what is said, having seen that nothing was stored but right blobs."""
    with FakeRegistry() as registry:
        arguments = ["--image", str(layout), "--repository", f"{registry.host}/app", "--tag", "1"]
        assert push.main(arguments) == 1
        assert not registry.manifests
        assert not any(SECRET in data for data in registry.uploads.values())
        assert all(digest(data) == name for name, data in registry.blobs.items())
    err = capsys.readouterr().err
    last = err.splitlines()[-1]
    assert last.startswith("push: ")
    assert last.isprintable()
    return last


DIGESTS = [
    "sha256:../../../secret",
    "sha256:../../../../../../../../etc/hostname",
    "sha256:" + "../" * 21 + "x",
    "../../secret:x",
    "sha256:",
    "",
    "sha256:" + "A" * 64,
    "sha256:" + "0" * 63,
    "sha256:" + "0" * 64 + "\n",
    "sha512:" + "0" * 128,
    "sha256:\x1b[2J",
    5,
    None,
    ["sha256"],
    {},
]


@pytest.mark.parametrize("name", DIGESTS, ids=str)
@pytest.mark.parametrize("at", ["config", "layer"])
def test_digests(
    original: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], at: str, name: Any
) -> None:
    (tmp_path / "secret").write_bytes(SECRET)

    def change(manifest: Any) -> None:
        entry = manifest["config"] if at == "config" else manifest["layers"][0]
        entry |= {"digest": name, "size": len(SECRET)}

    assert "digest" in refused(changed(original, tmp_path, change), capsys)


def test_a_link_to_a_file_of_the_machine(
    original: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "secret").write_bytes(SECRET)

    def change(manifest: Any) -> None:
        manifest["layers"][0] |= {"digest": "sha256:" + "0" * 64, "size": len(SECRET)}

    layout = changed(original, tmp_path, change)
    (layout / "blobs/sha256" / ("0" * 64)).symlink_to(tmp_path / "secret")
    assert "it is not sent" in refused(layout, capsys)


def test_a_blob_that_was_changed(
    original: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    layout = changed(original, tmp_path, lambda _manifest: None)
    _, manifest = Layout(layout).image()
    blob = Layout(layout).blob(manifest["layers"][0]["digest"])
    blob.chmod(0o644)
    blob.write_bytes(b"x" * manifest["layers"][0]["size"])
    assert "it is not sent" in refused(layout, capsys)


@pytest.mark.parametrize("size", [-1, 0, 1, 10**30, True, 1.5, "1000", None, [], {}])
def test_sizes(
    original: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], size: Any
) -> None:
    def change(manifest: Any) -> None:
        manifest["layers"][0]["size"] = size

    refused(changed(original, tmp_path, change), capsys)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=6,
)


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_one_error_whatever_a_manifest_says(
    original: Path, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Some part of a manifest or index becomes anything JSON can be."""

    def change(manifest: Any) -> None:
        at = manifest
        while True:
            keys = list(at) if isinstance(at, dict) else list(range(len(at)))
            key = data.draw(st.sampled_from(keys)) if keys else None
            if key is None:
                return
            if not isinstance(at[key], (dict, list)) or data.draw(st.booleans()):
                at[key] = data.draw(JSON)
                return
            at = at[key]

    folder = tmp_path_factory.mktemp("fuzz")
    try:
        images = Layout(changed(original, folder, change)).images()
        plan = [push.Image(Layout(folder / "layout"))]
        assert copy.deepcopy(images) == images
        push.mount_sources([], plan, parse_repository("registry.example/a"))
        push.plan_of(plan)
    except OciError as error:
        assert len(str(error)) < 2000
    finally:
        shutil.rmtree(folder)


@pytest.mark.parametrize(
    "content",
    [b"", b"[]", b"{}", b"[" * 100_000, b'{"manifests": 5}', b'{"manifests": [5]}', b"\xff"],
)
def test_indexes(
    original: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes
) -> None:
    layout = changed(original, tmp_path, lambda _manifest: None)
    (layout / "index.json").write_bytes(content)
    assert "index.json" in refused(layout, capsys)
