"""The lock command against a registry on the loopback: what it writes, what it refuses."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tools.catalog import fixture
from tools.oci.assembler.spec import DOCKER_LIST, DOCKER_MANIFEST
from tools.oci.registry.fake_registry import FakeRegistry
from tools.packages.windows import lock_windows, lockfile
from tools.windows.windows_fixtures import Base, digest, manifest_list

NANO = Base(os_version="10.0.26100.4652", architecture="arm64")


@pytest.fixture
def registry() -> Iterator[FakeRegistry]:
    with FakeRegistry() as made:
        yield made


@pytest.fixture
def top(tmp_path: Path) -> Path:
    """A checkout whose catalog has two releases of Windows."""
    made = fixture.checkout(tmp_path / "top")
    file = made / "catalog/windows.yaml"
    releases = "releases: {ltsc2025: {build: 10.0.26100}, ltsc2022: {build: 10.0.20348}}"
    file.write_text(file.read_text().replace("releases: {}", releases))
    return made


def serve(registry: FakeRegistry, base: Base, tag: str = "ltsc2025", *others: Base) -> None:
    """Serve a base image, in an index if there are others; no layer."""
    registry.manifests[digest(base.manifest)] = (DOCKER_MANIFEST, base.manifest)
    registry.blobs[digest(base.configuration)] = base.configuration
    registry.manifests[tag] = (DOCKER_MANIFEST, base.manifest)
    if others:
        registry.manifests[tag] = (DOCKER_LIST, manifest_list(*others, base))


def run(registry: FakeRegistry, top: Path, *arguments: str) -> int:
    return lock_windows.main([*arguments, f"--registry={registry.host}", f"--root={top}"])


def locked(top: Path, release: str = "ltsc2025") -> lockfile.Lock:
    return lockfile.read(top / lock_windows.LOCKS / f"{release}.lock")


def test_an_image(registry: FakeRegistry, top: Path, capsys: pytest.CaptureFixture[str]) -> None:
    serve(registry, Base())
    assert run(registry, top, "ltsc2025") == 0
    assert locked(top) == Base().lock()
    said = capsys.readouterr()
    assert "third_party/windows/ltsc2025.lock: written" in said.out
    assert "Windows 10.0.26100.4652" in said.err
    # The configuration, and no layer.
    assert registry.requests["GET", "blobs"] == 1


def test_the_one_for_amd64_of_an_index(registry: FakeRegistry, top: Path) -> None:
    serve(registry, Base(), "ltsc2025", NANO, Base(os_version="10.0.20348.2"))
    assert run(registry, top, "ltsc2025") == 0
    assert locked(top).digest == digest(Base().manifest)


def test_both_releases_or_none(
    registry: FakeRegistry, top: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    serve(registry, Base())
    assert run(registry, top, "ltsc2025", "ltsc2022") == 2
    said = capsys.readouterr().err
    assert "no manifest ltsc2022: 404" in said
    assert "--registry=HOST" in said
    assert not (top / lock_windows.LOCKS).exists()
    serve(registry, Base(os_version="10.0.20348.5499"), "ltsc2022")
    assert run(registry, top, "ltsc2025", "ltsc2022") == 0
    assert locked(top, "ltsc2022").os_version == "10.0.20348.5499"


def test_check_and_renew(
    registry: FakeRegistry, top: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    serve(registry, Base())
    assert run(registry, top, "ltsc2025", "--check") == 1
    assert not (top / lock_windows.LOCKS).exists()
    assert run(registry, top, "ltsc2025") == 0
    assert run(registry, top, "ltsc2025", "--check") == 0
    assert "unchanged" in capsys.readouterr().out
    newer = Base(os_version="10.0.26100.5000")
    serve(registry, newer)
    assert run(registry, top, "ltsc2025", "--check") == 1
    assert locked(top) == Base().lock()
    assert run(registry, top, "ltsc2025") == 0
    assert locked(top) == newer.lock()
    assert "10.0.26100.4652 sha256:" in capsys.readouterr().out


def test_a_damaged_lock_is_replaced(
    registry: FakeRegistry, top: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    serve(registry, Base())
    assert run(registry, top, "ltsc2025") == 0
    (top / lock_windows.LOCKS / "ltsc2025.lock").write_text("{}")
    assert run(registry, top, "ltsc2025") == 0
    assert "replacing a damaged lock" in capsys.readouterr().err
    assert locked(top) == Base().lock()


def test_another_windows_than_the_tag_says(
    registry: FakeRegistry, top: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # 10.0.261001 begins with the same letters, and is another one.
    serve(registry, Base(os_version="10.0.261001.1"))
    assert run(registry, top, "ltsc2025") == 2
    assert "is Windows 10.0.261001.1, not 10.0.26100" in capsys.readouterr().err


def test_an_index_without_it(
    registry: FakeRegistry, top: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    serve(registry, Base())
    registry.manifests["ltsc2025"] = (DOCKER_LIST, manifest_list(NANO))
    assert run(registry, top, "ltsc2025") == 2
    said = capsys.readouterr().err
    assert "0 images for windows/amd64 10.0.26100 where one is expected" in said
    assert "windows/arm64 10.0.26100.4652" in said


@pytest.mark.parametrize(
    "index",
    [
        {},
        {"manifests": 5},
        {"manifests": [5]},
        {"manifests": [{"mediaType": DOCKER_MANIFEST, "digest": "sha256:../x", "size": 1}]},
        {"manifests": [{**Base().entry(), "platform": 5}]},
        {"manifests": [{**Base().entry(), "platform": {"os": "\x1b[2J"}}]},
    ],
)
def test_what_registries_say_is_no_terminals_control(
    registry: FakeRegistry, top: Path, capsys: pytest.CaptureFixture[str], index: Any
) -> None:
    serve(registry, Base())
    registry.manifests["ltsc2025"] = (DOCKER_LIST, json.dumps(index).encode())
    assert run(registry, top, "ltsc2025") == 2
    err = capsys.readouterr().err
    assert "Traceback" not in err
    assert all(line.isprintable() for line in err.splitlines())


@pytest.mark.parametrize("version", ["10.0.26100.1\x1b[2J", "10.0.26100.1\nx", ["10"], 10.5])
def test_versions_are_versions(registry: FakeRegistry, top: Path, version: Any) -> None:
    serve(registry, Base(os_version=version))
    assert run(registry, top, "ltsc2025") == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["ltsc2019"], "unknown release"),
        (["ltsc2025"], "no registry known: give Microsoft's"),
        (["ltsc2025", "--registry=localhost:1"], "localhost:1: "),
        (["ltsc2025", "--registry=nowhere"], "begins with its registry's host"),
    ],
)
def test_without_reach_one_error(
    top: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    said: str,
) -> None:
    monkeypatch.delenv("WINDOWS_REGISTRY", raising=False)
    assert lock_windows.main([*arguments, f"--root={top}"]) == 2
    told = capsys.readouterr().err
    assert said in told
    assert "Traceback" not in told
