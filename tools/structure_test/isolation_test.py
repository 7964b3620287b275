"""What an image under test can do to the machine and to its own verdict: nothing.

Each attack is a program in the image, run by the runner as people run it: a process of its own. The
program is Python; the tool interpreter is shown to the container, so that the image needs none.
"""

import errno
import fcntl
import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tools.sandbox.testing import (
    add_image,
    interpreter,
    layer,
    link,
    member,
    needs_namespaces,
    python,
    write_index,
)

BINARY = Path(os.environ["STRUCTURE_TEST"]).absolute()
pytestmark = needs_namespaces
Members = list[Any]
# A test image's usual folders; the attacks take some away or put something else there.
FOLDERS = [member("etc"), member("tmp", mode=0o1777), member("dev"), member("proc"), member("sys")]


class Runner:
    """Runs the tool on an image made of `members`, with this test's folder as its TMPDIR."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.work = folder / "work"
        self.work.mkdir(mode=0o755)

    def command(
        self, members: Members, tests: dict[str, Any], config: dict[str, Any], more: list[str]
    ) -> list[str]:
        layout = self.folder / "layout"
        layout.mkdir()
        write_index(layout, [add_image(layout, [layer(*members)], config)])
        return self._command(tests, more)

    def _command(self, tests: dict[str, Any], more: list[str]) -> list[str]:
        layout = self.folder / "layout"
        yaml = self.folder / "tests.yaml"
        yaml.write_text(json.dumps({"schemaVersion": "2.0.0", **tests}))
        return [
            *(sys.executable, "-m", "tools.structure_test.run_tests"),
            *("--layout", str(layout), "--binary", str(BINARY)),
            *("--mount", f"{interpreter()}:/python"),
            *more,
            str(yaml),
        ]

    def environment(self) -> dict[str, str]:
        return {
            **{k: v for k, v in os.environ.items() if k != "XML_OUTPUT_FILE"},
            "TEST_TMPDIR": str(self.work),
        }

    def run(
        self,
        members: Members | None = None,
        config: dict[str, Any] | None = None,
        more: tuple[str, ...] = (),
        pass_fds: tuple[int, ...] = (),
        **tests: Any,
    ) -> subprocess.CompletedProcess[str]:
        command = self.command(
            FOLDERS if members is None else members, tests, config or {}, list(more)
        )
        return subprocess.run(
            command,
            env=self.environment(),
            capture_output=True,
            text=True,
            check=False,
            pass_fds=pass_fds,
            timeout=120,
        )

    def again(self, **tests: Any) -> subprocess.CompletedProcess[str]:
        """Other tests of the same image."""
        return subprocess.run(
            self._command(tests, []),
            env=self.environment(),
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    return Runner(tmp_path)


def program(code: str, **expected: Any) -> list[dict[str, Any]]:
    """One command test that runs Python `code` in the image."""
    command, *args = python(code)
    return [{"name": "attack", "command": command, "args": args, **expected}]


# S1: the verdict


def test_output_that_says_skipped_is_a_failure(runner: Runner) -> None:
    code = "print('SKIPPED: hi')"
    done = runner.run(commandTests=program(code, expectedOutput=["hello"]))
    assert done.returncode == 1, done.stdout
    assert "0 passed, 1 failed, 0 skipped" in done.stdout


def test_a_file_that_says_skipped_is_a_failure(runner: Runner) -> None:
    members = [*FOLDERS, member("etc/f", b"SKIPPED: hi")]
    test = {"name": "f", "path": "/etc/f", "expectedContents": ["hello"]}
    done = runner.run(members, fileContentTests=[test])
    assert done.returncode == 1, done.stdout
    assert "0 passed, 1 failed, 0 skipped" in done.stdout


def test_an_answer_like_the_engine_s_own_is_a_failure(runner: Runner) -> None:
    text = 'API error (501): {"message":"SKIPPED: no emulator"}'
    done = runner.run(commandTests=program(f"print({text!r})", expectedOutput=["hello"]))
    assert (done.returncode, "0 skipped" in done.stdout) == (1, True)


def test_no_line_of_the_image_looks_like_the_runner_s(runner: Runner) -> None:
    """.ci/run collects lines of the log that begin with SKIPPED; terminals obey escapes."""
    code = r"print('\nSKIPPED 1 of 1 tests: x\r\x0bSKIPPED y\x1b[2J')"
    done = runner.run(commandTests=program(code, expectedOutput=["hello"]))
    assert done.returncode == 1
    lines = (done.stdout + done.stderr).splitlines()
    assert not [line for line in lines if line.startswith("SKIPPED")]
    assert "\x1b" not in done.stdout + done.stderr


# S2: the image's faults


@pytest.mark.parametrize(
    ("members", "config"),
    [
        ([link("dev", "tmp"), member("tmp")], {}),
        ([link("dev", "/nowhere")], {}),
        ([member("proc", b"")], {}),
        ([member("sys", b"")], {}),
        ([member("etc", b"")], {}),
        ([member("etc"), member("etc/hosts")], {}),
        ([member("w", b"")], {"WorkingDir": "/w"}),
        ([], {"WorkingDir": "/a\0b"}),
        ([], {"WorkingDir": "/" + "x" * 300}),
        ([], {"Env": ["A=\0"]}),
        ([], {"Env": [7]}),
        ([], {"WorkingDir": ["/"]}),
        ([link("python", "/python")], {}),
    ],
    ids=str,
)
def test_what_the_image_gets_wrong_fails(
    runner: Runner, members: Members, config: dict[str, Any]
) -> None:
    done = runner.run(members, config, commandTests=program("print('ran')"))
    assert done.returncode == 1, done.stdout
    assert "0 passed, 1 failed, 0 skipped" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


# S3, S4: descriptors of the runner, files of the machine


@pytest.mark.parametrize("name", ["hosts", "hostname"])
def test_files_of_ours_are_not_written_through_links(runner: Runner, name: str) -> None:
    victim = runner.folder / "victim"
    victim.write_text("precious")
    descriptor = os.open(victim, os.O_RDWR)
    for number in (1, descriptor):
        folder = runner.folder / str(number)
        folder.mkdir()
        members = [*FOLDERS, link(f"etc/{name}", f"/proc/self/fd/{number}")]
        done = Runner(folder).run(members, {}, (), (descriptor,), commandTests=program("pass"))
        assert done.returncode == 1, done.stdout
        assert "attack" in done.stdout
        assert victim.read_text() == "precious"
    os.close(descriptor)


def test_the_log_is_not_written_through_links(runner: Runner) -> None:
    members = [*FOLDERS, link("etc/hosts", "/proc/self/fd/1")]
    log = runner.folder / "log"
    command = runner.command(members, {"commandTests": program("pass")}, {}, [])
    with log.open("w") as file:
        file.write("before\n")
        file.flush()
        subprocess.run(
            command, env=runner.environment(), stdout=file, stderr=file, check=False, timeout=120
        )
    assert log.read_text().startswith("before\n")
    assert "localhost" not in log.read_text()


def test_an_inherited_folder_is_no_working_directory(runner: Runner) -> None:
    descriptor = os.open("/", os.O_RDONLY)
    config = {"WorkingDir": f"/proc/self/fd/{descriptor}"}
    code = "import os; print(os.listdir('.'))"
    done = runner.run(None, config, (), (descriptor,), commandTests=program(code))
    os.close(descriptor)
    assert done.returncode == 1, done.stdout
    assert "WorkingDir" in done.stdout


@pytest.mark.parametrize("folder", ["/proc/self/cwd", "/proc/1/root", "/proc/1/cwd"])
def test_magic_links_are_no_working_directory(runner: Runner, folder: str) -> None:
    done = runner.run(None, {"WorkingDir": folder}, commandTests=program("pass"))
    assert done.returncode == 1, done.stdout


def test_no_descriptor_is_inherited(runner: Runner) -> None:
    descriptor = os.open("/", os.O_RDONLY)
    high = fcntl.fcntl(descriptor, fcntl.F_DUPFD, 200)
    code = "import os; print(sorted(map(int, os.listdir('/proc/self/fd')))[:-1])"
    tests = program(code, expectedOutput=[r"^\[0, 1, 2\]\n$"])
    done = runner.run(None, {}, (), (descriptor, high), commandTests=tests)
    assert done.returncode == 0, done.stdout


# S5: the kernel


WRITE = """
import os
for path in ("/proc/sys/kernel/core_pattern", "/proc/sys/vm/overcommit_memory",
             "/proc/sys/kernel/hostname", "/proc/sysrq-trigger", "/proc/irq/default_smp_affinity",
             "/sys/kernel/mm/transparent_hugepage/enabled", "/proc/fs/x", "/proc/bus/x"):
    try:
        os.close(os.open(path, os.O_WRONLY))
        print("open", path)
    except FileNotFoundError:
        pass
    except OSError as error:
        print(error.strerror)
"""


def test_the_machine_s_settings_can_not_be_written(runner: Runner) -> None:
    tests = program(WRITE, expectedOutput=[r"^((Read-only file system|Permission denied)\n){3,}$"])
    done = runner.run(commandTests=tests)
    assert done.returncode == 0, done.stdout


MASKED = """
import os
def content(path):
    try:
        return os.listdir(path) if os.path.isdir(path) else open(path, "rb").read(1)
    except FileNotFoundError:
        return None
    except PermissionError:
        return None
paths = ("/proc/kcore", "/proc/keys", "/proc/timer_list", "/proc/sched_debug", "/proc/acpi",
         "/proc/scsi", "/proc/asound", "/proc/latency_stats", "/sys/firmware")
print([p for p in paths if content(p)])
"""


def test_what_tells_of_the_machine_is_masked(runner: Runner) -> None:
    done = runner.run(commandTests=program(MASKED, expectedOutput=[r"^\[\]\n$"]))
    assert done.returncode == 0, done.stdout


STATUS = """
wanted = ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp")
fields = dict(line.split(":", 1) for line in open("/proc/self/status"))
print(*(int(fields[name], 16) for name in wanted))
"""


def test_capabilities_are_those_of_engines(runner: Runner) -> None:
    # CHOWN DAC_OVERRIDE FOWNER FSETID KILL SETGID SETUID SETPCAP NET_BIND_SERVICE NET_RAW
    # SYS_CHROOT MKNOD AUDIT_WRITE SETFCAP
    usual = 0xA80425FB
    expected = f"^0 {usual} {usual} {usual} 0 1 2\n$"
    done = runner.run(commandTests=program(STATUS, expectedOutput=[expected]))
    assert done.returncode == 0, done.stdout


CALLS = """
import ctypes, errno, os
libc = ctypes.CDLL(None, use_errno=True)
def call(*arguments):
    ctypes.set_errno(0)
    result = libc.syscall(*map(ctypes.c_long, arguments))
    return errno.errorcode[ctypes.get_errno()] if result < 0 else "done"
calls = {
    "unshare(NEWUSER)": (272, 0x10000000), "clone(NEWUSER)": (56, 0x10000000 | 17, 0, 0, 0, 0),
    "clone3": (435, 0, 0), "mount": (165, 0, 0, 0, 0, 0), "umount2": (166, 0, 0),
    "keyctl": (250, 0, -3, 1), "add_key": (248, 0, 0, 0, 0, 0), "bpf": (321, 0, 0, 0),
    "kexec_load": (246, 0, 0, 0, 0), "userfaultfd": (323, 0), "io_uring_setup": (425, 1, 0),
    "perf_event_open": (298, 0, 0, 0, 0, 0), "open_by_handle_at": (304, -1, 0, 0),
    "ioctl(TIOCSTI)": (16, 0, 0x5412, 0), "ioctl(TIOCSTI) with high bits": (16, 0, 0x100005412, 0),
    "ioctl(TIOCLINUX)": (16, 0, 0x541C, 0),
    "socket(AF_VSOCK)": (41, 40, 1, 0), "personality": (135, 0x0400000),
    "of the future": (999, 0), "x32": (0x40000000 | 39,),
}
for name, arguments in calls.items():
    print(name, call(*arguments))
"""

ANSWERS = {
    "clone3": "ENOSYS",
    "io_uring_setup": "ENOSYS",
    "of the future": "ENOSYS",
    "x32": "ENOSYS",
    "socket(AF_VSOCK)": "EAFNOSUPPORT",
}


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="SKIPPED: numbers are x86-64's")
def test_system_calls_that_engines_refuse_are_refused(runner: Runner) -> None:
    names = re.findall(r'"([^"]+)": \(', CALLS)
    assert len(names) > 15
    lines = [re.escape(f"{name} {ANSWERS.get(name, 'EPERM')}\n") for name in names]
    expected = f"^{''.join(lines)}$".replace("\\ ", " ").replace("\\\n", "\n")
    done = runner.run(commandTests=program(CALLS, expectedOutput=[expected]))
    assert done.returncode == 0, done.stdout


def all_ids() -> bool:
    """Whether this process may become any user: real root, not that of a sandbox with one id."""
    maps = Path("/proc/self/uid_map").read_text().split()
    return os.geteuid() == 0 and int(maps[2]) > 65534


@pytest.mark.skipif(not all_ids(), reason="SKIPPED: takes root, with every id")
def test_root_of_the_machine_is_not_root_in_the_container(runner: Runner) -> None:
    runner.folder.chmod(0o700)
    code = "import time; open('/tmp/pid', 'w').close(); print(open('/proc/self/uid_map').read())"
    done = runner.run(commandTests=program(code, expectedOutput=[r"^ +0 +65534 +1\n\n$"]))
    assert done.returncode == 0, done.stdout + done.stderr


# The image's user

USERS = [
    *(member("etc"), member("tmp", mode=0o1777), member("dev"), member("proc"), member("sys")),
    member("etc/passwd", b"root:x:0:0::/root:/bin/sh\napp:x:10001:10002::/home/app:/bin/sh\n"),
    member("etc/group", b"root:x:0:\nvideo:x:44:app\n"),
    member("etc/shadow", b"secret", mode=0o640, gid=42),
    member("etc/video", b"film", mode=0o640, gid=44),
    member("etc/own", b"", mode=0o600, uid=10001, gid=10002),
    member("etc/unowned", b"", mode=0o600, uid=3_000_000_000),
    member("root", mode=0o700),
    member("home"),
    member("home/app", uid=10001, gid=10002),
    member("home/group", mode=0o775, gid=44),
]

ACCESS = """
import os
print(os.getuid(), os.getgid(), os.environ["HOME"], os.getcwd())
def may(path, how):
    try:
        if how == "list":
            os.listdir(path)
        else:
            open(path, how).close()
    except OSError as error:
        return type(error).__name__
    return "yes"
for path, how in (("/x", "w"), ("/etc/passwd", "a"), ("/etc/x", "w"), ("/etc/shadow", "r"),
                  ("/root", "list"), ("/etc/unowned", "r"), ("/proc/1/environ", "r"),
                  ("/etc/video", "r"), ("/etc/own", "a"), ("/etc/passwd", "r"), ("/tmp/x", "w"),
                  ("/home/app/x", "w"), ("/home/group/x", "w"), ("/dev/null", "w"),
                  ("/dev/shm/x", "w"), ("/dev/stdout", "w")):
    print(path, how, may(path, how))
"""

DENIED = (
    *("/x w", "/etc/passwd a", "/etc/x w", "/etc/shadow r", "/root list", "/etc/unowned r"),
    "/proc/1/environ r",
)
ALLOWED = (
    *("/etc/video r", "/etc/own a", "/etc/passwd r", "/tmp/x w", "/home/app/x w"),
    *("/home/group/x w", "/dev/null w", "/dev/shm/x w", "/dev/stdout w"),
)


@pytest.mark.parametrize(
    ("image", "test"), [("app", None), ("10001", None), ("", "app"), ("root", "app")]
)
def test_commands_run_as_the_image_s_user(runner: Runner, image: str, test: str | None) -> None:
    """With its access: what belongs to others is theirs, though there may be one id alone."""
    lines = [
        "10001 10002 /home/app /home/app\n",
        *(f"{case} PermissionError\n" for case in DENIED),
        *(f"{case} yes\n" for case in ALLOWED),
    ]
    tests = program(ACCESS, expectedOutput=["^" + "".join(lines) + "$"])
    options: dict[str, Any] = {"containerRunOptions": {"user": test}} if test else {}
    config = {"User": image, "WorkingDir": "/home/app"}
    done = runner.run(USERS, config, commandTests=tests, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed, 0 failed, 0 skipped" in done.stdout


def test_a_number_needs_no_entry(runner: Runner) -> None:
    code = "import os; print(os.getuid(), os.getgid(), os.environ['HOME'])"
    tests = program(code, expectedOutput=["^1000660000 0 /\n$"])
    done = runner.run(USERS, {"User": "1000660000"}, commandTests=tests)
    assert done.returncode == 0, done.stdout + done.stderr


def test_another_user_has_no_capabilities(runner: Runner) -> None:
    tests = program(STATUS, expectedOutput=["^0 0 0 0 0 1 2\n$"])
    done = runner.run(USERS, {"User": "app"}, commandTests=tests)
    assert done.returncode == 0, done.stdout + done.stderr


def test_supplementary_groups_are_the_image_s(runner: Runner) -> None:
    """Or, where a container has one id, the log says that they can't be seen."""
    code = "import os; print(44 in os.getgroups())"
    told = "note: commands of user 10001:10002"
    done = runner.run(
        USERS, {"User": "app"}, commandTests=program(code, expectedOutput=["True|False"])
    )
    assert done.returncode == 0, done.stdout + done.stderr
    seen = runner.again(commandTests=program(code, expectedOutput=["True"])).returncode == 0
    assert seen == (told not in done.stdout)
    assert seen or not all_ids()


def test_an_unknown_user_is_a_failure(runner: Runner) -> None:
    done = runner.run(USERS, {"User": "nobody"}, commandTests=program("pass"))
    assert done.returncode == 1, done.stdout
    assert "user 'nobody' is not in the image's /etc/passwd" in done.stdout


# S6: the terminal


TERMINAL = """
import fcntl, os
for path in ("/dev/tty", "/dev/console", "/dev/tty0"):
    try:
        fd = os.open(path, os.O_RDWR)
        fcntl.ioctl(fd, 0x5412, b"X")
        print("typed")
    except OSError as error:
        print(type(error).__name__)
print(os.getsid(0) != 0, os.read(0, 9), os.listdir("/dev/pts"))
"""


def test_the_user_s_terminal_is_out_of_reach(runner: Runner) -> None:
    """The runner is started as from a shell: its session's terminal is a terminal of ours."""
    expected = r"^(\w*Error\n){3}True b'' \['ptmx'\]\n$"
    tests = {"commandTests": program(TERMINAL, expectedOutput=[expected])}
    command = runner.command(FOLDERS, tests, {}, [])
    pid, terminal = pty.fork()
    if not pid:
        try:
            os.execve(command[0], command, runner.environment())
        finally:
            os._exit(127)
    output = b""
    while True:
        try:
            data = os.read(terminal, 1 << 16)
        except OSError as error:  # how Linux says that the other end is closed
            assert error.errno == errno.EIO
            break
        if not data:
            break
        output += data
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    assert status == 0, output.decode()


# S7: what is left behind

# Leaves its parents and every death signal behind, says that it lives, and swaps links in.
OUTLIVE = """
import ctypes, os, signal, time
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
    signal.signal(number, signal.SIG_IGN)
ctypes.CDLL(None).prctl(1, 0)
if os.fork() == 0:
    os.setsid()
    ctypes.CDLL(None).prctl(1, 0)
    if os.fork() == 0:
        ctypes.CDLL(None).prctl(1, 0)
        os.makedirs("/scratch/a/b/c", exist_ok=True)
        os.chmod("/scratch/a", 0)
        number = 0
        while True:
            number += 1
            for name in ("x", "y"):
                path = "/scratch/" + name
                try:
                    os.mkdir(path)
                    os.rmdir(path)
                    os.symlink("/victim", path)
                    os.unlink(path)
                except OSError:
                    pass
            with open("/scratch/beat", "a") as file:
                file.write(".")
time.sleep(600)
"""


def still_beats(inode_path: Path) -> bool:
    """Whether a process still writes to the file (held open, so that removal does not hide it)."""
    with inode_path.open("rb") as file:
        before = os.fstat(file.fileno()).st_size
        time.sleep(0.3)
        return os.fstat(file.fileno()).st_size != before


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGKILL])
def test_nothing_outlives_the_runner(runner: Runner, number: signal.Signals) -> None:
    kept = runner.folder / "kept"
    kept.mkdir(mode=0o777)
    kept.chmod(0o777)
    tests = {"commandTests": program(OUTLIVE)}
    command = runner.command(FOLDERS, tests, {}, ["--scratch", "/scratch"])
    process = subprocess.Popen(
        command, env=runner.environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    assert process.stdout
    deadline = time.monotonic() + 60
    while not (beats := list(runner.work.rglob("scratch/beat"))) or not beats[0].stat().st_size:
        assert time.monotonic() < deadline
        assert process.poll() is None, process.stdout.read()
        time.sleep(0.05)
    with beats[0].open("rb") as beat:
        process.send_signal(number)
        process.wait(timeout=20)
        # Whoever holds the runner's output open is still there.
        assert select.select([process.stdout], [], [], 10)[0]
        time.sleep(0.5 if number == signal.SIGKILL else 0)
        size = os.fstat(beat.fileno()).st_size
        time.sleep(0.3)
        assert os.fstat(beat.fileno()).st_size == size, "a process of the image still runs"
    if number == signal.SIGKILL:  # nobody waits for what cleans up then
        while left := list(runner.work.glob("*/*")):
            assert time.monotonic() < deadline, left
            time.sleep(0.05)
    else:
        assert process.returncode == 128 + number
        assert list(runner.work.iterdir()) == []


def test_background_processes_end_with_their_command(runner: Runner) -> None:
    code = OUTLIVE.replace("time.sleep(600)", "time.sleep(0.5)")
    look = """
import os, time
size = os.stat("/scratch/beat").st_size
time.sleep(0.3)
print(size > 0, os.stat("/scratch/beat").st_size == size)
"""
    tests = [*program(code), *program(look, expectedOutput=["^True True\n$"])]
    done = runner.run(None, {}, ("--scratch", "/scratch"), commandTests=tests)
    assert done.returncode == 0, done.stdout
    assert list(runner.work.iterdir()) == []


# Limits


def limited(runner: Runner, code: str, *more: str) -> str:
    started = time.monotonic()
    done = runner.run(None, {}, more, commandTests=program(code, expectedOutput=["end"]))
    assert done.returncode == 1, done.stdout
    assert time.monotonic() - started < 60
    return done.stdout


@pytest.mark.parametrize(
    ("code", "more", "message"),
    [
        ("import time; time.sleep(600)", ("--command-seconds=1",), "ran for more than 1 second"),
        ("while True: print('x' * 4000)", ("--output-mib=1",), "wrote more than 1 MiB"),
        ("import os\nwhile True: os.write(2, b'x' * 4000)", ("--output-mib=1",), "more than 1 MiB"),
        ("x = bytearray(300 << 20)", ("--memory-mib=200",), "MemoryError"),
    ],
)
def test_limits(runner: Runner, code: str, more: tuple[str, ...], message: str) -> None:
    assert message in limited(runner, code, *more)


def test_processes_are_limited(runner: Runner) -> None:
    code = """
import os, time
count = 0
try:
    while count < 500:
        if os.fork() == 0:
            time.sleep(60)
            os._exit(0)
        count += 1
except OSError as error:
    print(100 < count < 400, error.strerror, flush=True)
os._exit(0)
"""
    more = ("--processes=310",)
    tests = program(code, expectedOutput=["^True Resource temporarily unavailable\n$"])
    done = runner.run(None, {}, more, commandTests=tests)
    assert done.returncode == 0, done.stdout
