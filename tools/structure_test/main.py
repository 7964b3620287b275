"""Runs container-structure-test's YAML against one image of an OCI layout.

    structure_test --layout DIR --binary container-structure-test [--platform linux/arm64]
                   [--emulator qemu-aarch64] [--mount FILE:PATH]... [--scratch PATH]
                   [--subject NAME] CONFIG.yaml...

The real container-structure-test runs with its docker driver; what answers it is engine.py. Ends
with 0 if no test failed. A test that this host can't run is SKIPPED and counted apart; with
`--no-skips`, or STRUCTURE_TEST_NO_SKIPS=1 in the environment, it counts as failed.
"""

import argparse
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO

from tools.structure_test import emulation, linux, report
from tools.structure_test.container import Mount
from tools.structure_test.engine import IMAGE_NAME, Engine, EngineServer
from tools.structure_test.layout import Image, LayoutError, open_layer, read_image
from tools.structure_test.rootfs import Rootfs, RootfsError, unpack


class ConfigError(Exception):
    """A test file that can't be used."""


def _parse_mount(value: str) -> Mount:
    source, _, target = value.rpartition(":")
    if not source or not target.startswith("/"):
        raise argparse.ArgumentTypeError(f"{value!r}: expected FILE:/absolute/path")
    if not Path(source).exists():
        raise argparse.ArgumentTypeError(f"{value!r}: there is no {source}")
    return str(Path(source).resolve()), target, True


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
    parser.add_argument("--no-skips", action="store_true", help="count skipped tests as failed")
    parser.add_argument("configs", type=Path, nargs="+", metavar="CONFIG", help="test YAML")
    return parser.parse_args(arguments)


@contextmanager
def _work_directory() -> Iterator[Path]:
    """A private directory, removed at the end, read-only directories of the image included."""
    path = Path(tempfile.mkdtemp(prefix="structure-test-", dir=os.environ.get("TEST_TMPDIR")))
    try:
        yield path
    finally:
        for directory, names, _ in os.walk(path):
            for name in names:  # before os.walk goes down into them
                if not (Path(directory) / name).is_symlink():
                    (Path(directory) / name).chmod(stat.S_IRWXU)
        shutil.rmtree(path)


def _unpack(image: Image, root: Path) -> Rootfs:
    def layers(stack: ExitStack) -> Iterator[tuple[str, BinaryIO]]:
        for blob, media_type in image.layers:
            yield blob.name, stack.enter_context(open_layer(blob, media_type))

    with ExitStack() as stack:
        return unpack(root, layers(stack))


def _serve(
    image: Image,
    rootfs: Rootfs,
    work: Path,
    emulator: Path | None,
    mounts: list[Mount],
    socket: Path,
) -> None:
    """The engine's process: enters its user namespace and answers until it is ended."""
    linux.die_with_parent(signal.SIGKILL)
    cannot_run = None
    emulation_problem = None
    try:
        linux.become_root_of_user_namespace()
    except OSError as error:
        cannot_run = f"no user namespace to be had on this host ({error.strerror})"
    else:
        emulation_problem = emulation.enable(image.platform, emulator, work / "binfmt_misc")
    if emulation_problem:
        emulation_problem = (
            f"{image.platform} programs do not run on this host: {emulation_problem}"
        )
    state = work / "containers"
    state.mkdir()
    engine = Engine(rootfs, image.config, state, mounts, cannot_run, emulation_problem)
    with EngineServer(socket, engine) as server:
        (work / "ready").touch()
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        try:
            server.serve_forever()
        finally:
            engine.close()
            (work / "internal-errors").write_text("\n".join(engine.internal_errors))


def _run_binary(arguments: argparse.Namespace, socket: Path, work: Path) -> tuple[int, str, str]:
    """container-structure-test's exit status, JSON report and messages."""
    command = [str(arguments.binary.absolute()), "test", "--image", IMAGE_NAME, "--no-color"]
    command += ["--output", "json", "--test-report", str(work / "report.json")]
    for config in arguments.configs:
        command += ["--config", str(config.absolute())]
    env = {"DOCKER_HOST": f"unix://{socket}", "HOME": str(work), "PATH": os.environ.get("PATH", "")}
    done = subprocess.run(command, env=env, cwd=work, capture_output=True, text=True, check=False)
    path = work / "report.json"
    return done.returncode, path.read_text() if path.exists() else "", done.stdout + done.stderr


def _check_configs(configs: list[Path]) -> None:
    for config in configs:
        left = re.search(r"\{\{[A-Z_]+\}\}", config.read_text())
        if left:
            raise ConfigError(f"{config}: nothing was substituted for {left[0]}")


def _test(arguments: argparse.Namespace) -> int:
    _check_configs(arguments.configs)
    image = read_image(arguments.layout, arguments.platform)
    subject = arguments.subject or f"{arguments.layout.name} {image.platform}"
    emulator = arguments.emulator.resolve() if arguments.emulator else None
    with _work_directory() as work, tempfile.TemporaryDirectory(dir="/tmp") as short:
        # A unix socket's path has about 100 characters; test directories are longer.
        socket = Path(short) / "s"
        rootfs = _unpack(image, work / "root")
        mounts = list(arguments.mount)
        if arguments.scratch:
            (work / "scratch").mkdir()
            mounts.append((str(work / "scratch"), arguments.scratch, False))
        pid = os.fork()
        if not pid:
            code = 1
            try:
                _serve(image, rootfs, work, emulator, mounts, socket)
                code = 0
            except SystemExit:
                code = 0
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(code)
        try:
            while not (work / "ready").exists():
                if os.waitpid(pid, os.WNOHANG)[0]:
                    print("error: the engine did not start, see above", file=sys.stderr)
                    return 1
            status, document, messages = _run_binary(arguments, socket, work)
        finally:
            os.kill(pid, signal.SIGTERM)
            os.waitpid(pid, 0)
        internal = (work / "internal-errors").read_text()
    return _judge(arguments, subject, image.digest, status, document, messages, internal)


def _judge(
    arguments: argparse.Namespace,
    subject: str,
    digest: str,
    status: int,
    document: str,
    messages: str,
    internal: str,
) -> int:
    try:
        results = report.parse(document)
    except (ValueError, KeyError):
        results = []
    if not results:
        print(f"error: container-structure-test reported no results (exit status {status}):")
        print(messages)
        return 1
    print(report.text(results))
    notes = [line for line in messages.splitlines() if not line.endswith("level=fatal msg=FAIL")]
    print(*notes, sep="\n", end="\n" if notes else "")
    report.publish(subject, digest, results)
    print(report.summary(subject, results))
    if internal:
        print(f"error: the engine itself failed, so no result counts:\n{internal}", file=sys.stderr)
        return 1
    outcomes = {result.outcome for result in results}
    no_skips = arguments.no_skips or os.environ.get("STRUCTURE_TEST_NO_SKIPS") == "1"
    if report.FAILED in outcomes or (no_skips and report.SKIPPED in outcomes):
        return 1
    if (status != 0) != (report.SKIPPED in outcomes):
        print(f"error: exit status {status} does not fit the report", file=sys.stderr)
        return 1
    return 0


def main(arguments: list[str] | None = None) -> int:
    """Runs the tests; the exit status."""
    try:
        return _test(_parse_arguments(arguments))
    except (ConfigError, LayoutError, RootfsError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
