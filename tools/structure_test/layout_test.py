"""Tests of layout.py."""

import json
from pathlib import Path

import pytest

from tools.structure_test.layout import LayoutError, open_layer, read_image
from tools.structure_test.testing import add_image, layer, member, put, write_index


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
