"""Every kind of damage to a layout is found and named."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tools.oci import validate

Json = dict[str, Any]


class Layouts:
    """Writes layouts of one image for two platforms, with one thing wrong in each."""

    def __init__(self, path: Path) -> None:
        self.path = path
        (path / "blobs/sha256").mkdir(parents=True)

    def blob(self, media_type: str, content: bytes | Json) -> Json:
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        digest = hashlib.sha256(data).hexdigest()
        (self.path / "blobs/sha256" / digest).write_bytes(data)
        return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(data)}

    def write(self, change: Callable[[str, Json], None], tar: bytes) -> None:
        """Build from the layers up; `change` may alter each document before it is stored."""
        layer = self.blob(validate.LAYER + "+gzip", gzip.compress(tar, mtime=0))
        entries = []
        for architecture in ("amd64", "s390x"):
            config: Json = {
                "created": "2026-01-02T03:04:05Z",
                "architecture": architecture,
                "os": "linux",
                "config": {"Env": ["PATH=/bin"], "Cmd": ["python3"]},
                "rootfs": {
                    "type": "layers",
                    "diff_ids": ["sha256:" + hashlib.sha256(tar).hexdigest()],
                },
                "history": [{"created": "2026-01-02T03:04:05Z", "created_by": "x"}],
            }
            change("config", config)
            manifest: Json = {
                "schemaVersion": 2,
                "mediaType": validate.MANIFEST,
                "config": self.blob(validate.CONFIG, config),
                "layers": [dict(layer)],
            }
            change("manifest", manifest)
            entry = self.blob(validate.MANIFEST, manifest)
            entries.append({**entry, "platform": {"architecture": architecture, "os": "linux"}})
        index: Json = {"schemaVersion": 2, "mediaType": validate.INDEX, "manifests": entries}
        change("index", index)
        root: Json = {"schemaVersion": 2, "manifests": [self.blob(validate.INDEX, index)]}
        change("root", root)
        (self.path / "index.json").write_text(json.dumps(root))
        (self.path / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')


def tar_of(*members: tuple[str, str]) -> bytes:
    """A tar of (name, "" or the hard link's target)."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for name, target in members:
            info = tarfile.TarInfo(name)
            info.linkname = target
            info.type = tarfile.LNKTYPE if target else tarfile.REGTYPE
            if name.endswith("etc"):
                info.type = tarfile.DIRTYPE
            tar.addfile(info)
    return out.getvalue()


TAR = tar_of(("./etc", ""), ("./etc/a", ""), ("./etc/b", "./etc/a"))


def unchanged(_kind: str, _document: Json) -> None:
    """Leave everything right."""


def test_a_right_layout(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Layouts(tmp_path / "x").write(unchanged, TAR)
    assert validate.main([str(tmp_path / "x")]) == 0
    assert capsys.readouterr().out.endswith("valid (linux/amd64, linux/s390x)\n")
    assert validate.main([str(tmp_path / "x"), "--platform=linux/amd64"]) == 1
    assert "not ['linux/amd64']" in capsys.readouterr().err


def test_blobs_left_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Layouts(tmp_path).write(unchanged, TAR)
    (tmp_path / "blobs/sha256/stray").touch()
    assert validate.main([str(tmp_path)]) == 0
    assert validate.main([str(tmp_path), "--exact"]) == 1
    assert "blobs/sha256/stray: nothing refers to this blob" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("part", "keys", "value", "problem"),
    [
        ("config", ["architecture"], "x86", "unknown architecture 'x86'"),
        ("config", ["variant"], "v7", "unknown variant 'v7'"),
        ("config", ["os"], None, "unknown os None"),
        ("config", ["created"], "2026-01-02", "bad created"),
        ("config", ["rootfs", "diff_ids"], [], "diff_ids is []"),
        ("config", ["history"], [{"created": "2026-01-02T03:04:05Z"}] * 2, "2 entries for 1"),
        ("config", ["config", "Env"], ["A=1", "A=2"], "a name twice"),
        ("config", ["config", "Env"], ["A"], "not NAME=value"),
        ("config", ["config", "Cmd"], "python3", "config.Cmd has the wrong form"),
        ("config", ["config", "WorkingDir"], "srv", "config.WorkingDir has the wrong form"),
        ("config", ["config", "Memory"], 1, "unknown setting config.Memory"),
        ("manifest", ["schemaVersion"], 1, "schemaVersion is not 2"),
        ("manifest", ["mediaType"], None, "mediaType is not"),
        ("manifest", ["layers", 0, "size"], 3, "the descriptor says 3"),
        ("manifest", ["layers", 0, "mediaType"], validate.LAYER + "+zstd", "is not application"),
        ("manifest", ["layers", 0, "digest"], "sha256:" + "0" * 64, "is missing"),
        ("manifest", ["layers"], [], "layers is not a list with entries"),
        ("manifest", ["annotations"], {"a": 1}, "annotations are not all strings"),
        ("index", ["schemaVersion"], 1, "schemaVersion is not 2"),
        ("index", ["manifests", 0, "platform", "architecture"], "arm64", "config says"),
        ("index", ["manifests", 0, "digest"], "md5:0", "bad digest 'md5:0'"),
        ("index", ["manifests"], [], "manifests is not a list"),
        ("root", ["schemaVersion"], 1, "schemaVersion is not 2"),
        ("root", ["schemaVersion"], None, "schemaVersion is not 2"),
        ("root", ["manifests", 0, "mediaType"], validate.LAYER, "unexpected mediaType"),
    ],
)
def test_wrong_documents(
    tmp_path: Path, part: str, keys: list[Any], value: object, problem: str
) -> None:
    def change(kind: str, document: Any) -> None:
        if kind == part:
            for key in keys[:-1]:
                document = document[key]
            document[keys[-1]] = value

    Layouts(tmp_path).write(change, TAR)
    found = validate.Validator(tmp_path).run()
    assert any(problem in line for line in found), found


@pytest.mark.parametrize(
    ("part", "where"), [("root", None), ("index", "blobs/"), ("manifest", "blobs/")]
)
def test_only_the_layouts_own_index_may_lack_schema_version(
    tmp_path: Path, part: str, where: str | None
) -> None:
    def change(kind: str, document: Json) -> None:
        if kind == part:
            del document["schemaVersion"]

    Layouts(tmp_path).write(change, TAR)
    found = validate.Validator(tmp_path).run()
    assert bool(found) == bool(where)
    assert all(f"{where}sha256/" in line and "schemaVersion is not 2" in line for line in found)


@pytest.mark.parametrize(
    ("tar", "problem"),
    [
        (tar_of(("../etc/passwd", "")), "is outside of the tree"),
        (tar_of(("/etc/passwd", "")), "is outside of the tree"),
        (tar_of(("./a", ""), ("a", "")), "'a' is there twice"),
        (tar_of(("b", "a"), ("a", "")), "is a hard link to 'a', no earlier file"),
        (b"no tar" * 200, "can't be read"),
    ],
)
def test_wrong_layers(tmp_path: Path, tar: bytes, problem: str) -> None:
    Layouts(tmp_path).write(unchanged, tar)
    found = validate.Validator(tmp_path).run()
    assert any(problem in line for line in found), found


def test_damaged_files(tmp_path: Path) -> None:
    Layouts(tmp_path).write(unchanged, TAR)
    (tmp_path / "oci-layout").unlink()
    (tmp_path / "readme").touch()
    blobs = {path.read_bytes()[:2]: path for path in (tmp_path / "blobs/sha256").iterdir()}
    layer = blobs[b"\x1f\x8b"]
    layer.write_bytes(layer.read_bytes()[:-1] + b"!")
    text = "\n".join(validate.Validator(tmp_path).run())
    assert "oci-layout: can't be read as JSON" in text
    assert "readme: does not belong in a layout" in text
    assert "has the digest sha256:" in text
    assert "can't be read: Incorrect length" in text
