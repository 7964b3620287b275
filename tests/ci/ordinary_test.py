"""What .ci/ordinary and .ci/run have an ordinary user do, with programs that only pretend."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

_ROOT = {"id": "echo 0"}
# Root that may make users, become them and mount.
_ABLE = _ROOT | {
    "getent": 'test -e "$HOME/../made" && echo "python-images:x:9:9::$HOME/../home:/bin/false"',
    "useradd": 'mkdir "$HOME/../home" && touch "$HOME/../made"',
    "chown": 'echo "chown $*" >>"$LOG"',
    "mount": 'echo "mount $*" >>"$LOG"',
    # Their options go before the command.
    "setpriv": 'while [ "$1" != env ]; do shift; done; exec "$@"',
    "unshare": 'while case $1 in -*) ;; *) false ;; esac; do shift; done; exec "$@"',
}
_BAZELW = 'echo "$HOME $PWD $*" >>"$LOG"'


class Machine:
    """A machine that finds `programs`, shell scripts by name, before the usual ones."""

    def __init__(self, folder: Path, programs: dict[str, str]) -> None:
        self.folder = folder
        self.log = folder / "log"
        self.checkout = folder / "checkout"
        shutil.copytree(".ci", self.checkout / ".ci")
        self.script(self.checkout / "bazelw", _BAZELW)
        self.script(folder / "bin/apt-get", "true")
        (folder / "root").mkdir()
        for name, text in programs.items():
            self.script(folder / "bin" / name, text)

    def script(self, path: Path, text: str) -> None:
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)

    def run(self, *words: str, path: str = "/usr/bin:/bin") -> subprocess.CompletedProcess[str]:
        """Run a script of .ci; its HOME is `folder`/root."""
        return subprocess.run(
            [self.checkout / ".ci" / words[0], *words[1:]],
            cwd="/",
            env={
                "HOME": str(self.folder / "root"),
                "LOG": str(self.log),
                "PATH": f"{self.folder}/bin:{path}",
                "TMPDIR": str(self.folder),
                "XDG_RUNTIME_DIR": "/run/user/0",
            },
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    def noted(self) -> list[str]:
        return self.log.read_text().splitlines() if self.log.exists() else []


def test_the_copy_has_what_belongs_to_the_checkout(tmp_path: Path) -> None:
    machine = Machine(tmp_path, _ABLE)
    (machine.checkout / "bazel-out").symlink_to("/absent")
    (machine.checkout / ".bazelrc.user").write_text("common --disk_cache=/root/disk\n")
    (machine.checkout / ".cache").mkdir()
    (machine.checkout / ".bazelrc").write_text("# flags\n")
    done = machine.run("ordinary", "prepare")
    assert done.returncode == 0, done.stderr
    home = Path(done.stdout.strip())
    assert home.resolve() == tmp_path / "home"
    kept = {path.name for path in (home / "checkout").iterdir()}
    assert kept == {".bazelrc", ".ci", "bazelw"}
    # A second time what has gone since goes.
    (machine.checkout / ".bazelrc").unlink()
    assert machine.run("ordinary", "prepare").returncode == 0
    assert not (home / "checkout/.bazelrc").exists()
    # The user may write where root has written.
    assert machine.noted()[-1].startswith("chown -R python-images:python-images ")
    assert machine.noted()[-1].endswith("root/.cache/python-images/disk")


def test_a_command_has_the_users_settings_and_roots_disk_cache(tmp_path: Path) -> None:
    machine = Machine(tmp_path, _ABLE)
    assert machine.run("ordinary", "prepare").returncode == 0
    shown = 'echo "$PWD"; env | sort | grep -E "^(HOME|LOGNAME|TMPDIR|USER|XDG.*)="; exit 3'
    done = machine.run("ordinary", "run", "sh", "-c", shown)
    assert done.returncode == 3, done.stderr
    home = f"{tmp_path}/root/../home"
    assert done.stdout.splitlines() == [
        f"{tmp_path}/home/checkout",
        f"HOME={home}",
        "LOGNAME=python-images",
        "USER=python-images",
    ]
    disk = ".cache/python-images/disk"
    assert machine.noted()[-1] == f"mount --bind {tmp_path}/root/{disk} {home}/{disk}"


@pytest.mark.parametrize(
    ("programs", "said"),
    [
        ({"id": "echo 1000"}, "this is not root"),
        (_ABLE | {"useradd": "exit 1"}, "the user python-images can't be made"),
        (_ABLE | {"unshare": '[ "$1" != --mount ]'}, "root may not mount here"),
        (_ABLE | {"unshare": '[ "$1" != --user ]'}, "an ordinary user can't make the namespaces"),
    ],
)
def test_machines_that_cannot_are_told_why(
    tmp_path: Path, programs: dict[str, str], said: str
) -> None:
    machine = Machine(tmp_path, programs)
    done = machine.run("ordinary", "prepare")
    assert done.returncode == 1
    assert done.stderr.startswith(f".ci/ordinary: {said}")
    # All of it runs all the same, and who runs it is told.
    done = machine.run("run")
    assert said in done.stderr
    assert "runs all of it" in done.stdout
    calls = [line.split() for line in machine.noted() if "--config=ci" in line]
    assert {words[1] for words in calls} == {str(machine.checkout)}
    assert {f"--disk_cache={tmp_path}/root/.cache/python-images/disk"} == {
        word for words in calls for word in words if word.startswith("--disk_cache=")
    }


def test_root_runs_only_what_takes_root(tmp_path: Path) -> None:
    machine = Machine(tmp_path, _ABLE)
    done = machine.run("run")
    # No test has run, so it fails.
    assert done.returncode == 1
    ran: dict[str, list[str]] = {"home": [], "root": []}
    for line in machine.noted():
        home, _, command, *words = line.split()
        if "--config=ci" in words:
            whose = Path(home).name
            cache = f"--disk_cache={home}/.cache/python-images/disk"
            assert cache in words, line
            ran[whose].append(f"{command} {next(w for w in words if w.startswith('//'))}")
    assert ran == {
        "home": ["test //...", "test //tests/e2e:all_tests", "run //tools:matrix_status"],
        "root": ["test //tests/e2e:root_tests", "run //tests/oracle:rootfs"],
    }
