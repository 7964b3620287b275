"""Loading into real engines: docker and containerd with daemons of their own, podman's store.

Each gets an image, then a second one that shares its lower layers, and is asked what it has.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

from tests.e2e.container_runtime import container_runtime, missing
from tests.e2e.daemons import containerd, containerd_missing, daemon
from tools.oci.assembler import image, layer
from tools.oci.assembler.layout import Layout
from tools.oci.load import engine as engines
from tools.oci.load.engines import ENGINES
from tools.oci.load.load_image import load


def tar(path: Path, name: str, size: int) -> None:
    with tarfile.open(path, "w", format=tarfile.GNU_FORMAT) as archive:
        info = tarfile.TarInfo(name)
        info.size = size
        archive.addfile(info, io.BytesIO(name[:1].encode() * size))


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two images: a base, and one that has a layer more."""
    folder = tmp_path_factory.mktemp("images")
    sources = []
    for name in ("lower", "upper", "application"):
        tar(folder / f"{name}.tar", name, 1 << 20)
        layer.write(folder / f"{name}.tar", folder / f"{name}.json")
        source = image.LayerSource(folder / f"{name}.tar", folder / f"{name}.json", name)
        sources.append(source)
    platform = {"os": "linux", "architecture": engines.machine()}
    for count in (2, 3):
        spec = image.ImageSpec(platform=platform, layers=sources[:count], cmd=["/none"])
        image.build(spec, folder / str(count))
    return [folder / "2", folder / "3"]


def check(
    name: str, images: list[Path], capfd: pytest.CaptureFixture[str], names: list[list[str]]
) -> None:
    """Load both images; the second one's lower layers must be left out, and it must be whole."""
    program = shutil.which(name)
    assert program
    engine = ENGINES[name](program)
    small, large = (Layout(path) for path in images)
    assert engine.known(large) == set()

    def build(_labels: list[str]) -> None:
        raise AssertionError("nothing is to be built")

    assert load(engine, small.path, "docker", names[0], build) == 0
    lower = {each.digest for each in engines.layers_of(small)}
    assert engine.known(large) == lower
    # The layers it is to have already are not even there.
    folder = large.path.parent / f"{name}-lean"
    shutil.copytree(large.path, folder)
    for digest in lower:
        (folder / "blobs" / digest.replace(":", "/")).unlink()
    capfd.readouterr()
    assert load(engine, folder, "docker", names[1], build) == 0
    assert "once more" not in capfd.readouterr().err
    every = {each.digest for each in engines.layers_of(large)}
    assert engine.known(large) == every


def test_docker(
    images: list[Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    if os.geteuid() or not shutil.which("dockerd") or not shutil.which("docker"):
        pytest.skip("SKIPPED: docker's daemon takes root and Debian's docker.io")
    socket = f"unix://{tmp_path}/socket"
    monkeypatch.setenv("DOCKER_HOST", socket)
    command = ["dockerd", f"--data-root={tmp_path}/data", f"--exec-root={tmp_path}/exec"]
    command += [f"--pidfile={tmp_path}/pid", f"--host={socket}", "--storage-driver=vfs"]
    command += ["--iptables=false", "--ip6tables=false", "--bridge=none"]
    with daemon(tmp_path, *command, ready=["docker", "version"]):
        check("docker", images, capfd, [["localhost/a:1"], ["localhost/b:1", "localhost/b:2"]])
        told = subprocess.run(
            ["docker", "image", "inspect", "localhost/b:2"], capture_output=True, check=True
        )
        (facts,) = json.loads(told.stdout)
        config = Layout(images[1]).image()[1]["config"]["digest"]
        assert facts["Id"] == config
        assert sorted(facts["RepoTags"]) == ["localhost/b:1", "localhost/b:2"]
        with (tmp_path / "saved").open("wb") as saved:
            subprocess.run(["docker", "save", "localhost/b:1"], stdout=saved, check=True)
    with tarfile.open(tmp_path / "saved") as archive:
        assert sum(member.size > 1 << 20 for member in archive) == 3


def test_podman(
    images: list[Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    if reason := missing():
        pytest.skip(f"SKIPPED: {reason}")
    with container_runtime(tmp_path) as runtime:
        monkeypatch.setenv("CONTAINERS_CONF", str(tmp_path / "containers.conf"))
        monkeypatch.setenv("CONTAINERS_STORAGE_CONF", str(tmp_path / "storage.conf"))
        check("podman", images, capfd, [["localhost/a:1"], ["localhost/b:1", "localhost/b:2"]])
        (facts,) = json.loads(runtime.call("podman", "image", "inspect", "localhost/b:2"))
        config = Layout(images[1]).image()[1]["config"]["digest"]
        assert facts["Id"] == config.removeprefix("sha256:")
        assert sorted(facts["RepoTags"]) == ["localhost/b:1", "localhost/b:2"]
        runtime.call("podman", "save", "--output", str(tmp_path / "saved"), "localhost/b:1")
    with tarfile.open(tmp_path / "saved") as archive:
        assert sum(member.size > 1 << 20 for member in archive) == 3


def test_containerd(
    images: list[Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    if why := containerd_missing():
        pytest.skip(f"SKIPPED: {why}")
    with containerd(tmp_path) as environment:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        check("ctr", images, capfd, [["localhost/a:1"], ["localhost/b:1", "localhost/b:2"]])
        ran = [
            subprocess.run(["ctr", "images", *words], capture_output=True, text=True, check=True)
            for words in (["ls"], ["check"])
        ]
        digest = Layout(images[1]).root()["digest"]
        named = [line.split() for line in ran[0].stdout.splitlines() if "localhost/b:" in line]
        assert [words[2] for words in named] == [digest, digest]
        whole = [line for line in ran[1].stdout.splitlines() if "localhost/b:" in line]
        assert all("complete (4/4)" in line and line.endswith("true") for line in whole), whole
