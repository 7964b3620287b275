"""Runs container-structure-test's YAML against one image of an OCI layout.

    structure_test --layout DIR --binary container-structure-test [--platform linux/arm64]
                   [--emulator qemu-aarch64] [--mount FILE:PATH]... [--scratch PATH]
                   [--subject NAME] CONFIG.yaml...

The real container-structure-test runs with its docker driver; what answers it is engine.py. Ends
with 0 if tests ran and none failed. A test that this host can't run is SKIPPED and counted apart;
with `--no-skips`, or STRUCTURE_TEST_NO_SKIPS=1 in the environment, it counts as failed. Where all
are skipped nothing has been tested, and that is a failure, too.
"""

import argparse
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from tools.sandbox import keeper, linux, user_namespace, work
from tools.sandbox.folder import Folder, Shown
from tools.sandbox.layout import LayoutError, open_layers, read_image
from tools.sandbox.privileges import Limits
from tools.sandbox.rootfs import RootfsError
from tools.structure_test import configs, on_windows, report, service
from tools.structure_test.channel import Channel, Notes
from tools.structure_test.engine import IMAGE_NAME


class EngineError(Exception):
    """The engine could not serve the image, or went wrong itself."""


def _parse_mount(value: str) -> Shown:
    source, _, target = value.rpartition(":")
    if not source or not target.startswith("/"):
        raise argparse.ArgumentTypeError(f"{value!r}: expected FILE:/absolute/path")
    if not Path(source).exists():
        raise argparse.ArgumentTypeError(f"{value!r}: there is no {source}")
    return Shown(Path(source).resolve(), target)


def _positive(value: str) -> int:
    if not value.isdecimal() or int(value) < 1:
        raise argparse.ArgumentTypeError(f"{value!r}: expected a number of at least 1")
    return int(value)


def _default_seconds() -> int:
    """Bazel's time for the whole test, less what it takes to say so; an hour without Bazel."""
    timeout = os.environ.get("TEST_TIMEOUT", "")
    return max(int(timeout) - 10, 1) if timeout.isdecimal() else 3600


def _parse_arguments(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="structure_test", description=__doc__.split("\n")[0])
    parser.add_argument("--layout", type=Path, required=True, help="OCI image layout directory")
    parser.add_argument("--platform", help="which image, as os/arch[/variant]; default: the only")
    parser.add_argument("--binary", type=Path, required=True, help="container-structure-test")
    parser.add_argument("--emulator", type=Path, help="static qemu-user for the image's platform")
    parser.add_argument(
        "--mount",
        type=_parse_mount,
        action="append",
        default=[],
        metavar="FILE:PATH",
        help="show a file or directory, read-only, at an absolute path of every container",
    )
    parser.add_argument(
        "--scratch",
        metavar="PATH",
        help="an empty folder, writable, at this absolute path of every container: the same in all",
    )
    parser.add_argument("--subject", help="what the summary calls the image")
    limits = parser.add_argument_group("limits of a command")
    for option, default, text in (
        ("--command-seconds", _default_seconds(), "its time"),
        ("--memory-mib", Limits.memory_mib, "data of each of its processes"),
        ("--output-mib", Limits.output_mib, "its standard output, and its standard error"),
        ("--processes", Limits.processes, "its processes and threads"),
    ):
        limits.add_argument(
            option, type=_positive, default=default, metavar="N", help=f"{text}: {default}"
        )
    parser.add_argument("--no-skips", action="store_true", help="count skipped tests as failed")
    parser.add_argument("configs", type=Path, nargs="+", metavar="CONFIG", help="test YAML")
    return parser.parse_args(arguments)


@contextmanager
def _engine(job: service.Job, path: Path, socket_path: Path) -> Iterator[Channel]:
    """Run the engine in processes of its own; when this ends nothing of them is left."""
    identity = user_namespace.owner()
    more = None if service.runs_as_root(job.config) else user_namespace.further(identity)
    job = replace(job, ids=more.count if more else 0)
    folder = Folder(path, identity)
    folder.make(job.mounts)
    with ExitStack() as stack:
        channel = Channel()
        stack.callback(channel.close)
        listening = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
        listening.bind(str(socket_path))
        listening.listen()
        ready, ready_end = os.pipe()

        def body(problem: str | None) -> None:
            os.close(ready)
            service.serve(job, folder, listening, channel, ready_end, problem)

        kept = keeper.start(path, identity, body, more)
        stack.callback(kept.stop)
        os.close(ready_end)
        with os.fdopen(ready, "rb") as pipe:
            pipe.read()
        failed = channel.read().failed
        if failed is not None:
            raise EngineError(failed)
        yield channel


def _run_binary(arguments: argparse.Namespace, socket: Path, folder: Path) -> tuple[int, str, str]:
    """container-structure-test's exit status, JSON report and messages."""
    path = folder / "report.json"
    command = [str(arguments.binary.absolute()), "test", "--image", IMAGE_NAME, "--no-color"]
    command += ["--output", "json", "--test-report", str(path)]
    for config in arguments.configs:
        command += ["--config", str(config.absolute())]
    env = {
        "DOCKER_HOST": f"unix://{socket}",
        "HOME": str(folder),
        "PATH": os.environ.get("PATH", ""),
    }
    done = subprocess.run(
        command,
        env=env,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    return done.returncode, path.read_text() if path.exists() else "", done.stdout + done.stderr


def _test(arguments: argparse.Namespace) -> int:
    for config in arguments.configs:
        configs.check(config)
    image = read_image(arguments.layout, arguments.platform)
    subject = arguments.subject or f"{arguments.layout.name} {image.platform}"
    with ExitStack() as stack:
        stack.enter_context(work.signals_as_exceptions())
        folder = stack.enter_context(work.directory("structure-test-"))
        # What the engine has no access to. A unix socket's path has about 100 characters; test
        # directories are longer.
        private = Path(stack.enter_context(tempfile.TemporaryDirectory(dir="/tmp")))
        job = service.Job(
            platform=image.platform,
            config=image.config,
            layers=open_layers(image, stack),
            limits=Limits(
                seconds=arguments.command_seconds,
                output_mib=arguments.output_mib,
                memory_mib=arguments.memory_mib,
                processes=arguments.processes,
            ),
            emulator=arguments.emulator.resolve() if arguments.emulator else None,
            mounts=arguments.mount,
            scratch=arguments.scratch,
        )
        serving = on_windows.serving if image.config.get("os") == "windows" else _engine
        channel = stack.enter_context(serving(job, folder, private / "s"))
        status, document, messages = _run_binary(arguments, private / "s", private)
        notes = channel.read()
    return _judge(arguments, subject, image.digest, status, document, messages, notes)


def _judge(
    arguments: argparse.Namespace,
    subject: str,
    digest: str,
    status: int,
    document: str,
    messages: str,
    notes: Notes,
) -> int:
    try:
        results = report.parse(document, notes.skips)
    except (ValueError, KeyError):
        results = []
    if not results:
        print(f"error: container-structure-test reported no results (exit status {status}):")
        print(report.messages(messages))
        return 1
    print(report.text(results))
    if said := report.messages(messages):
        print(said)
    report.publish(subject, digest, results)
    print(report.summary(subject, results))
    for remark in notes.remarks:
        print(f"note: {remark}")
    if notes.faults:
        faults = "\n".join(notes.faults)
        print(f"error: the engine itself failed, so no result counts:\n{faults}", file=sys.stderr)
        return 1
    outcomes = {result.outcome for result in results}
    if outcomes == {report.SKIPPED}:
        print(f"error: {subject}: nothing ran, so nothing is known of the image", file=sys.stderr)
        return 1
    no_skips = arguments.no_skips or os.environ.get("STRUCTURE_TEST_NO_SKIPS") == "1"
    if report.FAILED in outcomes or (no_skips and report.SKIPPED in outcomes):
        return 1
    if (status != 0) != (report.SKIPPED in outcomes):
        print(f"error: exit status {status} does not fit the report", file=sys.stderr)
        return 1
    return 0


def main(arguments: list[str] | None = None) -> int:
    """Run the tests; the exit status."""
    try:
        return _test(_parse_arguments(arguments))
    except (configs.ConfigError, EngineError, LayoutError, RootfsError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    # Whatever else we were started with is not for us, and even less for the image.
    linux.close_all_but({0, 1, 2})
    sys.exit(main())
