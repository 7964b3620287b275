"""Layers of an outline: taken from where they are, or built, and only where they are wanted."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.oci.assembler import image, index, layer, layers
from tools.oci.assembler.layout import Layout
from tools.oci.assembler.spec import OciError


def outline(root: Path) -> tuple[Layout, Layout]:
    """An image of two layers in a folder like Bazel's: (whole, outline)."""
    out = root / "bazel-out/bin"
    out.mkdir(parents=True)
    layer_sources = []
    for name in ("a", "b"):
        (out / f"{name}.tar").write_bytes(bytes(1024) + name.encode() * 1000)
        layer.write(out / f"{name}.tar", out / f"{name}.json")
        path = Path(f"bazel-out/bin/{name}.tar")
        layer_sources.append(image.LayerSource(path, out / f"{name}.json", name, f"//:{name}"))
    absolute = [
        image.LayerSource(root / source.blob, source.facts, source.created_by)
        for source in layer_sources
    ]
    platform = {"os": "linux", "architecture": "amd64"}
    whole = image.build(image.ImageSpec(platform=platform, layers=absolute), out / "whole")
    spec = image.ImageSpec(platform=platform, layers=layer_sources)
    assert image.build(spec, out / "image", outline=True) == whole
    return Layout(out / "whole"), Layout(out / "image")


def sizes(layout: Layout) -> dict[str, int]:
    _, manifest = layout.image()
    return {blob["digest"]: blob["size"] for blob in (manifest["config"], *manifest["layers"])}


def nothing(labels: list[str]) -> None:
    raise AssertionError(f"built: {labels}")


def test_an_outline_has_no_layers(tmp_path: Path) -> None:
    whole, lean = outline(tmp_path)
    blobs = {path.name for path in (lean.path / "blobs/sha256").iterdir()}
    _, manifest = whole.image()
    missing = {blob["digest"].removeprefix("sha256:") for blob in manifest["layers"]}
    every = {path.name for path in (whole.path / "blobs/sha256").iterdir()}
    assert blobs == every - missing
    assert lean.image() == whole.image()


def test_what_is_there_is_taken_from_there(tmp_path: Path) -> None:
    whole, lean = outline(tmp_path)
    found = layers.locate([lean], sizes(lean), nothing)
    for digest, path in found.items():
        assert path.read_bytes() == whole.blob(digest).read_bytes()


def test_only_what_is_wanted_and_missing_is_built(tmp_path: Path) -> None:
    _, lean = outline(tmp_path)
    _, manifest = lean.image()
    files = {name: tmp_path / f"bazel-out/bin/{name}.tar" for name in ("a", "b")}
    content = {name: file.read_bytes() for name, file in files.items()}
    files["a"].unlink()
    # The size is right, the content that of another build.
    files["b"].write_bytes(b"x" * 1000)
    built: list[list[str]] = []

    def build(labels: list[str]) -> None:
        built.append(labels)
        for label in labels:
            files[label[3:]].write_bytes(content[label[3:]])

    upper = {manifest["layers"][1]["digest"]: 2024}
    layers.locate([lean], upper, build)
    assert built == [["//:b"]]
    layers.locate([lean], sizes(lean), build)
    assert built == [["//:b"], ["//:a"]]


def test_a_build_that_gives_another_layer(tmp_path: Path) -> None:
    _, lean = outline(tmp_path)
    (tmp_path / "bazel-out/bin/a.tar").unlink()
    with pytest.raises(OciError, match=r"a.tar: not the layer sha256:.*other flags"):
        layers.locate([lean], sizes(lean), lambda _labels: None)


def test_an_index_of_outlines(tmp_path: Path) -> None:
    whole, lean = outline(tmp_path)
    folder = tmp_path / "bazel-out"
    digest = index.build([whole.path], {}, folder / "whole")
    assert index.build([lean.path], {}, folder / "lean", outline=True) == digest
    assert (
        layers.locate([Layout(folder / "lean")], sizes(whole), nothing).keys()
        == sizes(whole).keys()
    )
    with pytest.raises(OciError, match=r"doesn't say where layer .* is built"):
        index.build([whole.path], {}, folder / "mixed", outline=True)


def test_an_outline_by_itself(tmp_path: Path) -> None:
    _, lean = outline(tmp_path)
    away = lean.path.rename(tmp_path / "away")
    with pytest.raises(OciError, match="only where Bazel has built it"):
        layers.locate([Layout(away)], sizes(Layout(away)), nothing)
    with pytest.raises(OciError, match="sha256:0: the blob is referred to but missing"):
        layers.locate([Layout(away)], {"sha256:0": 1}, nothing)


def bazelw(folder: Path, script: str) -> dict[str, str]:
    (folder / "bazelw").write_text(f"#!/bin/sh\n{script}\n")
    (folder / "bazelw").chmod(0o755)
    return {"BUILD_WORKSPACE_DIRECTORY": str(folder)}


def test_bazel_is_called_in_the_workspace(tmp_path: Path) -> None:
    environment = bazelw(tmp_path, 'echo "$PWD $@" >words')
    layers.builder(None, environment)(["//:a", "//:b"])
    words = f"{tmp_path} build --remote_download_outputs=toplevel -- //:a //:b\n"
    assert (tmp_path / "words").read_text() == words
    layers.builder(["./bazelw", "--bazelrc=x"], environment)(["//:a"])
    assert " --bazelrc=x build " in (tmp_path / "words").read_text()


def test_bazel_fails(tmp_path: Path) -> None:
    with pytest.raises(OciError, match=r"bazelw build .* //:a: exit status 3"):
        layers.builder(None, bazelw(tmp_path, "exit 3"))(["//:a"])
    with pytest.raises(OciError, match="name your Bazel in --bazel"):
        layers.builder(["/no/bazel"], bazelw(tmp_path, ""))(["//:a"])
    with pytest.raises(OciError, match="start this program with `bazel run`"):
        layers.builder(None, {})(["//:a"])
