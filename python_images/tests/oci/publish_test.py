"""The program a `publish` target makes, run as it is against a fake registry."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

from tools.oci.assembler.layout import Layout
from tools.oci.publishing.fake_bazel import FakeBazel
from tools.oci.registry.fake_registry import FakeRegistry

HERE = Path("python_images/tests/oci").absolute()


def label(name: str) -> str:
    return f"@@//python_images/tests/oci:{name}"


def test_publish(tmp_path: Path) -> None:
    files = [str(HERE / "tiny" / name) for name in ("index.json", "oci-layout")]
    images = [label("tiny_amd64"), label("tiny_arm64")]
    bazel = FakeBazel(tmp_path, {label("tiny"): images}, {}, {label("tiny"): {"default": files}})
    environment = {
        **os.environ,
        "BUILD_WORKSPACE_DIRECTORY": str(tmp_path),
        "RUNFILES_DIR": os.environ["TEST_SRCDIR"],
    }
    with FakeRegistry() as registry:
        words = ["--bazel", str(bazel.path), "-r", f"{registry.host}/t", "--only", "latest"]
        subprocess.run([f"{HERE}/publish.sh", *words], env=environment, check=True)
        assert {"1", "latest"} < set(registry.manifests)
        index = Layout(HERE / "tiny").root()["digest"]
        assert registry.manifests["latest"] == registry.manifests[index]
    # Of the two that could have been.
    assert bazel.built() == [label("tiny")]


def test_it_is_called_as_people_type_it() -> None:
    environment = {**os.environ, "RUNFILES_DIR": os.environ["TEST_SRCDIR"]}
    done = subprocess.run(
        [f"{HERE}/publish.sh", "--help"],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("usage: ./bazelw run //python_images/tests/oci:publish -- [-h]")
    assert "--selection" not in done.stdout


def test_it_depends_on_no_image() -> None:
    listed = json.loads((HERE / "publish.selection.json").read_text())
    assert listed["images"] == [
        {"label": label("tiny"), "name": "tiny", "tags": ["1", "latest"]},
        {"label": label("tiny_amd64"), "name": "tiny_amd64", "tags": ["1-amd64"]},
    ]
