"""Tests for smoke.py: what a Bazel that works leaves behind."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.bootstrap import common, launch, registry, relocate, smoke, truststore

# Answers as Bazel would, and as a JVM does that is told to write down its classes.
_BAZEL = """\
#!/bin/sh
for word; do
    case $word in
        --output_base=*) mkdir -p "${word#*=}"; : > "${word#*=}/java.log" ;;
        --host_jvm_args=-XX:ArchiveClassesAtExit=*) classes=${word#*AtExit=} ;;
        version) echo bazel 7.7.1 ;;
        build) mkdir bazel-bin; echo smoke test > bazel-bin/smoke.txt ;;
        shutdown) [ -e "$0.none" ] || echo classes > "$classes" ;;
    esac
done
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A provisioned directory with that Bazel in its root."""
    monkeypatch.setattr(relocate, "java_home", lambda root: "jvm")
    monkeypatch.setattr(registry, "debian_modules", lambda root: [])
    monkeypatch.setattr(registry, "stubs", lambda checkout: [])
    monkeypatch.setattr(registry, "generate", lambda *words: None)
    monkeypatch.setattr(truststore, "ensure", lambda directory: None)
    program = Path(launch.program(str(tmp_path / "root")))
    program.parent.mkdir(parents=True)
    program.write_text(_BAZEL)
    program.chmod(0o755)
    sandbox = tmp_path / "root" / launch.INSTALL_BASE / "linux-sandbox"
    sandbox.parent.mkdir(parents=True)
    sandbox.symlink_to("/bin/true")
    return tmp_path


def check(home: Path) -> None:
    smoke.check(str(home), str(home / "root"), "7.7.1")


def shared(home: Path) -> list[str]:
    """The option of later servers that names the classes."""
    words = launch.command(str(home), str(home / "root"), "jvm", "bazelrc", ["build"])
    return [word for word in words if "SharedArchiveFile" in word]


def test_later_servers_start_with_the_classes_of_the_tried_one(home: Path) -> None:
    check(home)
    classes = home / launch.CLASSES
    assert classes.read_text() == "classes\n"
    assert shared(home) == [f"--host_jvm_args=-XX:SharedArchiveFile={classes}"]
    assert not (home / "smoke").exists()


def test_a_jvm_that_writes_no_classes_will_do(home: Path) -> None:
    (home / launch.CLASSES).write_text("of another Bazel\n")
    Path(launch.program(str(home / "root")) + ".none").touch()
    check(home)
    assert shared(home) == []


def test_a_bazel_of_another_version_leaves_none(home: Path) -> None:
    with pytest.raises(common.BootstrapError, match=r"wants 8\.0\.0"):
        smoke.check(str(home), str(home / "root"), "8.0.0")
    assert shared(home) == []
