"""Tests of engine.py: what it answers without running anything."""

import io
import struct
import tarfile
from pathlib import Path
from typing import Any

import pytest

from tools.structure_test.container import StartError
from tools.structure_test.engine import IMAGE_NAME, ApiError, Engine, _parse_bind
from tools.structure_test.rootfs import unpack
from tools.structure_test.testing import layer, link, member

CONFIG: dict[str, Any] = {
    "os": "linux",
    "architecture": "amd64",
    "config": {"Env": ["PATH=/bin", "A=1"], "Cmd": ["python3"], "WorkingDir": "/w"},
}


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    raw = layer(
        member("etc"),
        member("etc/shadow", b"secret", mode=0o640, gid=42),
        link("sh", "etc/shadow"),
        link("e", "/etc"),
    )
    (tmp_path / "state").mkdir()
    rootfs = unpack(tmp_path / "root", [("0", io.BytesIO(raw))])
    return Engine(rootfs, CONFIG, tmp_path / "state", cannot_run="it is a test")


def create(engine: Engine, **config: Any) -> str:
    return str(engine.create({"Image": IMAGE_NAME, "Cmd": ["x"], **config})["Id"])


def fetch(engine: Engine, path: str) -> list[tuple[tarfile.TarInfo, bytes]]:
    raw = io.BytesIO(engine.archive(create(engine), path))
    with tarfile.open(fileobj=raw) as archive:
        return [
            (m, file.read() if (file := archive.extractfile(m) if m.isreg() else None) else b"")
            for m in archive
        ]


def test_archive_has_the_layer_s_owner_and_the_content(engine: Engine) -> None:
    ((header, content),) = fetch(engine, "/etc/shadow")
    assert (header.name, header.gid, header.mode) == ("shadow", 42, 0o640)
    assert content == b"secret"


def test_archive_follows_links_on_the_way_but_not_the_last(engine: Engine) -> None:
    assert fetch(engine, "/e/shadow")[0][1] == b"secret"
    ((header, _),) = fetch(engine, "/sh")
    assert header.issym()


def test_archive_of_a_directory_lists_its_entries(engine: Engine) -> None:
    assert [header.name for header, _ in fetch(engine, "/etc/")] == ["etc", "etc/shadow"]
    assert fetch(engine, "/")[0][0].isdir()


def test_what_is_missing_is_404(engine: Engine) -> None:
    for call in (
        lambda: engine.archive(create(engine), "/nope"),
        lambda: engine.inspect_image("other"),
        lambda: engine.wait("other"),
        lambda: engine.create({"Image": "other"}),
    ):
        with pytest.raises(ApiError) as caught:
            call()
        assert caught.value.status == 404


def test_commit_adds_to_the_environment(engine: Engine) -> None:
    image = engine.commit(create(engine, Env=["A=2", "B=3"]))["Id"]
    assert engine.inspect_image(image)["Config"]["Env"] == ["PATH=/bin", "A=2", "B=3"]
    assert engine.inspect_image(IMAGE_NAME)["Config"]["Env"] == ["PATH=/bin", "A=1"]
    identity = str(engine.create({"Image": image, "Cmd": ["x"]})["Id"])
    assert engine.archive(identity, "/etc/shadow")
    assert engine.remove_image(image)
    with pytest.raises(ApiError):
        engine.inspect_image(image)


def test_commands_get_the_image_s_settings(engine: Engine) -> None:
    identity = create(engine, Entrypoint=[""], Env=["A=5"], Cmd=["echo", "$A"])
    process = engine._process(engine._container(identity))
    assert process.argv == ["echo", "$A"]
    assert (process.env["PATH"], process.env["A"], process.cwd) == ("/bin", "5", "/w")
    assert process.env["HOME"] == "/root"


@pytest.mark.parametrize(
    "config",
    [{}, {"User": "nobody"}, {"Tty": True}, {"HostConfig": {"Privileged": True}}],
)
def test_what_cannot_run_here_is_marked_as_skipped(engine: Engine, config: dict[str, Any]) -> None:
    with pytest.raises(ApiError, match=r"^SKIPPED: ") as caught:
        engine.start(create(engine, **config))
    assert caught.value.status == 501


def test_only_a_foreign_program_may_be_skipped(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: object, process: object) -> None:
        raise StartError(8, "x")  # ENOEXEC

    monkeypatch.setattr("tools.structure_test.container.Container.start", refuse)
    engine._cannot_run = None
    with pytest.raises(ApiError, match=r"^exec 'x'") as caught:
        engine.start(create(engine))
    assert caught.value.status == 400
    engine._emulation_problem = "no emulator"
    with pytest.raises(ApiError, match=r"^SKIPPED: no emulator"):
        engine.start(create(engine))


def test_logs_are_framed_by_stream(engine: Engine) -> None:
    identity = create(engine)
    container = engine._container(identity).container
    container.stdout.write_bytes(b"out")
    container.stderr.write_bytes(b"!")
    both = engine.logs(identity, {"stdout": "1", "stderr": "1"})
    assert both == struct.pack(">BxxxI", 1, 3) + b"out" + struct.pack(">BxxxI", 2, 1) + b"!"
    assert engine.logs(identity, {"stdout": "1"})[8:] == b"out"


def test_binds() -> None:
    assert _parse_bind("/a:/b:ro") == ("/a", "/b", True)
    assert _parse_bind("/a:/b") == ("/a", "/b", False)
    with pytest.raises(ApiError, match="expected /source"):
        _parse_bind("volume:/b")
