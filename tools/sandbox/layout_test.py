"""Tests of layout.py."""

import contextlib
import json
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.sandbox.layout import LayoutError, open_layer, open_layers, read_image
from tools.sandbox.testing import add_image, layer, member, put, write_index


def two_platforms(layout: Path) -> Path:
    raw = layer(member("etc"))
    images = [add_image(layout, [raw], {}, arch) for arch in ("amd64", "arm64")]
    index = {"schemaVersion": 2, "manifests": images}
    return write_index(layout, [put(layout, json.dumps(index).encode(), "index.v1+json")])


def test_finds_the_only_image(tmp_path: Path) -> None:
    raw = layer(member("etc/hello", b"hi"))
    write_index(tmp_path, [add_image(tmp_path, [raw], {"Cmd": ["x"]})])
    image = read_image(tmp_path)
    assert image.config["config"] == {"Cmd": ["x"]}
    assert image.platform == "linux/amd64"
    with open_layer(*image.layers[0]) as stream:
        assert stream.read() == raw


@pytest.mark.parametrize("platform", ["linux/arm64", "linux/arm64/v8"])
def test_follows_an_index_to_the_platform(tmp_path: Path, platform: str) -> None:
    assert read_image(two_platforms(tmp_path), platform).platform == "linux/arm64"


def test_says_which_platforms_there_are(tmp_path: Path) -> None:
    layout = two_platforms(tmp_path)
    with pytest.raises(LayoutError, match=r"0 images .*s390x.*linux/amd64, linux/arm64"):
        read_image(layout, "linux/s390x")
    with pytest.raises(LayoutError, match="2 images"):
        read_image(layout)


def test_refuses_a_changed_blob(tmp_path: Path) -> None:
    write_index(tmp_path, [add_image(tmp_path, [layer(member("etc"))], {})])
    blob, _ = read_image(tmp_path).layers[0]
    data = bytearray(blob.read_bytes())
    data[20] ^= 1
    blob.write_bytes(data)
    with pytest.raises(LayoutError, match="its sha256 is"):
        read_image(tmp_path)


def test_refuses_a_missing_blob_and_a_strange_digest(tmp_path: Path) -> None:
    descriptor = add_image(tmp_path, [], {})
    write_index(tmp_path, [{**descriptor, "digest": "sha256:" + "0" * 64}])
    with pytest.raises(LayoutError, match="No such file"):
        read_image(tmp_path)
    write_index(tmp_path, [{**descriptor, "digest": "sha256:../../../etc/passwd"}])
    with pytest.raises(LayoutError, match="not a sha256 digest"):
        read_image(tmp_path)


def test_refuses_what_is_no_layout(tmp_path: Path) -> None:
    with pytest.raises(LayoutError, match=r"index\.json"):
        read_image(tmp_path)


def nested(layout: Path, depth: int) -> Path:
    """An image in `depth` indexes, besides the layout's own."""
    descriptor = add_image(layout, [layer(member("etc"))], {})
    for _ in range(depth):
        index = {"schemaVersion": 2, "manifests": [descriptor]}
        descriptor = put(layout, json.dumps(index).encode(), "index.v1+json")
    return write_index(layout, [descriptor])


def test_nested_indexes_have_a_limit(tmp_path: Path) -> None:
    assert read_image(nested(tmp_path, 4)).platform == "linux/amd64"
    with pytest.raises(LayoutError, match="more than 4 indexes in one another"):
        read_image(nested(tmp_path, 5))


def test_indexes_that_multiply_have_a_limit(tmp_path: Path) -> None:
    descriptor = put(tmp_path, b'{"manifests": []}', "index.v1+json")
    for _ in range(3):
        index = {"schemaVersion": 2, "manifests": [descriptor] * 100}
        descriptor = put(tmp_path, json.dumps(index).encode(), "index.v1+json")
    write_index(tmp_path, [descriptor])
    with pytest.raises(LayoutError, match="more than 1000 manifests"):
        read_image(tmp_path)


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"\xff\xfe",
        b"7",
        b"[]",
        b"{}",
        b"[" * 100_000,
        b'{"manifests": 7}',
        b'{"manifests": [7]}',
        b'{"manifests": [{}]}',
        b'{"manifests": [{"digest": 7}]}',
        b'{"manifests": [{"digest": "sha256:%s"}]}' % (b"\xd9\xa3" * 64),
        b'{"manifests": [{"platform": 7}]}',
        b'{"manifests": [{"platform": {"os": 7}}]}',
        b" " * (5 << 20),
    ],
    ids=lambda document: ascii(document[:30]),
)
def test_a_strange_index_is_one_error(tmp_path: Path, document: bytes) -> None:
    (tmp_path / "index.json").write_bytes(document)
    with pytest.raises(LayoutError):
        read_image(tmp_path, "linux/amd64")


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)


@settings(max_examples=300, derandomize=True, deadline=None)
@given(kind=st.sampled_from(["manifest", "config"]), path=st.integers(0, 9), value=VALUES)
def test_strange_documents_are_one_error(kind: str, path: int, value: object) -> None:
    """Some member of an image's documents is something else than it has to be."""
    with tempfile.TemporaryDirectory() as folder:
        layout = Path(folder)
        config: dict[str, Any] = {"os": "linux", "architecture": "amd64", "config": {}}
        if kind == "config":
            config[["os", "architecture", "variant", "config"][path % 4]] = value
        manifest: dict[str, Any] = {
            "schemaVersion": 2,
            "config": put(layout, json.dumps(config).encode(), "config.v1+json"),
            "layers": [put(layout, layer(member("etc")), "layer.v1.tar")],
        }
        if kind == "manifest":
            member_name = ["config", "layers"][path % 2]
            if path < 4:
                manifest[member_name] = value
            else:
                descriptor = manifest["layers"][0] if path % 2 else manifest["config"]
                descriptor[["digest", "size", "mediaType"][path % 3]] = value
        write_index(layout, [put(layout, json.dumps(manifest).encode(), "manifest.v1+json")])
        with contextlib.suppress(LayoutError), ExitStack() as stack:
            open_layers(read_image(layout), stack)


@pytest.mark.parametrize("damaged", [b"\x1f\x8b", b"\x1f\x8bx", b"\x28\xb5\x2f\xfd"])
def test_a_damaged_layer_is_one_error(tmp_path: Path, damaged: bytes) -> None:
    manifest = {
        "config": put(tmp_path, b'{"os": "linux", "architecture": "amd64"}', "config.v1+json"),
        "layers": [put(tmp_path, damaged, "layer.v1.tar+gzip")],
    }
    write_index(tmp_path, [put(tmp_path, json.dumps(manifest).encode(), "manifest.v1+json")])
    with ExitStack() as stack, pytest.raises(LayoutError):
        open_layers(read_image(tmp_path), stack)
