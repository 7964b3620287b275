"""Compiles a CPython again, elsewhere and on one core: the bytes must be the same.

$JOBS, if set, is how many compilers run at once instead of one. What to compare with comes in
other environment variables, see python_images/cpython/BUILD.bazel.
"""

from __future__ import annotations

import hashlib
import json
import os
import tarfile
from pathlib import Path

import pytest

from tools.cpython import compile as compilation
from tools.cpython import compile_jit, compile_optimized


def members(path: Path) -> dict[str, tuple[object, ...]]:
    """What each member of a tar is, with the digest of its content."""
    found: dict[str, tuple[object, ...]] = {}
    with tarfile.open(path) as archive:
        for member in archive:
            stream = archive.extractfile(member) if member.isreg() else None
            digest = hashlib.sha256(stream.read()).hexdigest() if stream else ""
            found[member.name] = (member.mode, member.mtime, member.linkname, digest)
    return found


def test_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = Path(os.environ["CPYTHON"])
    report = json.loads(Path(os.environ["REPORT"]).read_text())
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    monkeypatch.setenv("MAKEFLAGS", "-k")
    os.umask(0o077)
    out = tmp_path / "again.tar"
    arguments = {
        "version": report["version"],
        "label": "again",
        "source": os.environ["SOURCE"],
        "config-site": os.environ["CONFIG_SITE"],
        "cc": os.environ["CC"],
        "sysroot": os.environ["SYSROOT"],
        "host": os.environ["HOST"],
        "triplet": report["triplet"],
        "gnu": report["gnu"],
        "gcc": report["gcc"],
        "cflags": report["cflags"],
        "ldflags": report["ldflags"],
        "epoch": report["epoch"],
        "jobs": int(os.environ.get("JOBS", "1")),
        "work": tmp_path / "a much longer work directory".replace(" ", "_"),
        "out": out,
        "report": tmp_path / "again.json",
        "gdb": tmp_path / "gdb.py",
    }
    given = [f"--{name}={value}" for name, value in arguments.items()]
    if "BUILD_PYTHON" in os.environ:
        given.append(f"--build-python={os.environ['BUILD_PYTHON']}")
    if report["optimization"] == "none":
        assert compilation.main(given) == 0
    else:
        given += ["--lto"] if report["lto"] else []
        given.append(f"--max-mismatched={report['max_mismatched']}")
        given += [f"--profile={os.environ['PROFILE']}"] if report["profile"] else []
        if "STENCILS" in os.environ:
            assert compile_jit.main([f"--stencils={os.environ['STENCILS']}", *given]) == 0
        else:
            assert compile_optimized.main(given) == 0
    assert json.loads((tmp_path / "again.json").read_text()) == report
    again, before = members(out), members(expected)
    differing = [
        path for path in before.keys() | again.keys() if before.get(path) != again.get(path)
    ]
    assert sorted(differing) == []
    assert out.read_bytes() == expected.read_bytes()
