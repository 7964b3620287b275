"""Loading into engines, played by shell scripts that answer as the real ones do."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tools.oci.assembler import image, index, layer
from tools.oci.assembler.layout import Layout
from tools.oci.assembler.spec import Json, digest_of
from tools.oci.load import load_image

NAMES = ("common", "own")


def build(folder: Path, architecture: str) -> Path:
    """An image of two layers, the lower one the same for every architecture."""
    for name, content in zip(NAMES, (b"c", architecture.encode()), strict=True):
        # More than a pipe holds, so that an engine that doesn't read is noticed.
        (folder / f"{name}.tar").write_bytes(bytes(1024) + content * (1 << 20))
        layer.write(folder / f"{name}.tar", folder / f"{name}.json")
    sources = [image.LayerSource(folder / f"{n}.tar", folder / f"{n}.json", n) for n in NAMES]
    platform = {"os": "linux", "architecture": architecture}
    image.build(image.ImageSpec(platform=platform, layers=sources), folder / architecture)
    return folder / architecture


@pytest.fixture
def layout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "tags.txt").write_text("a/b:1\n")
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", f"{tmp_path}/bin")
    return build(tmp_path, "amd64")


@pytest.fixture
def whole_index(layout: Path) -> Path:
    images = [layout, build(layout.parent, "arm64")]
    index.build(images, {}, layout.parent / "index")
    return layout.parent / "index"


def program(folder: Path, name: str, script: str) -> Path:
    """A program that notes its words and what it is given, and does as the script says."""
    path = folder / "bin" / name
    text = f"""#!/bin/sh
PATH=/usr/bin:/bin
cd {folder}
echo {name} "$@" >>words
{script}
"""
    path.write_text(text)
    path.chmod(0o755)
    return path


def run(layout: Path, *more: str, form: str = "docker") -> int:
    tags = layout.parent / "tags.txt"
    return load_image.main([f"--image={layout}", f"--format={form}", f"--tags={tags}", *more])


def names(archive: Path) -> set[str]:
    with tarfile.open(fileobj=io.BytesIO(archive.read_bytes())) as tar:
        return {Path(name).name.removesuffix(".tar.gz") for name in tar.getnames()}


def words(layout: Path) -> list[str]:
    return (layout.parent / "words").read_text().splitlines()


def digests(layout: Path) -> list[str]:
    """The layers' digests, without the algorithm's name."""
    _, manifest = Layout(layout).image()
    return [blob["digest"].removeprefix("sha256:") for blob in manifest["layers"]]


def diff_ids(layout: Path) -> list[str]:
    _, manifest = Layout(layout).image()
    found: list[str] = Layout(layout).document(manifest["config"])["rootfs"]["diff_ids"]
    return found


def docker(layers: list[list[str]], store: str = "overlay2", load: str = "cat >archive") -> str:
    """docker with images of the layers given."""
    told = "\n".join(json.dumps(each) for each in layers)
    ids = " ".join(str(number) for number in range(len(layers)))
    return f"""case "$1 $2" in
    "info "*) echo '[["driver-type","{store}"]]' ;;
    "version "*) echo arm64 ;;
    "image ls") echo {ids} ;;
    "image inspect") echo '{told}' ;;
    load*) {load} ;;
esac"""


def test_docker_gets_what_it_lacks(layout: Path) -> None:
    program(layout.parent, "docker", docker([[*diff_ids(layout)[:1], "other"], ["another"]]))
    assert run(layout, "--quiet") == 0
    assert words(layout)[-1] == "docker load --quiet"
    common, own = digests(layout)
    found = names(layout.parent / "archive")
    assert own in found
    assert common not in found
    assert "manifest.json" in found


@pytest.mark.parametrize(
    ("layers", "store"),
    [
        ([], "overlay2"),
        # The same layer upon others is another to docker.
        ([["other", "COMMON"]], "overlay2"),
        ([["COMMON"]], "io.containerd.snapshotter.v1"),
    ],
)
def test_docker_gets_all(layout: Path, layers: list[list[str]], store: str) -> None:
    known = [[diff_ids(layout)[0] if d == "COMMON" else d for d in each] for each in layers]
    program(layout.parent, "docker", docker(known, store))
    assert run(layout) == 0
    assert set(digests(layout)) < names(layout.parent / "archive")


def test_docker_that_has_lost_a_layer_gets_all(layout: Path) -> None:
    load = "cat >archive; [ -e failed ] || { touch failed; exit 1; }"
    program(layout.parent, "docker", docker([diff_ids(layout)], load=load))
    assert run(layout) == 0
    assert set(digests(layout)) < names(layout.parent / "archive")


def test_docker_gets_its_own_image_of_an_index(whole_index: Path) -> None:
    program(whole_index.parent, "docker", docker([]))
    assert run(whole_index, form="oci") == 0
    found = names(whole_index.parent / "archive")
    assert set(digests(whole_index.parent / "arm64")) < found
    assert "manifest.json" in found
    program(whole_index.parent, "docker", docker([], "io.containerd.snapshotter.v1"))
    assert run(whole_index, form="oci") == 0
    assert "oci-layout" in names(whole_index.parent / "archive")


def podman(layers: list[list[str]], remote: str = "false") -> str:
    told = "\n".join(json.dumps(each) for each in layers)
    ids = " ".join(str(number) for number in range(len(layers)))
    return f"""case "$1 $2" in
    "info "*) echo {remote} arm64 ;;
    "image ls") echo {ids} ;;
    "image inspect") echo '{told}' ;;
    "load --quiet")
        cp -rL "$4" given
        echo "Loaded image: localhost$4:latest" ;;
    "load "*) cat >archive ;;
esac"""


def test_podman_gets_what_it_lacks(layout: Path, capfd: pytest.CaptureFixture[str]) -> None:
    # Wherever it has a layer, podman can use it.
    program(layout.parent, "podman", podman([["other", diff_ids(layout)[1]]]))
    (layout / "blobs/sha256" / digests(layout)[1]).unlink()
    assert run(layout) == 0
    assert capfd.readouterr().out == "Loaded image: a/b:1\n"
    common, own = digests(layout)
    blobs = {path.name for path in (layout.parent / "given/blobs/sha256").iterdir()}
    assert common in blobs
    assert own not in blobs
    config = Layout(layout).image()[1]["config"]["digest"].removeprefix("sha256:")
    tag, untag = words(layout)[-2:]
    assert tag == f"podman tag {config} a/b:1"
    assert untag.startswith(f"podman untag {config} localhost/tmp/load-")


def test_podman_is_not_asked_what_it_has_where_all_is_at_hand(layout: Path) -> None:
    program(layout.parent, "podman", podman([diff_ids(layout)]))
    assert run(layout) == 0
    assert [line.split()[1] for line in words(layout)] == ["info", "load", "tag", "untag"]
    blobs = {path.name for path in (layout.parent / "given/blobs/sha256").iterdir()}
    assert set(digests(layout)) < blobs


def test_podman_elsewhere_gets_an_archive(layout: Path) -> None:
    program(layout.parent, "podman", podman([diff_ids(layout)], remote="true"))
    assert run(layout) == 0
    assert set(digests(layout)) < names(layout.parent / "archive")


def test_podman_gets_its_own_image_of_an_index(whole_index: Path) -> None:
    program(whole_index.parent, "podman", podman([]))
    assert run(whole_index, form="oci") == 0
    given = Layout(whole_index.parent / "given")
    assert given.image()[1] == Layout(whole_index.parent / "arm64").image()[1]


def test_containerd_gets_what_it_lacks(whole_index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "aarch64")
    common, own = digests(whole_index.parent / "arm64")
    script = f"""case "$1 $2" in
    "content ls") echo sha256:{common} ;;
    "images import") cat >archive ;;
esac"""
    program(whole_index.parent, "ctr", script)
    assert run(whole_index, form="oci") == 0
    assert words(whole_index)[-1] == "ctr images import -"
    found = names(whole_index.parent / "archive")
    assert own in found
    assert found.isdisjoint({common, *digests(whole_index.parent / "amd64")})
    with tarfile.open(whole_index.parent / "archive") as tar:
        member = tar.extractfile("index.json")
        assert member
        annotations = json.load(member)["manifests"][0]["annotations"]
    assert annotations["io.containerd.image.name"] == "a/b:1"


def test_the_engine_asked_for(layout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    program(layout.parent, "docker", "exit 9")
    program(layout.parent, "nerdctl", "cat >archive")
    assert run(layout, "--engine=nerdctl") == 0
    assert words(layout) == ["nerdctl load"]
    assert run(layout, "--engine=podman") == 1
    assert capsys.readouterr().err == "load: podman is not on PATH\n"


def test_a_loader_of_ones_own(layout: Path) -> None:
    script = 'cat "$3" >archive'
    assert run(layout, f"--loader={program(layout.parent, 'mine', script)}") == 0
    assert words(layout)[0].startswith("mine load --input /dev/fd/")
    assert set(digests(layout)) < names(layout.parent / "archive")


@pytest.mark.parametrize(("script", "status"), [("exit 3", 3), ("exit 0", 1)])
def test_an_engine_that_gives_up(layout: Path, script: str, status: int) -> None:
    program(layout.parent, "nerdctl", script)
    assert run(layout) == status


def test_no_engine(layout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(layout) == 1
    assert "no container engine on PATH (looked for docker, podman" in capsys.readouterr().err


def test_a_layout_that_is_none(layout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    program(layout.parent, "nerdctl", "cat >archive")
    (layout / "index.json").unlink()
    assert run(layout) == 1
    assert "index.json: missing; the layout is incomplete" in capsys.readouterr().err


def rewritten(layout: Path, change: Callable[[Json], object]) -> None:
    """Change the document of a layout's root, and let its index name what has become of it."""
    entry = Layout(layout).root()
    document = Layout(layout).document(entry)
    change(document)
    data = json.dumps(document).encode()
    (layout / "blobs" / digest_of(data).replace(":", "/")).write_bytes(data)
    entry |= {"digest": digest_of(data), "size": len(data)}
    (layout / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [entry]}))


@pytest.mark.parametrize("platform", [None, [], {"architecture": 5}, {"architecture": None}])
def test_an_index_that_names_no_platform(
    whole_index: Path, capsys: pytest.CaptureFixture[str], platform: object
) -> None:
    program(whole_index.parent, "podman", "echo false arm64")

    def change(index: Json) -> None:
        for entry in index["manifests"]:
            entry["platform"] = platform

    rewritten(whole_index, change)
    assert run(whole_index, form="oci") == 1
    assert "has no image for arm64, only for" in capsys.readouterr().err


def test_a_configuration_of_other_layers(layout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    program(layout.parent, "docker", docker([["sha256:0"]]))
    rewritten(layout, lambda manifest: manifest["layers"].pop())
    assert run(layout) == 1
    assert "1 layers, but 2 rootfs.diff_ids" in capsys.readouterr().err


@pytest.mark.parametrize("told", ["not JSON", "5", "\\0377", '{"a": 1}'])
def test_an_engine_that_tells_nonsense_gets_all(layout: Path, told: str) -> None:
    script = docker([["sha256:0"]]).replace("echo '[\"sha256:0\"]'", f"printf '{told}'")
    assert told in script
    program(layout.parent, "docker", script)
    assert run(layout) == 0
    assert set(digests(layout)) < names(layout.parent / "archive")


def test_ctrl_c_is_one_line(layout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    # By then the pipe is full, and the signal interrupts writing to it.
    script = "head -c 1 >/dev/null; sleep 1; kill -INT $PPID; exec sleep 60"
    program(layout.parent, "nerdctl", script)
    assert run(layout) == 130
    assert capsys.readouterr().err == "load: interrupted; loading again begins anew\n"
