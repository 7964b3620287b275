"""The runner as people start it, on small images whose program is the tool interpreter."""

import fcntl
import os
import pty
import select
import signal
import socket
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tools.sandbox.testing import (
    add_image,
    interpreter,
    layer,
    member,
    needs_namespaces,
    python,
    write_index,
)

RUN = "./bazelw run //images:x.run"
PASSWD = b"root:x:0:0::/root:/bin/sh\napp:x:10001:10002::/home/app:/bin/sh\n"


class Images:
    """A layout with an image, and the runner on it."""

    def __init__(self, folder: Path) -> None:
        self.layout = folder / "layout"
        self.work = folder / "work"
        self.here = folder / "here"
        for path in (self.layout, self.work, self.here):
            path.mkdir()

    def write(self, config: dict[str, Any], *members: Any, architecture: str = "amd64") -> None:
        image = [member("etc"), member("etc/passwd", PASSWD), member("tmp", mode=0o1777), *members]
        added = add_image(self.layout, [layer(*image)], config, architecture)
        write_index(self.layout, [added])

    def words(self, *arguments: str, own: tuple[str, ...] = ()) -> list[str]:
        return [
            *(sys.executable, "-m", "tools.run_image.run_image"),
            *(f"--layout={self.layout}", f"--command={RUN}", *own, f"--folder={self.here}", "--"),
            *("--volume", f"{interpreter()}:/python:ro", *arguments),
        ]

    def environment(self) -> dict[str, str]:
        return {**os.environ, "TEST_TMPDIR": str(self.work)}

    def run(self, *arguments: str, **more: Any) -> subprocess.CompletedProcess[str]:
        own = more.pop("own", ())
        done = subprocess.run(
            self.words(*arguments, own=own),
            env=self.environment(),
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
            **more,
        )
        assert list(self.work.iterdir()) == []
        return done


@pytest.fixture
def images(tmp_path: Path) -> Images:
    return Images(tmp_path)


@needs_namespaces
def test_streams_and_exit_status_are_the_command_s(images: Images) -> None:
    images.write({})
    code = "import sys; sys.stdout.write(sys.stdin.read().upper()); print('x', file=sys.stderr)"
    done = images.run(*python(code + "; sys.exit(7)"), input="hello")
    assert (done.returncode, done.stdout, done.stderr) == (7, "HELLO", "x\n")


@needs_namespaces
def test_the_image_s_own_command_runs_as_its_user(images: Images) -> None:
    code = "import os, sys; print(os.getuid(), os.getgid(), os.getcwd(), *sys.argv[1:])"
    names = "print(*(os.environ.get(name) for name in ('HOME', 'A', 'B', 'C')))"
    entrypoint = python(f"{code}; {names}")
    config = {"User": "app", "Entrypoint": entrypoint, "Cmd": ["own"], "WorkingDir": "/w"}
    images.write({**config, "Env": ["A=1", "B=2"]})
    done = images.run()
    assert done.stdout == "10001 10002 /w own\n/home/app 1 2 None\n", done.stderr
    done = images.run("--env=B=3", "--env=C=4", "--user=0", "--workdir=/tmp", "--", "--mine")
    assert done.stdout == "0 0 /tmp --mine\n/root 1 3 4\n", done.stderr


@needs_namespaces
@pytest.mark.parametrize("user", ["0", "app", "4711:5"])
def test_volumes_belong_to_who_runs_it(images: Images, user: str) -> None:
    """And nothing else that is written stays."""
    images.write({})
    (images.here / "in").write_text("given")
    code = """
import os
open("/data/out", "w").write(open("/data/in").read() + str(os.stat("/data/in").st_uid))
try:
    open("/fixed/out", "w")
except OSError as error:
    print(error.strerror)
open("/tmp/thrown-away", "w").close()
"""
    volumes = ("--volume", ".:/data", "--volume", ".:/fixed:ro", "--user", user)
    done = images.run(*volumes, *python(code))
    assert done.stdout == "Read-only file system\n", done.stderr
    uid = "10001" if user == "app" else user.partition(":")[0]
    assert (images.here / "out").read_text() == f"given{uid}"
    assert (images.here / "out").stat().st_uid == os.geteuid()


@needs_namespaces
def test_the_network_is_this_machine_s_unless_told(images: Images) -> None:
    images.write({})
    code = "import socket; print([name for _, name in socket.if_nameindex()])"
    done = images.run(*python(code))
    here = [name for _, name in socket.if_nameindex()]
    assert done.stdout == f"{here}\n", done.stderr
    assert images.run("--no-network", *python(code)).stdout == "['lo']\n"


@needs_namespaces
@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (("/nope",), 127, "/nope: No such file or directory (in the image)"),
        (("/etc/passwd",), 126, "/etc/passwd: Permission denied (in the image)"),
        (("--user=nobody", "x"), 125, "user 'nobody' is not in the image's /etc/passwd"),
        (("--volum=x",), 2, "--volum=x is no option of"),
        ((), 125, f"the image has no command of its own; name one: {RUN} -- COMMAND"),
        (("--platform=linux/arm64", "x"), 125, "0 images for platform linux/arm64"),
    ],
)
def test_what_can_not_run_is_one_error(
    images: Images, arguments: tuple[str, ...], status: int, message: str
) -> None:
    images.write({})
    done = images.run(*arguments)
    assert (done.returncode, done.stdout) == (status, "")
    assert done.stderr.startswith("error: ")
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1


@needs_namespaces
def test_an_image_without_a_shell_says_so(images: Images) -> None:
    images.write({"Cmd": ["/x"]})
    done = images.run("-c", "true", own=("--shell",))
    assert done.returncode == 125
    assert "neither bash nor sh is in its /bin, /usr/bin or PATH" in done.stderr
    assert f"{RUN}.run -- PROGRAM" in done.stderr


@needs_namespaces
def test_a_shell_may_be_in_a_folder_of_the_path(images: Images) -> None:
    """As busybox is, in debug variants. This one can't run, but the error names it."""
    tools = [member("tools"), member("tools/sh", b"\x7fnope", mode=0o755)]
    images.write({"Env": ["PATH=/bin:/tools"]}, *tools)
    done = images.run(own=("--shell",))
    assert done.returncode == 126
    assert "/tools/sh: Exec format error (in the image)" in done.stderr


@needs_namespaces
def test_a_foreign_image_without_emulator_says_what_brings_one(images: Images) -> None:
    images.write({}, architecture="s390x")
    done = images.run("/x")
    assert done.returncode == 125
    assert "no emulator was given for linux/s390x" in done.stderr


def test_an_index_without_this_machine_s_image(images: Images) -> None:
    raw = layer(member("etc"))
    added = [add_image(images.layout, [raw], {}, name) for name in ("s390x", "arm64")]
    write_index(images.layout, added)
    done = images.run("/x")
    assert done.returncode == 125
    assert "it holds: linux/s390x, linux/arm64" in done.stderr


WAITS = r"""
import os, signal, time
def leave(number, frame):
    os.write(1, b"got %d\n" % number)
    os._exit(40 + number)
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, leave)
print("ready", flush=True)
time.sleep(100)
"""


def started(images: Images, *words: str) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        images.words(*words),
        env=images.environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
    )
    assert process.stdout
    assert process.stdout.readline() == b"ready\n"
    return process


@needs_namespaces
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signals_are_the_command_s(images: Images, number: signal.Signals) -> None:
    images.write({})
    process = started(images, *python(WAITS))
    process.send_signal(number)
    shown, _ = process.communicate(timeout=60)
    assert (process.returncode, shown) == (40 + number, b"got %d\n" % number)
    assert list(images.work.iterdir()) == []


@needs_namespaces
def test_nothing_outlives_the_runner(images: Images) -> None:
    images.write({})
    process = started(images, *python(WAITS))
    process.kill()
    process.wait()
    assert process.stdout
    # Whoever holds the output open is still there.
    assert process.stdout.read() == b""
    deadline = time.monotonic() + 30
    while left := list(images.work.glob("*/*")):  # nobody waits for what cleans up then
        assert time.monotonic() < deadline, left
        time.sleep(0.05)


class Terminal:
    """What somebody sees of a program in a terminal of 77 columns."""

    def __init__(self, words: list[str], environment: dict[str, str]) -> None:
        self.shown = b""
        self._pid, self.descriptor = pty.fork()
        if not self._pid:
            try:
                fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("4H", 33, 77, 0, 0))
                os.execve(words[0], words, environment)
            finally:
                os._exit(1)

    def wait_for(self, text: bytes) -> None:
        deadline = time.monotonic() + 60
        while text not in self.shown:
            assert time.monotonic() < deadline, self.shown
            if select.select([self.descriptor], [], [], 1)[0]:
                try:
                    self.shown += os.read(self.descriptor, 1 << 16)
                except OSError:
                    break
        assert text in self.shown, self.shown

    def type(self, keys: bytes) -> None:
        os.write(self.descriptor, keys)

    def end(self) -> int:
        """The exit status; all that was shown is read."""
        while True:
            try:
                data = os.read(self.descriptor, 1 << 16)
            except OSError:
                data = b""
            if not data:
                return os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1])
            self.shown += data


TYPES = """
import os, sys
print("terminal", os.ttyname(0), os.get_terminal_size(), os.environ["TERM"], flush=True)
with open("/dev/tty") as terminal:
    print("typed", terminal.readline(), flush=True)
try:
    print("ready", flush=True)
    sys.stdin.readline()
except KeyboardInterrupt:
    print("interrupted", flush=True)
sys.exit(9)
"""


@pytest.fixture
def environment(images: Images) -> Iterator[dict[str, str]]:
    yield {**images.environment(), "TERM": "vt100"}


@needs_namespaces
def test_a_terminal_of_its_own(images: Images, environment: dict[str, str]) -> None:
    """Keys are the command's: Ctrl-C interrupts it, and not the runner."""
    images.write({"User": "app"})
    seen = Terminal(images.words(*python(TYPES)), environment)
    seen.wait_for(b"terminal /dev/pts/0 os.terminal_size(columns=77, lines=33) vt100")
    seen.type(b"word\n")
    seen.wait_for(b"typed word")
    seen.wait_for(b"ready")
    seen.type(b"\x03")
    assert seen.end() == 9
    assert b"interrupted" in seen.shown
    assert list(images.work.iterdir()) == []
