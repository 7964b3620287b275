"""Fetching by pip itself: from a folder, and from an index on this machine."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tools.wheels.locks import fetch
from tools.wheels.locks import index as package_index
from tools.wheels.wheel_fixtures import FILES, wheel

TAGS = (
    "cp313-cp313-manylinux_2_17_x86_64",
    "cp313-cp313-manylinux_2_17_aarch64",
    "cp313-cp313-manylinux_2_39_aarch64",
    "cp314-cp314t-musllinux_1_2_x86_64",
)


def pip() -> str:
    """pip's own wheel, or the folder that this interpreter has it in."""
    spec = importlib.util.find_spec("pip")
    return os.environ.get("PIP") or str(Path(str(spec and spec.origin)).parent.parent)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A folder with a package's wheels, whose bytes differ."""
    folder = tmp_path / "store"
    folder.mkdir()
    for tags in TAGS:
        wheel(folder / f"greet-1.0-{tags}.whl", FILES | {f"{tags}.py": ""})
    return folder


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def hashes(store: Path) -> str:
    return " ".join(f"--hash=sha256:{digest(path)}" for path in sorted(store.iterdir()))


def run(lock: Path, out: Path, *options: str) -> int:
    words = [f"--lock={lock}", "--name=requirements.txt", f"--pip={pip()}", f"--output={out}"]
    return fetch.main([*words, "--relock=lock it", *options])


ARM64 = ("--platform=arm64", "--python=3.13.5")


@pytest.mark.parametrize(
    ("options", "chosen"),
    [
        (("--platform=amd64", "--python=3.14t", "--libc=musl 1.2"), TAGS[3]),
        (("--pip-platform=manylinux_2_28_aarch64", "--python=3.13"), TAGS[1]),
    ],
)
def test_the_wheel_for_the_image(
    tmp_path: Path, store: Path, options: tuple[str, ...], chosen: str
) -> None:
    lock = tmp_path / "requirements.txt"
    lock.write_text(f"--no-index\n--find-links {store}\ngreet==1.0 {hashes(store)}\n")
    assert run(lock, tmp_path / "out", *options) == 0
    assert [path.name for path in (tmp_path / "out").iterdir()] == [f"greet-1.0-{chosen}.whl"]


def test_nothing_is_needed(tmp_path: Path) -> None:
    lock = tmp_path / "requirements.txt"
    lock.write_text(f"greet==1.0 ; sys_platform == 'win32' --hash=sha256:{'0' * 64}\n")
    assert run(lock, tmp_path / "out", *ARM64, "--libc=glibc 2.41") == 0
    assert not list((tmp_path / "out").iterdir())


def test_wrong_locks_are_one_message(
    tmp_path: Path, store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lock = tmp_path / "requirements.txt"
    lock.write_text("greet==1.0\n")
    assert run(lock, tmp_path / "out", *ARM64, "--libc=glibc 2.41") == 1
    said = "requirements.txt:1: greet==1.0 has no --hash. Lock again: lock it\n"
    assert capsys.readouterr().err == said
    lock.write_text(f"--no-index\n--find-links {store}\ngreet==1.0 --hash=sha256:{'0' * 64}\n")
    assert run(lock, tmp_path / "out", *ARM64, "--libc=glibc 2.41") == 1
    said = capsys.readouterr().err
    assert said.startswith("the wheels can't be fetched: ERROR: ")
    assert "pip config list" in said
    assert run(lock, tmp_path / "out", "--platform=amd46", "--libc=glibc 2.41") == 1
    assert "no platform 'amd46'; known: amd64" in capsys.readouterr().err


@pytest.fixture
def index(store: Path) -> Iterator[str]:
    """An index by JSON that has the wheels, and a source distribution."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            name = self.path.strip("/").split("/")
            if name == ["simple", "greet"]:
                files = [
                    {
                        "filename": path.name,
                        "url": f"/files/{path.name}",
                        "hashes": {"sha256": digest(path)},
                    }
                    for path in sorted(store.iterdir())
                ]
                document = {"meta": {"api-version": "1.0"}, "name": "greet", "files": files}
                kind, body = "application/vnd.pypi.simple.v1+json", json.dumps(document).encode()
            elif name[0] == "files":
                kind, body = "application/octet-stream", (store / name[1]).read_bytes()
            else:
                self.send_error(404)
                return
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/simple"
    server.shutdown()
    server.server_close()


def test_from_an_index(
    tmp_path: Path, store: Path, index: str, capsys: pytest.CaptureFixture[str]
) -> None:
    lock = tmp_path / "requirements.txt"
    lock.write_text(f"-i {index}\ngreet==1.0 \\\n  {hashes(store)}\n")
    assert run(lock, tmp_path / "out", *ARM64, "--libc=glibc 2.41") == 0
    assert [path.name for path in (tmp_path / "out").iterdir()] == [f"greet-1.0-{TAGS[2]}.whl"]
    # The lock names no files; what there is the index tells.
    riscv64 = ("--platform=riscv64", "--python=3.13", "--libc=glibc 2.41")
    assert run(lock, tmp_path / "none", *riscv64) == 1
    said = capsys.readouterr().err
    assert said.startswith(
        "requirements.txt:2: greet 1.0 has no wheel for riscv64, Python 3.13, gl"
    )
    assert f"It has greet-1.0-{TAGS[1]}.whl, greet-1.0-{TAGS[0]}.whl" in said
    assert TAGS[3] not in said
    lock.write_text(f"-i {index}\ngreet==1.0 --hash=sha256:{'0' * 64}\n")
    assert run(lock, tmp_path / "none", *ARM64, "--libc=glibc 2.36") == 1
    said = capsys.readouterr().err
    assert "no file of greet on the index has a hash that the lock has for greet 1.0" in said
    assert said.endswith("Lock again: lock it\n")
    for path in store.iterdir():
        path.unlink()
    (store / "greet-1.0.tar.gz").write_bytes(b"x")
    lock.write_text(f"-i {index}\ngreet==1.0 {hashes(store)}\n")
    assert run(lock, tmp_path / "none", *ARM64, "--libc=glibc 2.36") == 1
    assert "greet 1.0 has no wheel at all, only its source" in capsys.readouterr().err


def test_pip_names_its_own_index_where_none_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.delenv("PIP_INDEX_URL", raising=False)
    assert package_index.configured(Path(pip()))["index-url"].startswith("https://")
    monkeypatch.setenv("PIP_INDEX_URL", "https://a.example/simple")
    assert package_index.configured(Path(pip()))["index-url"] == "https://a.example/simple"
