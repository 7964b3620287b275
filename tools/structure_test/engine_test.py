"""Tests of engine.py: what it answers without running anything."""

import io
import struct
import tarfile
from pathlib import Path
from typing import Any

import pytest

from tools.sandbox.container import LimitError, SetupError, StartError
from tools.sandbox.rootfs import unpack
from tools.sandbox.testing import layer, link, member
from tools.structure_test.channel import Channel
from tools.structure_test.engine import IMAGE_NAME, ApiError, Engine, _parse_bind

CONFIG: dict[str, Any] = {
    "os": "linux",
    "architecture": "amd64",
    "config": {"Env": ["PATH=/bin", "A=1"], "Cmd": ["python3"], "WorkingDir": "/w"},
}


@pytest.fixture
def channel() -> Channel:
    return Channel()


@pytest.fixture
def engine(tmp_path: Path, channel: Channel) -> Engine:
    raw = layer(
        member("etc"),
        member("etc/shadow", b"secret", mode=0o640, gid=42),
        link("sh", "etc/shadow"),
        link("e", "/etc"),
    )
    (tmp_path / "state").mkdir()
    rootfs = unpack(tmp_path / "root", [("0", io.BytesIO(raw))])
    return Engine(rootfs, CONFIG, tmp_path / "state", channel, cannot_run="it is a test")


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


def test_what_this_host_cannot_run_is_noted_as_skipped(engine: Engine, channel: Channel) -> None:
    with pytest.raises(ApiError) as caught:
        engine.start(create(engine))
    assert caught.value.status == 501
    assert channel.read().skips == {str(caught.value): "it is a test"}


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"User": "nobody"}, "User 'nobody': user 'nobody' is not in the image's /etc/passwd"),
        ({"User": 7}, "User in the configuration"),
        ({"Tty": True}, "allocateTty"),
        ({"HostConfig": {"Privileged": True}}, "privileged"),
        ({"HostConfig": {"Binds": ["/nowhere/at/all:/x"]}}, "bind '/nowhere/at/all:/x'"),
        ({"Cmd": ["a\0b"]}, "Cmd in the configuration: 'a.*b' is not a text without NUL"),
        ({"Entrypoint": "text"}, "Entrypoint in the configuration: 'text' is not a list"),
        ({"Env": [7]}, "Env in the configuration: 7 is not a text"),
        ({"WorkingDir": "/a\0"}, "WorkingDir in the configuration"),
    ],
)
def test_what_cannot_be_done_on_any_host_fails(
    engine: Engine, channel: Channel, config: dict[str, Any], message: str
) -> None:
    with pytest.raises(ApiError, match=message) as caught:
        engine.start(create(engine, **config))
    assert caught.value.status == 400
    assert channel.read().skips == {}


@pytest.mark.parametrize("error", [StartError(8, "x"), SetupError("no"), LimitError("slow")])
def test_what_goes_wrong_after_the_probe_fails(
    engine: Engine, channel: Channel, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def refuse(*_: object) -> None:
        raise error

    place = "tools.sandbox.container.Container"
    limit = isinstance(error, LimitError)
    monkeypatch.setattr(f"{place}.start", (lambda *_: None) if limit else refuse)
    monkeypatch.setattr(f"{place}.wait", refuse)
    engine._cannot_run = None
    identity = create(engine)
    with pytest.raises(ApiError, match=str(error)) as caught:
        engine.start(identity)
        engine.wait(identity)
    assert (caught.value.status, channel.read().skips) == (400, {})


def test_a_loop_of_links_is_an_answer(tmp_path: Path, channel: Channel) -> None:
    raw = layer(link("a", "b"), link("b", "a"))
    rootfs = unpack(tmp_path / "root", [("0", io.BytesIO(raw))])
    (tmp_path / "state").mkdir()
    engine = Engine(rootfs, CONFIG, tmp_path / "state", channel)
    with pytest.raises(ApiError, match="too many levels"):
        engine.archive(create(engine), "/a/x")


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
