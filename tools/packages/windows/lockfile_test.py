"""Locks of base images: what they say, and that nothing in them can be changed unnoticed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tools.packages.windows import check_lock, lockfile
from tools.packages.windows.windows_error import WindowsError
from tools.windows.windows_fixtures import FOREIGN, Base, digest


def test_written_and_read_again(tmp_path: Path) -> None:
    base = Base()
    path = base.write_lock(tmp_path)
    lock = lockfile.read(path)
    assert lock == base.lock()
    assert lock.digest == digest(base.manifest)
    assert lock.os_version == base.os_version
    assert lock.diff_ids() == [digest(tar) for tar in base.tars]
    assert path.stat().st_mode & 0o777 == 0o644


def test_layers_have_ocis_media_types(tmp_path: Path) -> None:
    assert [entry["mediaType"] for entry in Base().lock().layers()] == [
        "application/vnd.oci.image.layer.v1.tar+gzip"
    ] * 2
    foreign = Base(foreign=True)
    assert FOREIGN in foreign.manifest.decode()
    layers = lockfile.read(foreign.write_lock(tmp_path)).layers()
    assert {entry["mediaType"] for entry in layers} == {
        "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"
    }
    assert layers[0]["urls"] == [f"https://layers.example/{digest(foreign.layers[0])}"]


def test_no_host_of_a_registry_is_in_a_lock(tmp_path: Path) -> None:
    document = json.loads(Base().write_lock(tmp_path).read_text())
    assert document["image"] == "windows/servercore:ltsc2025"


def edited(path: Path, change: Any) -> None:
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document, indent=2) + "\n")


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d.update({"os.version": "10.0.26100.9999"}),
        lambda d: d["layers"].pop(),
        lambda d: d["layers"][0].update(digest="sha256:" + "0" * 64),
        lambda d: d["manifest"].update(digest="sha256:" + "0" * 64),
    ],
)
def test_an_edited_lock(tmp_path: Path, change: Any) -> None:
    path = Base().write_lock(tmp_path)
    edited(path, change)
    with pytest.raises(WindowsError, match=r"ltsc2025\.lock: says something else.*//tools:lock"):
        lockfile.read(path)


def test_edited_documents(tmp_path: Path) -> None:
    path = Base().write_lock(tmp_path)
    edited(path, lambda d: d["documents"].update(config=d["documents"]["config"] + " "))
    with pytest.raises(WindowsError, match="isn't the one its manifest names"):
        lockfile.read(path)


@pytest.mark.parametrize(
    ("base", "said"),
    [
        (Base(system="linux"), "is for linux/amd64, not windows/amd64"),
        (Base(architecture="arm64"), "is for windows/arm64"),
        (Base(os_version=""), "has no os.version"),
    ],
)
def test_other_images(base: Base, said: str) -> None:
    with pytest.raises(WindowsError, match=said):
        base.lock().text()


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"release": 1}'])
def test_no_lock_at_all(tmp_path: Path, text: str) -> None:
    path = tmp_path / "ltsc2025.lock"
    path.write_text(text)
    with pytest.raises(WindowsError, match=r"is no lock of a Windows image.*//tools:lock"):
        lockfile.read(path)


def test_another_name(tmp_path: Path) -> None:
    path = Base().write_lock(tmp_path).rename(tmp_path / "ltsc2022.lock")
    with pytest.raises(WindowsError, match=r"holds ltsc2025; such a file is named ltsc2025\.lock"):
        lockfile.read(path)


def test_nothing_is_half_written(tmp_path: Path) -> None:
    with pytest.raises(WindowsError):
        lockfile.write(tmp_path / "ltsc2025.lock", Base(system="linux").lock())
    assert list(tmp_path.iterdir()) == []


def test_checking_locks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = Base().write_lock(tmp_path)
    assert check_lock.main([str(path)]) == 0
    assert (
        "windows/servercore:ltsc2025, Windows 10.0.26100.4652, sha256:" in capsys.readouterr().out
    )
    path.write_text(path.read_text().replace("4652", "4653", 1))
    assert check_lock.main([str(path)]) == 1
    assert "says something else" in capsys.readouterr().err
