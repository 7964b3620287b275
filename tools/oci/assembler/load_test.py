"""Loading into an engine, played by shell scripts."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from tools.oci.assembler import image, layer, load


@pytest.fixture
def layout(tmp_path: Path) -> Path:
    # More than a pipe holds, so that an engine that doesn't read is noticed.
    (tmp_path / "layer.tar").write_bytes(bytes(1 << 20))
    layer.write(tmp_path / "layer.tar", tmp_path / "layer.json")
    source = image.LayerSource(tmp_path / "layer.tar", tmp_path / "layer.json", "x")
    spec = image.ImageSpec(platform={"os": "linux", "architecture": "amd64"}, layers=[source])
    image.build(spec, tmp_path / "image")
    (tmp_path / "tags.txt").write_text("a/b:1\n")
    (tmp_path / "bin").mkdir()
    return tmp_path / "image"


def program(folder: Path, name: str, script: str) -> Path:
    path = folder / "bin" / name
    path.write_text("#!/bin/sh\n" + script)
    path.chmod(0o755)
    return path


def run(layout: Path, *more: str) -> int:
    tags = layout.with_name("tags.txt")
    return load.main([f"--image={layout}", "--format=docker", f"--tags={tags}", *more])


def names(archive: bytes) -> list[str]:
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        return tar.getnames()


def test_the_first_engine_reads_standard_input(
    layout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = layout.parent
    for name in ("podman", "nerdctl"):
        program(folder, name, f'echo {name} "$@" > {folder}/words; /bin/cat > {folder}/archive\n')
    monkeypatch.setenv("PATH", str(folder / "bin"))
    assert run(layout, "--quiet") == 0
    assert (folder / "words").read_text() == "podman load --quiet\n"
    assert "manifest.json" in names((folder / "archive").read_bytes())


def test_a_loader_of_ones_own(layout: Path) -> None:
    folder = layout.parent
    script = f'echo "$1" "$2" > {folder}/words; cat "$3" > {folder}/archive\n'
    assert run(layout, f"--loader={program(folder, 'mine', script)}") == 0
    assert (folder / "words").read_text() == "load --input\n"
    assert "manifest.json" in names((folder / "archive").read_bytes())


@pytest.mark.parametrize(("script", "status"), [("exit 3\n", 3), ("exit 0\n", 1)])
def test_an_engine_that_gives_up(
    layout: Path, monkeypatch: pytest.MonkeyPatch, script: str, status: int
) -> None:
    program(layout.parent, "docker", script)
    monkeypatch.setenv("PATH", str(layout.parent / "bin"))
    assert run(layout) == status


def test_no_engine(
    layout: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(layout.parent / "bin"))
    assert run(layout) == 1
    assert "no container engine on PATH (looked for docker, podman" in capsys.readouterr().err


def test_a_layout_that_is_none(
    layout: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    program(layout.parent, "docker", "/bin/cat > /dev/null\n")
    monkeypatch.setenv("PATH", str(layout.parent / "bin"))
    (layout / "index.json").unlink()
    assert run(layout) == 1
    assert "index.json: missing; the layout is incomplete" in capsys.readouterr().err
