"""The program a `publish` target makes, run as it is against a fake registry."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from tools.oci.assembler.layout import Layout
from tools.oci.registry.fake_registry import FakeRegistry

HERE = Path("python_images/tests/oci")


def test_publish() -> None:
    with FakeRegistry() as registry:
        # The plan has outlines: layers that the registry has are not even runfiles.
        for _, manifest in Layout(HERE / "tiny").images():
            for blob in manifest["layers"]:
                registry.blobs[blob["digest"]] = (
                    Layout(HERE / "tiny").blob(blob["digest"]).read_bytes()
                )
        words = [f"{HERE}/publish", f"--plan={HERE}/publish.plan.json", "-r", f"{registry.host}/t"]
        subprocess.run(words, check=True)
        assert {"1", "latest", "1-amd64"} < set(registry.manifests)
        index = json.loads((HERE / "tiny/index.json").read_text())["manifests"][0]["digest"]
        assert registry.manifests["latest"] == registry.manifests[index]
