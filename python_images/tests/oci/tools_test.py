"""The tools people have (skopeo, umoci, crane) take our layouts and archives for what they are."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path("python_images/tests/oci")
INDEX, IMAGE, ARCHIVE = HERE / "tiny", HERE / "tiny_arm64", HERE / "tiny_arm64.tar"


def run(program: str, *arguments: object) -> str:
    """Return the program's output; skip the test where the machine hasn't it."""
    if not shutil.which(program):
        pytest.skip(f"SKIPPED: {program} is not installed here")
    words = [program, *map(str, arguments)]
    scratch = os.environ.get("TEST_TMPDIR", "/tmp")
    result = subprocess.run(
        words,
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": os.environ["PATH"], "HOME": scratch, "TMPDIR": scratch},
    )
    assert result.returncode == 0, f"{words}: {result.stderr}"
    return result.stdout


def digest(layout: Path) -> str:
    """Return the digest of the layout's only image or index."""
    found: str = json.loads((layout / "index.json").read_text())["manifests"][0]["digest"]
    return found


def test_skopeo_inspects_the_image() -> None:
    told = json.loads(run("skopeo", "inspect", f"oci:{IMAGE}"))
    assert told["Digest"] == digest(IMAGE)
    assert (told["Os"], told["Architecture"]) == ("linux", "arm64")
    assert told["Env"] == ["PATH=/usr/local/bin:/usr/bin", "LANG=C.UTF-8"]
    config = json.loads(run("skopeo", "inspect", "--config", f"oci:{IMAGE}"))
    assert config["config"]["Cmd"] == ["python3"]
    assert config["created"] == "2026-01-02T03:04:05Z"


@pytest.mark.parametrize(("architecture", "variant"), [("amd64", ""), ("arm64", "v8")])
def test_skopeo_chooses_the_platform(architecture: str, variant: str) -> None:
    choice = [f"--override-arch={architecture}", "--override-os=linux"]
    told = run("skopeo", *choice, "inspect", "--config", f"oci:{INDEX}")
    config = json.loads(told)
    assert (config["architecture"], config.get("variant", "")) == (architecture, variant)


def test_skopeo_copies_all_of_the_index(tmp_path: Path) -> None:
    run(
        *("skopeo", "--insecure-policy", "copy", "--all", "--preserve-digests"),
        *(f"oci:{INDEX}", f"oci:{tmp_path / 'copy'}:x"),
    )
    assert digest(tmp_path / "copy") == digest(INDEX)
    names = {path.name for path in (tmp_path / "copy/blobs/sha256").iterdir()}
    assert names == {path.name for path in (INDEX / "blobs/sha256").iterdir()}


def test_skopeo_reads_the_docker_archive(tmp_path: Path) -> None:
    told = json.loads(run("skopeo", "inspect", f"docker-archive:{ARCHIVE}:tiny:1"))
    assert told["Architecture"] == "arm64"
    assert len(told["Layers"]) == 2


def test_umoci_unpacks_the_image(tmp_path: Path) -> None:
    if not shutil.which("umoci"):
        pytest.skip("SKIPPED: umoci is not installed here")
    # umoci wants a tag, which a layout of rules_oci hasn't.
    run(
        *("skopeo", "--insecure-policy", "copy", "--preserve-digests"),
        *(f"oci:{IMAGE}", f"oci:{tmp_path / 'tagged'}:x"),
    )
    assert "bazel build" in run("umoci", "stat", "--image", f"{tmp_path / 'tagged'}:x")
    run("umoci", "unpack", "--rootless", "--image", f"{tmp_path / 'tagged'}:x", tmp_path / "out")
    assert (tmp_path / "out/rootfs/usr/bin/arch").read_text() == "aarch64"
    assert (tmp_path / "out/rootfs/etc/hostname").read_text() == "tiny"


def test_crane_validates_the_archive() -> None:
    assert "PASS" in run("crane", "validate", "--tarball", ARCHIVE)
