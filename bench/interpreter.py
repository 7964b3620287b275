"""Measure two builds of CPython against each other with pyperformance's benchmarks.

    ./bazelw run //bench:interpreter -- [--json FILE] [--rounds N] [--builds A,B] [--realtime]

Runs a fixed subset of pyperformance on two builds, in turns, for some rounds. builds.py has their
names; docker-library's takes half an hour the first time, and is kept below ~/.cache.

For each benchmark it prints the median of both in seconds of CPU time of the process, user and
system, and their ratio, then the geometric mean of the ratios: below 1 the second build is faster.
The spread is that of the rounds' own geometric means. --wall measures wall time; --realtime pins
the benchmarks to one core with real-time priority (needs root), for a machine that isn't idle.

--instructions prints the executed instructions of one of each benchmark's loops instead: half of
what three loops take more than one, so that starting isn't in it. They hardly depend on what else
the machine does (instructions/). That is the one thing that can be measured of arm64 (--platform
arm64) on another machine, since under qemu-user time is the emulator's. Benchmarks with short
loops are left out.

The JSON is {"format": 1, "unit": "cpu s", "wall s" or "instructions", "host": {...}, "release",
"suite", "platform", "builds": [NAME, NAME], "rows": [{"name", "values": [[...], [...]],
"medians": [.., ..], "ratio"}], "geometric_mean", "spread": [low, high]}.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import statistics
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench import builds, instructions
from bench.builds import Build

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
_WORKER = ("--worker", "--values=1", "--warmups=0")
# Those whose loop takes microseconds: less than what starting varies by.
_SHORT = {
    "comprehensions",
    "deepcopy",
    "json_loads",
    "logging",
    "pickle",
    "unpack_sequence",
    "unpickle",
}

Values = dict[str, list[float]]


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
        command: list[str | Path] = [*prefix, build.python, *program, *options]
        instructions.run(command, environment, Path(program[0]).parent)
        return parse(out.read_text())


def executed(build: Build, program: Sequence[str], path: Sequence[Path], platform: str) -> float:
    """The instructions that one loop of a benchmark takes: it runs three times, counted twice."""
    environment, folder = _environment(*path), Path(program[0]).parent
    # Starting is short when there is byte code, which a run that isn't counted writes.
    del environment["PYTHONDONTWRITEBYTECODE"]
    environment["PYTHONPYCACHEPREFIX"] = str(build.python.parent / "byte-code")

    def count(loops: int) -> int:
        worker = [*program, *_WORKER, f"--loops={loops}"]
        if platform == "amd64":
            return instructions.native([*build.command, *worker], environment, folder)
        *emulator, python = build.command
        return instructions.emulated(emulator, [python, *worker], environment, folder)

    instructions.run([*build.command, *program, *_WORKER, "--loops=1"], environment, folder)
    return (count(3) - count(1)) / 2


def host() -> dict[str, object]:
    """What of this machine bears on the figures."""
    model = re.search(r"(?m)^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text())
    return {
        "cpu": model[1] if model else platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "kernel": platform.release(),
        "load": round(os.getloadavg()[0], 2),
    }


def _find(package: str) -> Path:
    for entry in map(Path, sys.path):
        if (entry / package / "__init__.py").exists():
            return entry
    raise SystemExit(f"bench: no {package}: run ./bazelw run //bench:interpreter")


def report(found: Mapping[str, Any], both: Sequence[Build], unit: str) -> str:
    """The table people read."""
    lines = [f"{'':<28}{both[0].name:>14}{both[1].name:>14}   ratio   ({unit})"]
    for row in found["rows"]:
        first, second = row["medians"]
        form = ",.0f" if unit == "instructions" else ".6f"
        lines.append(f"{row['name']:<28}{first:>14{form}}{second:>14{form}}   {row['ratio']:.3f}")
    low, high = found["spread"]
    mean = f"geometric mean {found['geometric_mean']:.3f}, rounds {low:.3f} to {high:.3f}"
    return "\n".join([*lines, mean])


def given(text: str) -> Path:
    """A path as someone types it, also under `bazel run`, which starts programs elsewhere."""
    return Path(os.environ.get("BUILD_WORKING_DIRECTORY", "."), text)


def pair(text: str) -> list[str]:
    """Two of builds.NAMES or paths of tars, of "A,B".

    Raises:
        argparse.ArgumentTypeError: one of them is neither, or they'd have the same name.
    """
    names = [name if name in builds.NAMES else str(given(name)) for name in text.split(",")]
    if len(names) != 2 or Path(names[0]).stem == Path(names[1]).stem:
        raise argparse.ArgumentTypeError(f"not two builds with different names: {text}")
    for name in names:
        if name not in builds.NAMES and not Path(name).is_file():
            known = ", ".join(builds.NAMES)
            raise argparse.ArgumentTypeError(f"neither one of {known} nor a tar: {name}")
    return names


def _parse(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--json", type=given, help="file to write the figures to")
    add("--rounds", type=int, default=3, help="default: %(default)s")
    add(
        "--builds",
        type=pair,
        default=["docker-library", "full"],
        metavar="A,B",
        help="which two: names or tars",
    )
    add(
        "--release",
        required=True,
        help="CPython or a label, whose newest it is; default: the newest minor version",
    )
    add("--suite", required=True, help="default: the catalog's default suite")
    add("--platform", choices=builds.PLATFORMS, default="amd64", help="default: %(default)s")
    add("--benchmark", action="append", choices=BENCHMARKS, help="only this one")
    add("--wall", action="store_true", help="wall time")
    add("--realtime", action="store_true", help="on the last core, before all other processes")
    add("--instructions", action="store_true", help="count them")
    return parser.parse_args(argv)


def main(argv: list[str]) -> int:
    """The command line; returns the exit status."""
    options = _parse(argv)
    if options.platform != "amd64" and not options.instructions:
        raise SystemExit(f"bench: of {options.platform} only --instructions can be measured here")
    if options.instructions and (programs := instructions.missing(options.platform)):
        raise SystemExit(f"bench: --instructions needs {', '.join(programs)}: not installed")
    root = Path(os.environ.get("BUILD_WORKSPACE_DIRECTORY", "."))
    options.release = builds.release(root, options.release)
    subject = builds.Subject(options.release, options.suite, options.platform)
    scripts = _find("pyperformance") / "pyperformance/data-files/benchmarks"
    path = [_find("pyperf")]
    prefix = [*_REALTIME, str(max(os.sched_getaffinity(0)))] if options.realtime else []
    unit = "wall s" if options.wall else "cpu s"
    if unit == "cpu s":
        path.append(Path(__file__).parent / "cpu_clock")

    def measure(build: Build, name: str) -> Values:
        program = script(scripts, name)
        if options.instructions:
            return {name: [executed(build, program, path[:1], options.platform)]}
        return seconds(build, program, path, prefix)

    unit = "instructions" if options.instructions else unit
    names = options.benchmark or [
        name for name in BENCHMARKS if not (options.instructions and name in _SHORT)
    ]
    rounds = []
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        both = [builds.make(root, name, subject, Path(folder)) for name in options.builds]
        for number in range(1 if options.instructions else options.rounds):
            values: tuple[Values, Values] = ({}, {})
            for at, name in enumerate(names, 1):
                print(
                    f"round {number + 1}: [{at}/{len(names)}] {name}", file=sys.stderr, flush=True
                )
                for build, into in zip(both, values, strict=True):
                    into.update(measure(build, name))
            rounds.append(values)
    found = summary(rounds)
    print(report(found, both, unit))
    if options.json:
        whole = {
            "format": 1,
            "unit": unit,
            "host": host(),
            "release": options.release,
            "suite": options.suite,
            "platform": options.platform,
            "builds": [build.name for build in both],
        }
        options.json.write_text(json.dumps({**whole, **found}, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
