"""Round trip, determinism and failures of the layer compressor."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import random
import tarfile
import zlib
from pathlib import Path

import pytest

from tools.oci import compress


def tar_of(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return out.getvalue()


def gzipped(tmp_path: Path, tar: bytes, *options: str) -> bytes:
    source, blob = tmp_path / "l.tar", tmp_path / "l.tar.gz"
    source.write_bytes(tar)
    assert compress.main(["--input", str(source), "--output", str(blob), *options]) == 0
    return blob.read_bytes()


@pytest.mark.parametrize("length", [512, 70_000, 3_000_320])
@pytest.mark.parametrize("spread", [1, 5, 256])
def test_gzip_round_trip(tmp_path: Path, length: int, spread: int) -> None:
    data = tar_of({"a": bytes(random.Random(length).choices(range(spread), k=length))})
    blob = gzipped(tmp_path, data)
    assert gzip.decompress(blob) == data
    # A single member: nothing is left after the first one.
    member = zlib.decompressobj(wbits=31)
    assert member.decompress(blob) + member.flush() == data
    assert member.eof and not member.unused_data


def test_gzip_header_has_no_time_and_no_name(tmp_path: Path) -> None:
    blob = gzipped(tmp_path, bytes(10_240))
    assert blob[:8] == b"\x1f\x8b\x08\x00\x00\x00\x00\x00"


def test_golden_bytes(tmp_path: Path) -> None:
    # These bytes depend on libdeflate's version as well, which the lock of the wheels pins. A
    # change here changes the digest of every published layer.
    blob = gzipped(tmp_path, tar_of({"a": b"".join(b"line %d\n" % n for n in range(50_000))}))
    assert hashlib.sha256(blob).hexdigest() == (
        "71f07b963fc164278e1dae870b3c33af651ac5ca27893fec9b356189ea6fe30a"
    )


def test_smaller_than_gzip(tmp_path: Path) -> None:
    data = b"".join(
        b"%d some words, %d more of them\n" % (n * 7919 % 997, n) for n in range(60_000)
    )
    tar = tar_of({"text": data})
    assert len(gzipped(tmp_path, tar)) < len(gzip.compress(tar, 9))


def test_an_unknown_level_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, out = tmp_path / "l.tar", tmp_path / "out"
    source.write_bytes(bytes(1024))
    out.mkdir()
    arguments = ["--input", str(source), "--output", str(out / "b"), "--level", "99"]
    assert compress.main(arguments) == 1
    assert "compress: " in capsys.readouterr().err
    assert not list(out.iterdir())


@pytest.mark.parametrize("form", ["gzip", "zstd"])
def test_descriptor_tells_the_truth(tmp_path: Path, form: str) -> None:
    source, blob, facts = tmp_path / "l.tar", tmp_path / "l.blob", tmp_path / "l.json"
    source.write_bytes(tar_of({"etc/hostname": b"x\n", "big": bytes(400_000)}))
    options = ["--input", str(source), "--output", str(blob), "--descriptor", str(facts)]
    assert compress.main([*options, "--format", form]) == 0
    assert json.loads(facts.read_text()) == {
        "mediaType": f"application/vnd.oci.image.layer.v1.tar+{form}",
        "digest": "sha256:" + hashlib.sha256(blob.read_bytes()).hexdigest(),
        "size": blob.stat().st_size,
        "diffId": "sha256:" + hashlib.sha256(source.read_bytes()).hexdigest(),
        "newest": 0,
    }
    assert sorted(path.name for path in tmp_path.iterdir()) == ["l.blob", "l.json", "l.tar"]


def test_the_descriptor_has_the_newest_time(tmp_path: Path) -> None:
    source, facts = tmp_path / "l.tar", tmp_path / "l.json"
    with tarfile.open(source, "w", format=tarfile.PAX_FORMAT) as tar:
        for name, mtime in {"a": 5, "b": 1_700_000_000.75, "c" * 200: 7}.items():
            info = tarfile.TarInfo(name)
            info.mtime = mtime
            tar.addfile(info)
    options = ["--input", str(source), "--output", str(tmp_path / "b"), "--descriptor", str(facts)]
    assert compress.main(options) == 0
    assert json.loads(facts.read_text())["newest"] == 1_700_000_000


def test_garbage_of_a_tars_size_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, out = tmp_path / "l.tar", tmp_path / "out"
    source.write_bytes(b"x" * 1024)
    out.mkdir()
    arguments = [f"--input={source}", f"--output={out / 'b'}", f"--descriptor={out / 'd'}"]
    assert compress.main(arguments) == 1
    assert f"compress: {source}: is no tar: " in capsys.readouterr().err
    assert not list(out.iterdir())


def test_what_is_not_a_tar_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = tmp_path / "l.tar"
    source.write_bytes(b"x" * 513)
    out = tmp_path / "out"
    out.mkdir()
    assert compress.main(["--input", str(source), "--output", str(out / "l.tar.gz")]) == 1
    assert "l.tar: 513 bytes is not the size of a tar" in capsys.readouterr().err
    assert not list(out.iterdir())


def test_a_failure_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, out = tmp_path / "l.tar", tmp_path / "out"
    source.write_bytes(tar_of({"a": bytes(500_000)}))
    out.mkdir()

    def disk_full(*_: object, **__: object) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("json.dumps", disk_full)
    args = ["--input", str(source), "--output", str(out / "b"), "--descriptor", str(out / "d")]
    assert compress.main(args) == 1
    assert not list(out.iterdir())
