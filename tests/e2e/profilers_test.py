"""perf and py-spy see Python's functions in slim images.

perf walks the stack by frame pointers, which every C function between two of Python's needs; it
samples by the clock, since virtual machines seldom have counters. py-spy reads the interpreter's
memory from outside, and has to find libpython there.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.apt_sources import apt_sources
from tests.e2e.container_runtime import Runtime, container_runtime, missing

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing())

IMAGES = os.environ["IMAGES"].split()

# Most of the time goes into C: sorting calls a function of Python's, which the interpreter
# therefore enters anew, above frames of C.
PROGRAM = """\
import sys


def outer(rounds):
    for number in range(rounds):
        sorted(range(2000), key=inner)


def inner(number):
    return sum(range(number % 50))


outer(int(sys.argv[1]))
"""

# A container's default filter of system calls has none for sampling.
PERF = ("--cap-add=PERFMON", "--cap-add=SYS_PTRACE", "--security-opt=seccomp=unconfined")


@pytest.fixture(scope="module")
def runtime() -> Iterator[Runtime]:
    # A store of overlays can't lie on an overlay, nor its sockets below a long path.
    with (
        tempfile.TemporaryDirectory(prefix="profilers-", dir="/var/tmp") as root,
        container_runtime(Path(root)) as made,
    ):
        yield made


@pytest.fixture(params=IMAGES, ids=[re.sub(r".*/", "", name) for name in IMAGES])
def image(request: pytest.FixtureRequest, runtime: Runtime) -> str:
    layout = Path(request.param).resolve()
    return runtime.load(layout, re.sub(r"[^a-z0-9.]", "-", layout.name))


@pytest.fixture(name="work")
def work_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / "program.py").write_text(PROGRAM)
    return folder


def test_perf_samples_the_stack_of_python(
    runtime: Runtime, image: str, work: Path, tmp_path: Path
) -> None:
    options = (
        *apt_sources(runtime, image, tmp_path),
        f"--volume={work}:/work:ro",
        "--network=host",
        *PERF,
    )
    command = (
        "set -e; { apt-get update -qq; "
        "DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends linux-perf; "
        "} >/dev/null 2>&1; cd /tmp; "
        "perf stat -e cpu-clock true 2>/dev/null || { echo DENIED; exit; }; "
        "perf record -q -e cpu-clock -F 499 --call-graph fp -o data "
        "python3 -X perf /work/program.py 1000 >&2; "
        "perf script -i data -F ip,sym 2>/dev/null"
    )
    shown = runtime.run(image, "sh", "-c", command, options=options)
    if shown == "DENIED\n":
        pytest.skip("the kernel lets nobody sample here, not even by the clock")
    found = Counter(
        tuple(re.findall(r"py::(\S+?):/work/program.py", stack))
        for stack in shown.split("\n\n")
        if stack.strip()
    )
    # Few samples are of the start, which runs nothing of the program.
    whole = found["inner", "outer", "<module>"] + found["outer", "<module>"]
    assert found["inner", "outer", "<module>"] > 50, found
    assert whole > 0.8 * found.total(), found


def test_py_spy_shows_the_stack_of_python(runtime: Runtime, image: str, work: Path) -> None:
    spy = Path(os.environ["PY_SPY"]).resolve()
    command = (
        "python3 /work/program.py 1000000 & sleep 1; "
        "/py-spy dump --pid $! && "
        "/py-spy record --duration 1 --format raw --output /tmp/samples --pid $! >&2; "
        "kill $!; cat /tmp/samples"
    )
    options = (f"--volume={work}:/work:ro", f"--volume={spy}:/py-spy:ro", "--cap-add=SYS_PTRACE")
    shown = runtime.run(image, "sh", "-c", command, options=options)
    dumped = re.findall(r"(?m)^    (\w+|<module>) \(", shown)
    assert dumped[-2:] == ["outer", "<module>"], shown
    assert re.search(r"(?m)^.*<module> \S+;outer \S+;inner \S+ \d+$", shown), shown
