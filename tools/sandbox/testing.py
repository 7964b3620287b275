"""Small OCI layouts and layers for tests, and a program to put into containers."""

import gzip
import hashlib
import io
import json
import os
import tarfile
from pathlib import Path
from typing import Any

import pytest

from tools.sandbox import user_namespace

_LINKER = "lib/ld-linux-x86-64.so.2"


def _has_namespaces() -> bool:
    """Whether this machine lets us have a user namespace (tried in a child process)."""
    pid = os.fork()
    if not pid:
        try:
            user_namespace.enter(user_namespace.owner())
        except OSError:
            os._exit(1)
        os._exit(0)
    return os.waitpid(pid, 0)[1] == 0


needs_namespaces = pytest.mark.skipif(
    not _has_namespaces(), reason="SKIPPED: no user namespaces here"
)


def interpreter() -> Path:
    """The folder of the tool interpreter, which runs in any place: the tests' own Python."""
    folder = Path(os.__file__).resolve().parents[2]
    assert (folder / _LINKER).exists(), f"{folder}: these tests take the tool interpreter"
    return folder


def python(code: str) -> list[str]:
    """The command that runs `code` where `interpreter()` is mounted on /python.

    container-structure-test takes `$` for a variable, so the code can't have any.
    """
    assert "$" not in code
    start = [f"/python/{_LINKER}", "--inhibit-cache", "--argv0", "/python/bin/python3"]
    return [*start, "--library-path", "/python/lib", "/python/libexec/python", "-ISc", code]


def member(name: str, content: bytes | None = None, **fields: Any) -> tuple[tarfile.TarInfo, bytes]:
    """A layer's member: a file with `content`, else what `type` (default: directory) says."""
    info = tarfile.TarInfo(name)
    info.type = tarfile.REGTYPE if content is not None else tarfile.DIRTYPE
    info.mode = 0o644 if content is not None else 0o755
    info.size = len(content or b"")
    for field, value in fields.items():
        setattr(info, field, value)
    return info, content or b""


def link(name: str, target: str, *, hard: bool = False) -> tuple[tarfile.TarInfo, bytes]:
    """A symbolic (or hard) link."""
    kind = tarfile.LNKTYPE if hard else tarfile.SYMTYPE
    return member(name, type=kind, linkname=target, mode=0o777)


def layer(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    """An uncompressed layer."""
    answer = io.BytesIO()
    with tarfile.open(fileobj=answer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for info, content in members:
            archive.addfile(info, io.BytesIO(content))
    return answer.getvalue()


def put(layout: Path, content: bytes, kind: str, **more: Any) -> dict[str, Any]:
    """Write a blob; its descriptor."""
    digest = hashlib.sha256(content).hexdigest()
    blob = layout / "blobs/sha256" / digest
    blob.parent.mkdir(parents=True, exist_ok=True)
    blob.write_bytes(content)
    media_type = f"application/vnd.oci.image.{kind}"
    return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(content), **more}


def add_image(
    layout: Path, layers: list[bytes], config: dict[str, Any], architecture: str = "amd64"
) -> dict[str, Any]:
    """Write an image's blobs; the manifest's descriptor."""
    document = {"os": "linux", "architecture": architecture, "config": config}
    manifest = {
        "schemaVersion": 2,
        "config": put(layout, json.dumps(document).encode(), "config.v1+json"),
        "layers": [put(layout, gzip.compress(raw), "layer.v1.tar+gzip") for raw in layers],
    }
    return put(
        layout,
        json.dumps(manifest).encode(),
        "manifest.v1+json",
        platform={"os": "linux", "architecture": architecture},
    )


def write_index(layout: Path, manifests: list[dict[str, Any]]) -> Path:
    """Write index.json; the layout."""
    (layout / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": manifests}))
    return layout
