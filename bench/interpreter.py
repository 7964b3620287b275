"""Measure two builds of CPython against each other with pyperformance's benchmarks.

    ./bazelw run //bench:interpreter -- [--json FILE] [--rounds N] [--builds A,B] [--realtime]

Runs a fixed subset of pyperformance on two builds for amd64, in turns, for some rounds. Builds:

    docker-library   as its Dockerfile compiles it, trained on this machine (docker_library.py);
                     takes half an hour the first time, and is kept below ~/.cache
    full             --//python_images:optimization=full, what images have
    none             --//python_images:optimization=none

For each benchmark it prints the median of both in seconds of CPU time of the process, user and
system, and their ratio, then the geometric mean of the ratios: below 1 the second build is faster.
The spread is that of the rounds' own geometric means. --wall measures wall time; --realtime pins
the benchmarks to one core with real-time priority (needs root), for a machine that isn't idle.

--instructions runs each benchmark's smallest unit once under valgrind's cachegrind and prints
executed instructions instead, those of starting and importing included. They hardly depend on what
else the machine does, and say nothing of how fast each of them was.

The JSON is {"format": 1, "unit": "cpu s", "wall s" or "instructions", "host": {...},
"release", "suite", "builds": [NAME, NAME], "rows": [{"name", "values": [[...], [...]],
"medians": [.., ..], "ratio"}], "geometric_mean", "spread": [low, high]}.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import docker_library
from tools.cpython import train
from tools.toolchain.unpack import extract

# Of pyperformance's benchmarks, those that need no other package; five minutes a round or so.
BENCHMARKS = (
    "chaos",
    "comprehensions",
    "coroutines",
    "deepcopy",
    "deltablue",
    "fannkuch",
    "float",
    "generators",
    "go",
    "hexiom",
    "json_dumps",
    "json_loads",
    "logging",
    "nbody",
    "nqueens",
    "pickle",
    "pidigits",
    "pyflate",
    "raytrace",
    "regex_compile",
    "richards",
    "scimark",
    "spectral_norm",
    "telco",
    "unpack_sequence",
    "unpickle",
    "xml_etree",
)
# One of several in a script: the script's folder and its argument.
_PARTS = {"pickle": ("pickle", "pickle"), "unpickle": ("pickle", "unpickle")}
# One process of few short values: rounds give the repetition.
_PYPERF = ("--processes=1", "--values=3", "--warmups=1", "--min-time=0.05", "--quiet")
# Nothing else gets at the core: first in, first out, at a priority above all ordinary processes.
_REALTIME = ("chrt", "-f", "50", "taskset", "-c")
_SINGLE = ("--worker", "--loops=1", "--values=1", "--warmups=0")
_IREFS = re.compile(r"I\s+refs:\s+([\d,]+)")

BUILDS = ("docker-library", "full", "none")

Values = dict[str, list[float]]


@dataclass(frozen=True)
class Build:
    """An unpacked interpreter.

    Attributes:
        name: what the output calls it.
        python: the program, which starts by itself.
        command: what starts it without any program between.
    """

    name: str
    python: Path
    command: Sequence[str]


def medians(values: Values) -> dict[str, float]:
    """The median of each benchmark."""
    return {name: statistics.median(found) for name, found in values.items()}


def mean_ratio(first: Mapping[str, float], second: Mapping[str, float]) -> float:
    """The geometric mean of the ratios second / first; both have the same benchmarks."""
    return statistics.geometric_mean(second[name] / first[name] for name in first)


def summary(rounds: Sequence[tuple[Values, Values]]) -> dict[str, Any]:
    """What the JSON says of the rounds: rows, geometric mean and spread.

    Args:
        rounds: for each round, the values of the first and the second build by benchmark.
    """
    whole: list[Values] = [{}, {}]
    for pair in rounds:
        for collected, values in zip(whole, pair, strict=True):
            for name, found in values.items():
                collected.setdefault(name, []).extend(found)
    first, second = medians(whole[0]), medians(whole[1])
    means = [mean_ratio(medians(one), medians(two)) for one, two in rounds]
    return {
        "rows": [
            {
                "name": name,
                "values": [whole[0][name], whole[1][name]],
                "medians": [first[name], second[name]],
                "ratio": round(second[name] / first[name], 4),
            }
            for name in first
        ],
        "geometric_mean": round(mean_ratio(first, second), 4),
        "spread": [round(min(means), 4), round(max(means), 4)],
    }


def parse(text: str) -> Values:
    """The values of each benchmark in a JSON file of pyperf's, which may hold several."""
    data = json.loads(text)
    found: Values = {}
    for benchmark in data["benchmarks"]:
        name = benchmark.get("metadata", {}).get("name") or data["metadata"]["name"]
        for run in benchmark["runs"]:
            found.setdefault(name, []).extend(run.get("values", []))
    return found


def _environment(*path: Path) -> dict[str, str]:
    return {
        "PATH": "/usr/bin:/bin",
        "PYTHONPATH": ":".join(map(str, path)),
        "PYTHONHASHSEED": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def _checked(command: Sequence[str | Path], environment: Mapping[str, str], folder: Path) -> str:
    result = subprocess.run(
        command,
        env=environment,
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if result.returncode != 0:
        words = " ".join(map(str, command))
        raise SystemExit(f"bench: {words} failed:\n{result.stdout[-2000:]}")
    return result.stdout


def script(benchmarks: Path, name: str) -> list[str]:
    """The program of one of BENCHMARKS, and its arguments."""
    folder, *arguments = _PARTS.get(name, (name,))
    return [str(benchmarks / f"bm_{folder}/run_benchmark.py"), *arguments]


def seconds(
    build: Build, program: Sequence[str], path: Sequence[Path], prefix: Sequence[str] = ()
) -> Values:
    """Runs a benchmark once: a few values in seconds, by the names pyperf gives them.

    Args:
        build: what runs it.
        program: the benchmark, which uses pyperf, and its arguments.
        path: where it imports from.
        prefix: a command that starts it, and words before those that follow.
    """
    environment = _environment(*path)
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "out.json")
        inherited = ",".join(name for name in environment if name != "PATH")
        options = [*_PYPERF, f"--inherit-environ={inherited}", f"--output={out}"]
        _checked([*prefix, build.python, *program, *options], environment, Path(program[0]).parent)
        return parse(out.read_text())


def instructions(build: Build, program: Sequence[str], path: Sequence[Path]) -> float:
    """Runs a benchmark's smallest unit once: the instructions that valgrind counts."""
    valgrind = [
        "valgrind",
        "--tool=cachegrind",
        "--cache-sim=no",
        "--cachegrind-out-file=/dev/null",
    ]
    command = [*valgrind, *build.command, *program, *_SINGLE]
    output = _checked(command, _environment(*path), Path(program[0]).parent)
    counted = _IREFS.search(output)
    if counted is None:
        raise SystemExit(f"bench: valgrind counted nothing:\n{output[-2000:]}")
    return float(counted[1].replace(",", ""))


def host() -> dict[str, object]:
    """What of this machine bears on the figures."""
    model = re.search(r"(?m)^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text())
    return {
        "cpu": model[1] if model else platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "kernel": platform.release(),
        "load": round(os.getloadavg()[0], 2),
    }


def _bazel(root: Path, *arguments: str) -> str:
    result = subprocess.run(
        [root / "bazelw", *arguments], cwd=root, stdout=subprocess.PIPE, text=True, check=False
    )
    if result.returncode != 0:
        raise SystemExit(f"bench: bazelw {' '.join(arguments)} failed: see above")
    return result.stdout


def files(root: Path, optimization: str, release: str, suite: str) -> dict[str, Path]:
    """Builds an interpreter; what it is made of, by the names train.py has for them.

    Besides: `tar`, itself, and `report`.
    """
    target = f"//python_images/cpython:{release}_{suite}_amd64"
    targets = {
        "tar": target,
        "build-python": f"//python_images/cpython:{release}_build",
        "cc": f"//toolchains/cc:{suite}_amd64_cc",
        "host": "//toolchains/cc:host_tools",
        "source": f"@cpython_sources//:{release.removesuffix('t')}",
        "sysroot": f"//toolchains/cc:{suite}_amd64_sysroot",
    }
    flags = [f"--//python_images:optimization={optimization}", "--output_groups=+report"]
    _bazel(root, "build", *flags, *targets.values())
    # bazel-out stands in the execution root, not in the checkout.
    execution_root = Path(_bazel(root, "info", "execution_root").strip())
    found = {}
    for name, label in targets.items():
        (file,) = _bazel(root, "cquery", flags[0], "--output=files", label).split()
        found[name] = execution_root / file
    found["config-site"] = root / "tools/cpython/config.site"
    found["report"] = found["tar"].with_suffix(".json")
    return found


def make(root: Path, name: str, release: str, suite: str, scratch: Path) -> Build:
    """Builds and unpacks one of BUILDS below `scratch`."""
    optimization = "none" if name == "none" else "full"
    inputs = files(root, optimization, release, suite)
    archive = inputs.pop("tar")
    report = json.loads(inputs.pop("report").read_text())
    if name == "docker-library":
        archive = docker_library.cached(inputs, report)
    tree, sysroot, tools = scratch / name, scratch / "sysroot", scratch / "tools"
    for key, folder in (("sysroot", sysroot), ("host", tools)):
        if not folder.exists():
            extract(inputs[key], folder)
    extract(archive, tree)
    python = (tree / "usr/local/bin/python3").resolve()
    library, launcher = tree / "usr/local/lib", tools / "usr/bin/make"
    return Build(name, python, train.make_startable(python, library, sysroot, launcher))


def _find(package: str) -> Path:
    for entry in map(Path, sys.path):
        if (entry / package / "__init__.py").exists():
            return entry
    raise SystemExit(f"bench: no {package}: run ./bazelw run //bench:interpreter")


def report(found: Mapping[str, Any], builds: Sequence[Build], unit: str) -> str:
    """The table people read."""
    lines = [f"{'':<28}{builds[0].name:>14}{builds[1].name:>14}   ratio   ({unit})"]
    for row in found["rows"]:
        first, second = row["medians"]
        form = ",.0f" if unit == "instructions" else ".6f"
        lines.append(f"{row['name']:<28}{first:>14{form}}{second:>14{form}}   {row['ratio']:.3f}")
    low, high = found["spread"]
    mean = f"geometric mean {found['geometric_mean']:.3f}, rounds {low:.3f} to {high:.3f}"
    return "\n".join([*lines, mean])


def pair(text: str) -> list[str]:
    """The names of two builds, of "A,B"."""
    names = text.split(",")
    if len(names) != 2 or not set(names) <= set(BUILDS):
        raise argparse.ArgumentTypeError(f"not two of {', '.join(BUILDS)}: {text}")
    return names


def _parse(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--json", type=Path, help="file to write the figures to")
    add("--rounds", type=int, default=3, help="default: %(default)s")
    add("--builds", type=pair, default=["docker-library", "full"], metavar="A,B", help="which two")
    add("--release", default="3.14.7", help="CPython, default %(default)s")
    add("--suite", default="trixie", help="default: %(default)s")
    add("--benchmark", action="append", choices=BENCHMARKS, help="only this one")
    add("--wall", action="store_true", help="wall time")
    add("--realtime", action="store_true", help="on the last core, before all other processes")
    add("--instructions", action="store_true", help="count them, with valgrind")
    return parser.parse_args(argv)


def main(argv: list[str]) -> int:
    """The command line; returns the exit status."""
    options = _parse(argv)
    if options.instructions and not shutil.which("valgrind"):
        raise SystemExit("bench: --instructions needs valgrind, which is not installed")
    root = Path(os.environ.get("BUILD_WORKSPACE_DIRECTORY", "."))
    scripts = _find("pyperformance") / "pyperformance/data-files/benchmarks"
    path = [_find("pyperf")]
    prefix = [*_REALTIME, str(max(os.sched_getaffinity(0)))] if options.realtime else []
    unit = "wall s" if options.wall else "cpu s"
    if unit == "cpu s":
        path.append(Path(__file__).parent / "cpu_clock")

    def measure(build: Build, name: str) -> Values:
        program = script(scripts, name)
        if options.instructions:
            return {name: [instructions(build, program, path[:1])]}
        return seconds(build, program, path, prefix)

    unit = "instructions" if options.instructions else unit
    names = options.benchmark or BENCHMARKS
    rounds = []
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        builds = [
            make(root, name, options.release, options.suite, Path(folder))
            for name in options.builds
        ]
        for number in range(1 if options.instructions else options.rounds):
            values: tuple[Values, Values] = ({}, {})
            for at, name in enumerate(names, 1):
                print(
                    f"round {number + 1}: [{at}/{len(names)}] {name}", file=sys.stderr, flush=True
                )
                for build, into in zip(builds, values, strict=True):
                    into.update(measure(build, name))
            rounds.append(values)
    found = summary(rounds)
    print(report(found, builds, unit))
    if options.json:
        whole = {
            "format": 1,
            "unit": unit,
            "host": host(),
            "release": options.release,
            "suite": options.suite,
            "builds": [build.name for build in builds],
        }
        options.json.write_text(json.dumps({**whole, **found}, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
