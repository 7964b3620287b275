"""What the tests of pushing share: an image to push, a client, a login."""

from __future__ import annotations

import base64
import json
import shutil
from pathlib import Path

from tools.oci.assembler import image, index, layer
from tools.oci.registry.client import Client
from tools.oci.registry.fake_registry import PASSWORD, USER
from tools.oci.registry.reference import Repository
from tools.oci.registry.transport import Transport

LAYER_SIZE = 3_000_000


def make_layout(
    folder: Path, seed: int = 0, *, outline: bool = False, size: int = LAYER_SIZE
) -> Path:
    """Make an index of two images that share a layer (tars by their end, which comes first).

    With `outline` there is `bazel-out` beside it, with the layers and `index.outline`.
    """
    for number, name in enumerate(("common", "amd64", "arm64")):
        data = bytes(1024) + bytes([seed, number]) * max(1, (size - 1024) // 2)
        (folder / f"{name}.tar").write_bytes(data)
        layer.write(folder / f"{name}.tar", folder / f"{name}.json")
    _make_index(folder, folder, folder / "index", outline=False)
    if outline:
        out = folder / "bazel-out"
        out.mkdir()
        for name in ("common", "amd64", "arm64"):
            shutil.copy(folder / f"{name}.tar", out)
        _make_index(folder, Path("bazel-out"), out / "index.outline", outline=True)
    return folder / "index"


def _make_index(facts: Path, blobs: Path, out: Path, *, outline: bool) -> None:
    images = []
    for name in ("amd64", "arm64"):
        spec = image.ImageSpec(
            platform={"architecture": name, "os": "linux"},
            layers=[
                image.LayerSource(blobs / f"{part}.tar", facts / f"{part}.json", part, f"//:{part}")
                for part in ("common", name)
            ],
        )
        images.append(out.parent / f"image_{name}")
        image.build(spec, images[-1], outline=outline)
    index.build(images, {}, out, outline=outline)


def client_of(
    host: str,
    path: str = "team/app",
    environment: dict[str, str] | None = None,
) -> Client:
    """Return a connected client that doesn't wait between attempts."""
    transport = Transport(
        Repository(host, path),
        environment=environment or {},
        sleep=lambda _seconds: None,
    )
    transport.connect()
    return Client(transport)


def login(folder: Path, host: str, password: str = PASSWORD) -> dict[str, str]:
    """Write a docker config; return the environment that names it to docker's and podman's tools.

    podman's, such as skopeo, would look into a folder below /run first, and fail if they may not.
    """
    auth = base64.b64encode(f"{USER}:{password}".encode()).decode()
    (folder / "config.json").write_text(json.dumps({"auths": {host: {"auth": auth}}}))
    return {"DOCKER_CONFIG": str(folder), "REGISTRY_AUTH_FILE": str(folder / "config.json")}
