"""Measure what a build costs, side by side with what people use today.

    ./bazelw run //bench -- [--json FILE] [--repeat N] [--image TAG_PLATFORM] [--roots]

Everything runs in a scratch copy of the checkout with caches of its own, so the first
measurement is a cold one. Rows, all in seconds of wall time:

    compile             the action that compiles CPython, on otherwise idle cores
    rootfs.computed     the action that computes the Debian base layer
    rootfs.full         the actions that compute the five layers of the default variant
    rootfs.mmdebstrap   mmdebstrap making such a tree, fetching from the mirror included
    assembly.scratch    Bazel, everything but the compile: layers, compression, manifest
    assembly.change     Bazel, after one line of the catalog has changed
    noop                Bazel, nothing changed

The JSON is {"format": 1, "host": {...}, "image": TAG, "rows": [{"name", "unit", "values",
"median"} or {"name", "skipped": reason}]}; new rows may come, names and units stay.
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
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tools.catalog.lifecycle import roles
from tools.catalog.load import ALL, load
from tools.packages.debian.mirrors import find_mirrors
from tools.testing.checkout import Checkout, scratch, source

_ELAPSED = re.compile(r"^INFO: Elapsed time: ([0-9.]+)s", re.MULTILINE)
_CATALOG = "catalog/versions.yaml"
# What is measured, by its role in the catalog: the slim root of another suite than the default one,
# and all of the default one's.
_KNOWN = load(source() / "catalog", sources=os.environ.get("PYTHON_IMAGES_SOURCES") or ALL)
_ROLES = roles(_KNOWN)
_BASE_SUITE = _KNOWN.suites[_ROLES["other_suite"]]
_BASE = f"//python_images/rootfs:{_BASE_SUITE.name}_amd64_base"
_FULL = [
    f"//python_images/rootfs:{_ROLES['suite']}_amd64_debian_{name}"
    for name in ("base", "curl", "scm", "full", "dev")
]
_IMAGE = f"{_ROLES['other_minor']}-slim-{_BASE_SUITE.name}_amd64"


@dataclass(frozen=True)
class Row:
    """One measurement: seconds, or why there are none."""

    name: str
    values: Sequence[float] = field(default=())
    skipped: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return the row as the module's docstring describes it."""
        if self.skipped:
            return {"name": self.name, "skipped": self.skipped}
        return {
            "name": self.name,
            "unit": "s",
            "values": [round(value, 3) for value in self.values],
            "median": round(statistics.median(self.values), 3),
        }

    def as_text(self) -> str:
        """Return the row as one line of the table."""
        if self.skipped:
            return f"{self.name:<20} SKIPPED: {self.skipped}"
        spread = f"{min(self.values):.2f} to {max(self.values):.2f}, n={len(self.values)}"
        return f"{self.name:<20} {statistics.median(self.values):>9.2f} s   ({spread})"


def host() -> dict[str, Any]:
    """Return what of this machine bears on the figures."""
    model = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "cpu": model.group(1) if model else platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(memory / 2**30, 1),
        "kernel": platform.release(),
        "load": round(os.getloadavg()[0], 2),
    }


def build(checkout: Checkout, *arguments: str) -> float:
    """Build, and return the seconds Bazel says it took; exits with its output if it failed."""
    result = checkout.bazel("build", *arguments)
    elapsed = _ELAPSED.search(result.output)
    if result.status != 0 or not elapsed:
        raise SystemExit(f"bench: bazelw build {' '.join(arguments)} failed:\n{result.errors}")
    return float(elapsed.group(1))


def spawns(log: Path) -> Iterator[Mapping[str, Any]]:
    """Yield the spawns of a JSON execution log, which is one object after the other."""
    text = log.read_text(encoding="utf-8")
    decoder = json.JSONDecoder()
    at = 0
    while (at := text.find("{", at)) >= 0:
        spawn, at = decoder.raw_decode(text, at)
        yield spawn


def action_seconds(log: Path, mnemonic: str, label: str) -> float:
    """Return the wall time of one action of an execution log."""
    for spawn in spawns(log):
        if spawn.get("mnemonic") == mnemonic and spawn.get("targetLabel", "").endswith(label):
            if spawn.get("cacheHit"):
                raise SystemExit(f"bench: {label} came from a cache")
            return float(spawn["metrics"]["executionWallTime"].removesuffix("s"))
    raise SystemExit(f"bench: no {mnemonic} of {label} in {log}")


def computed_root(checkout: Checkout, repeat: int, name: str, layers: Sequence[str]) -> Row:
    """Measure the actions of layers, each on the one before, with nothing of them cached."""
    log = checkout.path.parent / "execution.json"
    values = []
    for _ in range(repeat):
        checkout.bazel("clean")
        build(checkout, "--disk_cache=", f"--execution_log_json_file={log}", layers[-1])
        values.append(sum(action_seconds(log, "DebianLayer", layer) for layer in layers))
    return Row(name, values)


def mmdebstrap_root(repeat: int) -> Row:
    """Measure mmdebstrap with the machine's own mirror."""
    name = "rootfs.mmdebstrap"
    if not shutil.which("mmdebstrap"):
        return Row(name, skipped="mmdebstrap is not installed")
    if os.geteuid() != 0:
        return Row(name, skipped="mmdebstrap is measured as root, its fastest mode")
    command = ["mmdebstrap", "--quiet", "--mode=root", "--variant=minbase"]
    command += [f"--include={','.join(_BASE_SUITE.package_sets['base'])}"]
    command += [_BASE_SUITE.name, "/dev/null"]
    command.append(f"deb {find_mirrors()[0].main} {_BASE_SUITE.name} main")
    values = []
    for _ in range(repeat):
        began = time.monotonic()
        result = subprocess.run(command, check=False)
        if result.returncode != 0:
            return Row(name, skipped="mmdebstrap failed; its message is above")
        values.append(time.monotonic() - began)
    return Row(name, values)


def say(text: str) -> None:
    """Tell what is measured next."""
    print(f"bench: {text}", file=sys.stderr, flush=True)


def root_rows(checkout: Checkout, repeat: int) -> list[Row]:
    """Measure root file systems."""
    say("computing root file systems, and making one with mmdebstrap")
    return [
        computed_root(checkout, repeat, "rootfs.computed", [_BASE]),
        computed_root(checkout, repeat, "rootfs.full", _FULL),
        mmdebstrap_root(repeat),
    ]


def measure_roots(repeat: int) -> list[Row]:
    """Measure root file systems alone, in a scratch checkout."""
    with scratch("bench") as checkout:
        say(f"fetching what {_FULL[-1]} needs")
        build(checkout, "--nobuild", _BASE, _FULL[-1])
        return root_rows(checkout, repeat)


def measure(image: str, repeat: int) -> list[Row]:
    """Measure all rows in a scratch checkout."""
    with scratch("bench") as checkout:
        disk = f"--disk_cache={checkout.path.parent / 'disk'}"
        log = checkout.path.parent / "execution.json"
        target = f"//images:{image}"
        found = checkout.bazel(
            "cquery", f"kind('^cpython rule$', deps({target}))", "--output=label"
        )
        compiled = re.search(r"^(//python_images/cpython:\S+)", found.output, re.MULTILINE)
        if not compiled:
            raise SystemExit(f"bench: {target} needs no CPython:\n{found.errors}")

        say(f"fetching what {target} needs")
        build(checkout, "--nobuild", target)
        cpython = compiled.group(1)
        say(f"compiling {cpython}, minutes on two cores")
        build(checkout, disk, f"--execution_log_json_file={log}", cpython)
        rows = [Row("compile", [action_seconds(log, "CompileCPython", cpython)])]

        rows += root_rows(checkout, repeat)

        say("assembling the image")
        values = []
        for number in range(repeat):
            # A copy of the cache that holds the compile and nothing made after it.
            fresh = checkout.path.parent / f"disk.{number}"
            shutil.copytree(checkout.path.parent / "disk", fresh, copy_function=os.link)
            checkout.bazel("clean")
            values.append(build(checkout, f"--disk_cache={fresh}", target))
        rows.append(Row("assembly.scratch", values))

        changes = []
        for number in range(repeat):
            line = f"    env:\n      PYTHON_IMAGES_BENCH: '{number}'\n"
            with checkout.changed(_CATALOG, "    env:\n", line):
                changes.append(build(checkout, f"--disk_cache={fresh}", target))
        rows.append(Row("assembly.change", changes))

        build(checkout, f"--disk_cache={fresh}", target)
        rows.append(
            Row("noop", [build(checkout, f"--disk_cache={fresh}", target) for _ in range(repeat)])
        )
    return rows


def main() -> None:
    """Command line; see the module's docstring."""
    parser = argparse.ArgumentParser(
        prog="./bazelw run //bench --",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures here too")
    parser.add_argument("--repeat", type=int, default=3, help="runs of what is short (3)")
    parser.add_argument("--image", default=_IMAGE, help="the image measured")
    parser.add_argument("--roots", action="store_true", help="measure root file systems alone")
    args = parser.parse_args()
    about = host()
    rows = measure_roots(args.repeat) if args.roots else measure(args.image, args.repeat)
    print(f"{about['cores']} cores of {about['cpu']}, kernel {about['kernel']}")
    for row in rows:
        print(row.as_text())
    if args.json:
        report = {
            "format": 1,
            "host": about,
            "image": args.image,
            "rows": [row.as_json() for row in rows],
        }
        folder = Path(os.environ.get("BUILD_WORKING_DIRECTORY", "."))
        (folder / args.json).write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
