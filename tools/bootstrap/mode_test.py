import os
from pathlib import Path

import pytest

from tools.bootstrap import mode
from tools.bootstrap.common import BootstrapError

VERSION = "7.7.1"
UNREACHABLE = (
    "ERROR: Error accessing registry https://registry.invalid/: Failed to fetch registry file "
    "https://registry.invalid/modules/x/1/MODULE.bazel: Unknown host: registry.invalid"
)


@pytest.fixture(autouse=True)
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BAZELW_MODE", raising=False)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:/usr/bin:/bin")
    (tmp_path / "bin").mkdir()
    (tmp_path / "checkout").mkdir()


def program(tmp_path: Path, name: str, probe: str, version: str = f"bazel {VERSION}") -> Path:
    """A fake Bazel that logs its calls; `probe` is the shell code of `mod graph`."""
    path = tmp_path / "bin" / name
    path.write_text(
        "#!/bin/sh\n"
        f'echo "$*" >> {tmp_path}/calls\n'
        f'case "$1" in --version) echo "{version}" ;; *) {probe} ;; esac\n'
    )
    path.chmod(0o755)
    return path


def calls(tmp_path: Path) -> list[str]:
    log = tmp_path / "calls"
    return log.read_text().splitlines() if log.exists() else []


def decide(tmp_path: Path) -> tuple[str, str]:
    return mode.decide(str(tmp_path / "checkout"), VERSION, str(tmp_path / "cache"))


def test_without_any_bazel_it_is_closed(tmp_path: Path) -> None:
    assert decide(tmp_path) == (mode.CLOSED, "")


@pytest.mark.parametrize("name", ["bazel", "bazelisk"])
def test_reachable_registry_is_asked_once(tmp_path: Path, name: str) -> None:
    path = program(tmp_path, name, "exit 0")
    assert decide(tmp_path) == (mode.CENTRAL, str(path))
    asked = len(calls(tmp_path))
    assert decide(tmp_path) == (mode.CENTRAL, str(path))
    assert len(calls(tmp_path)) == asked > 0


def test_unreachable_registry_is_remembered_for_a_day(tmp_path: Path) -> None:
    program(tmp_path, "bazelisk", f"echo '{UNREACHABLE}' >&2; exit 2")
    assert decide(tmp_path) == (mode.CLOSED, "")
    assert decide(tmp_path) == (mode.CLOSED, "")
    assert len(calls(tmp_path)) == 1
    (memory,) = (tmp_path / "cache" / "mode").iterdir()
    yesterday = memory.stat().st_mtime - 25 * 3600
    os.utime(memory, (yesterday, yesterday))
    program_stat = (tmp_path / "bin" / "bazelisk").stat()
    assert decide(tmp_path) == (mode.CLOSED, "")
    assert (tmp_path / "bin" / "bazelisk").stat().st_mtime_ns == program_stat.st_mtime_ns
    assert len(calls(tmp_path)) == 2


def test_other_trouble_is_left_to_bazel_to_report(tmp_path: Path) -> None:
    path = program(tmp_path, "bazelisk", "echo 'ERROR: MODULE.bazel:1:1: syntax error'; exit 2")
    assert decide(tmp_path) == (mode.CENTRAL, str(path))
    assert not (tmp_path / "cache" / "mode").exists()


def test_bazel_of_another_version_is_not_used(tmp_path: Path) -> None:
    program(tmp_path, "bazel", "exit 0", version="bazel 6.0.0")
    assert decide(tmp_path) == (mode.CLOSED, "")
    assert calls(tmp_path) == ["--version"]


def test_bazelisk_called_bazel_is_recognised(tmp_path: Path) -> None:
    path = program(tmp_path, "bazel", "exit 0", f"Bazelisk version: v1\nbazel {VERSION}")
    assert decide(tmp_path) == (mode.CENTRAL, str(path))


def test_a_changed_program_is_asked_again(tmp_path: Path) -> None:
    program(tmp_path, "bazelisk", f"echo '{UNREACHABLE}'; exit 2")
    assert decide(tmp_path)[0] == mode.CLOSED
    path = program(tmp_path, "bazelisk", "exit 0 # another")
    assert decide(tmp_path) == (mode.CENTRAL, str(path))


def test_a_probe_that_hangs_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mode, "_PROBE_SECONDS", 0.3)
    program(tmp_path, "bazelisk", "sleep 60")
    assert decide(tmp_path) == (mode.CLOSED, "")


def test_link_to_this_launcher_is_not_taken_for_bazel(tmp_path: Path) -> None:
    launcher = tmp_path / "checkout" / "bazelw"
    launcher.write_text("#!/bin/sh\nexit 1\n")
    launcher.chmod(0o755)
    (tmp_path / "bin" / "bazel").symlink_to(launcher)
    assert decide(tmp_path) == (mode.CLOSED, "")


def test_forced_modes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BAZELW_MODE", "central")
    with pytest.raises(BootstrapError, match="install bazelisk"):
        decide(tmp_path)
    path = program(tmp_path, "bazelisk", f"echo '{UNREACHABLE}'; exit 2")
    assert decide(tmp_path) == (mode.CENTRAL, str(path))
    monkeypatch.setenv("BAZELW_MODE", "closed")
    assert decide(tmp_path) == (mode.CLOSED, "")
    assert calls(tmp_path) == []
    monkeypatch.setenv("BAZELW_MODE", "open")
    with pytest.raises(BootstrapError, match="BAZELW_MODE=open"):
        decide(tmp_path)


@pytest.mark.parametrize(
    ("status", "said", "expected"),
    [
        (0, "", mode.CENTRAL),
        (None, "", mode.CLOSED),
        (2, UNREACHABLE, mode.CLOSED),
        (1, "could not download Bazel: dial tcp: lookup x: no such host", mode.CLOSED),
        (2, "ERROR: Unrecognized option: --foo", ""),
    ],
)
def test_verdict(status: "int | None", said: str, expected: str) -> None:
    assert mode.verdict(status, said) == expected
