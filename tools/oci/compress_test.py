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
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.oci import compress


def tar_of(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return out.getvalue()


def gzipped(data: bytes, **options: int) -> bytes:
    return b"".join(compress.gzip_pieces(memoryview(data), **options))


# Lengths around the cuts between blocks, where a block-wise compressor goes wrong.
lengths = st.one_of(
    st.integers(0, 3000),
    st.builds(
        lambda blocks, off: max(0, blocks * compress.BLOCK_SIZE + off),
        st.integers(0, 3),
        st.integers(-2, 2),
    ),
)


@settings(max_examples=40, deadline=None)
@given(length=lengths, seed=st.integers(0, 2**32), spread=st.sampled_from([1, 5, 256]))
def test_gzip_round_trip(length: int, seed: int, spread: int) -> None:
    data = bytes(random.Random(seed).choices(range(spread), k=length))
    blob = gzipped(data, threads=2)
    assert gzip.decompress(blob) == data
    # A single member: nothing is left after the first one.
    member = zlib.decompressobj(wbits=31)
    assert member.decompress(blob) + member.flush() == data
    assert member.eof and not member.unused_data


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 2**32), threads=st.integers(2, 9))
def test_bytes_do_not_depend_on_threads(seed: int, threads: int) -> None:
    data = random.Random(seed).randbytes(3 * compress.BLOCK_SIZE + 17) + b"abc" * 90_000
    assert gzipped(data, threads=threads) == gzipped(data, threads=1)


def test_golden_bytes() -> None:
    # These bytes depend on zlib's own version as well; every zlib 1.2.x and 1.3.x agrees. A change
    # here changes the digest of every published layer.
    blob = gzipped(b"".join(b"line %d of a text\n" % n for n in range(50_000)))
    assert hashlib.sha256(blob).hexdigest() == (
        "4409461a83eba9a499c7d7630df3178882b811989894779ba6c9f4380e17d572"
    )


def test_blocks_cost_nothing() -> None:
    data = b"".join(
        b"%d some words, %d more of them\n" % (n * 7919 % 997, n) for n in range(60_000)
    )
    assert len(gzipped(data)) < len(gzip.compress(data, 9)) * 1.005


@pytest.mark.parametrize("form", ["gzip", "zstd"])
def test_descriptor_tells_the_truth(tmp_path: Path, form: str) -> None:
    if form == "zstd":
        pytest.importorskip("zstandard")
    source, blob, facts = tmp_path / "l.tar", tmp_path / "l.blob", tmp_path / "l.json"
    source.write_bytes(tar_of({"etc/hostname": b"x\n", "big": bytes(400_000)}))
    options = ["--input", str(source), "--output", str(blob), "--descriptor", str(facts)]
    assert compress.main([*options, "--format", form]) == 0
    assert json.loads(facts.read_text()) == {
        "mediaType": f"application/vnd.oci.image.layer.v1.tar+{form}",
        "digest": "sha256:" + hashlib.sha256(blob.read_bytes()).hexdigest(),
        "size": blob.stat().st_size,
        "diffId": "sha256:" + hashlib.sha256(source.read_bytes()).hexdigest(),
    }
    assert sorted(path.name for path in tmp_path.iterdir()) == ["l.blob", "l.json", "l.tar"]


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
