"""Measure a build of CPython against others with pyperformance's benchmarks.

    ./bazelw run //bench:interpreter -- [--json FILE] [--rounds N] [--builds A,B,...] [--realtime]

Runs a fixed subset of pyperformance on two or more builds, in turns, for some rounds. builds.py has
their names: full,docker-library,debian is this Python against both others. docker-library's takes
half an hour the first time, and is kept below ~/.cache.

For each benchmark it prints the least CPU time that a build took, user and system, in seconds, and
the first build's share of each other's; then the geometric mean of these shares: below 1 the first
build is faster. The least time is what other work on the machine has disturbed least. The spread is
that of the rounds' own geometric means. --wall measures wall time; --realtime pins the benchmarks
to one core with real-time priority (needs root), for a machine that isn't idle.

--instructions prints the executed instructions of one of each benchmark's loops instead: half of
what three loops take more than one, so that starting isn't in it. They hardly depend on what else
the machine does (instructions/). That is the one thing that can be measured of arm64 (--platform
arm64) on another machine, since under qemu-user time is the emulator's. Benchmarks with short
loops are left out.

The JSON is {"format": 2, "unit": "cpu s", "wall s" or "instructions", "host": {...}, "release",
"suite", "platform", "builds": {NAME: VERSION}, "rows": [{"name", "values": {NAME: [...]},
"least": {NAME: ..}, "ratios": {NAME: ..}}], "geometric_means": {NAME: ..}, "spreads": {NAME: [low,
high]}}; ratios, means and spreads are against each build but the first.
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


def least(values: Values) -> dict[str, float]:
    """The least value of each benchmark."""
    return {name: min(found) for name, found in values.items()}


def mean_ratio(first: Mapping[str, float], second: Mapping[str, float]) -> float:
    """The geometric mean of the ratios first / second; both have the same benchmarks."""
    return statistics.geometric_mean(first[name] / second[name] for name in first)


def summary(names: Sequence[str], rounds: Sequence[Sequence[Values]]) -> dict[str, Any]:
    """What the JSON says of the rounds: rows, geometric means and spreads.

    Args:
        names: of the builds; the others are compared with the first.
        rounds: for each round, the values of each build by benchmark.
    """
    whole: list[Values] = [{} for _ in names]
    for measured in rounds:
        for collected, values in zip(whole, measured, strict=True):
            for benchmark, found in values.items():
                collected.setdefault(benchmark, []).extend(found)
    best = dict(zip(names, map(least, whole), strict=True))
    first, *others = names
    by_round = {
        other: [mean_ratio(least(one[0]), least(one[at])) for one in rounds]
        for at, other in enumerate(others, 1)
    }
    return {
        "rows": [
            {
                "name": benchmark,
                "values": {name: one[benchmark] for name, one in zip(names, whole, strict=True)},
                "least": {name: best[name][benchmark] for name in names},
                "ratios": {
                    other: round(best[first][benchmark] / best[other][benchmark], 4)
                    for other in others
                },
            }
            for benchmark in best[first]
        ],
        "geometric_means": {
            other: round(mean_ratio(best[first], best[other]), 4) for other in others
        },
        "spreads": {
            other: [round(min(found), 4), round(max(found), 4)] for other, found in by_round.items()
        },
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
    """Run a benchmark once: a few values in seconds, by the names pyperf gives them.

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


def report(found: Mapping[str, Any], names: Sequence[str], unit: str) -> str:
    """The table people read."""
    others = names[1:]
    wide = max(12, *map(len, names)) + 2
    heads = "".join(f"{name:>{wide}}" for name in names)
    lines = [f"{'':<28}{heads}" + "".join(f"{f'of {one}':>{wide + 3}}" for one in others)]
    form = ",.0f" if unit == "instructions" else ".6f"
    for row in found["rows"]:
        values = "".join(f"{row['least'][name]:>{wide}{form}}" for name in names)
        ratios = "".join(f"{row['ratios'][name]:>{wide + 3}.3f}" for name in others)
        lines.append(f"{row['name']:<28}{values}{ratios}")
    lines.append(f"({unit}; the share that {names[0]} takes of each other's)")
    for other in others:
        low, high = found["spreads"][other]
        mean = found["geometric_means"][other]
        lines.append(f"{names[0]} takes {mean:.3f} of {other}, rounds {low:.3f} to {high:.3f}")
    return "\n".join(lines)


def given(text: str) -> Path:
    """A path as someone types it, also under `bazel run`, which starts programs elsewhere."""
    return Path(os.environ.get("BUILD_WORKING_DIRECTORY", "."), text)


def several(text: str) -> list[str]:
    """Two or more of builds.NAMES or paths of tars, of "A,B".

    Raises:
        argparse.ArgumentTypeError: one of them is neither, or two would have the same name.
    """
    names = [name if name in builds.NAMES else str(given(name)) for name in text.split(",")]
    if len(names) < 2 or len({Path(name).stem for name in names}) != len(names):
        raise argparse.ArgumentTypeError(f"not two or more builds with different names: {text}")
    for name in names:
        if name not in builds.NAMES and not Path(name).is_file():
            known = ", ".join(builds.NAMES)
            raise argparse.ArgumentTypeError(f"neither one of {known} nor a tar: {name}")
    return names


def _parse(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="./bazelw run //bench:interpreter --", description=__doc__.splitlines()[0]
    )
    add = parser.add_argument
    add("--json", type=given, help="file to write the figures to")
    add("--rounds", type=int, default=3, help="default: %(default)s")
    add(
        "--builds",
        type=several,
        default=["full", "docker-library"],
        metavar="A,B,...",
        help="names or tars; the first is compared with the others (default: full,docker-library)",
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
        measured = [builds.make(root, name, subject, Path(folder)) for name in options.builds]
        versions = {build.name: builds.version(build) for build in measured}
        print(
            ", ".join(f"{name}: {version}" for name, version in versions.items()), file=sys.stderr
        )
        for number in range(1 if options.instructions else options.rounds):
            values: list[Values] = [{} for _ in measured]
            for at, name in enumerate(names, 1):
                print(
                    f"round {number + 1}: [{at}/{len(names)}] {name}", file=sys.stderr, flush=True
                )
                for build, into in zip(measured, values, strict=True):
                    into.update(measure(build, name))
            rounds.append(values)
    found = summary(list(versions), rounds)
    print(report(found, list(versions), unit))
    if options.json:
        whole = {
            "format": 2,
            "unit": unit,
            "host": host(),
            "release": options.release,
            "suite": options.suite,
            "platform": options.platform,
            "builds": versions,
        }
        options.json.write_text(json.dumps({**whole, **found}, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
