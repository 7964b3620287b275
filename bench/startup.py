"""Measure how long an interpreter takes to start, with and without byte code.

    ./bazelw run //bench:startup -- [--json FILE] [--runs N]

docker-library's images have no byte code, and neither have ours: it would be a third of a slim
image. So every start compiles what it imports, unless something may write __pycache__. The same
interpreter is started with byte code beside its modules, and without, in turns. Rows, each the
median CPU time of a process and its children, user and system, in milliseconds:

    pass      python3 -c pass
    imports   python3 -c with a program's usual imports (IMPORTS)
    pip       python3 -m pip --version

The JSON is {"format": 1, "unit": "cpu ms", "host": {...}, "release", "suite", "bytes": the byte
code's size, "rows": [{"name", "values": {"without": [...], "with": [...]}, "medians": {...}}]}.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bench import builds, interpreter

IMPORTS = (
    "argparse, asyncio, concurrent.futures, csv, dataclasses, datetime, decimal, email.message, "
    "http.client, json, logging.config, pathlib, sqlite3, ssl, subprocess, typing, unittest, "
    "urllib.request, uuid, xml.etree.ElementTree, zipfile"
)
COMMANDS = {
    "pass": ["-c", "pass"],
    "imports": ["-c", f"import {IMPORTS}"],
    "pip": ["-m", "pip", "--version"],
}


def start(command: Sequence[str]) -> float:
    """Run a command; the CPU time it and its children took, in milliseconds.

    Raises:
        SystemExit: it failed.
    """
    environment = {"PATH": "/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1"}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    result = subprocess.run(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if result.returncode != 0:
        raise SystemExit(f"bench: {' '.join(command)} failed:\n{result.stdout[-2000:]}")
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return spent * 1000


def compile_all(build: builds.Build, library: Path) -> int:
    """Write byte code that is never checked against its source; its size in bytes."""
    options = ["-q", "--invalidation-mode=unchecked-hash", str(library)]
    subprocess.run([*build.command, "-m", "compileall", *options], check=True, env={})
    return sum(path.stat().st_size for path in library.rglob("*.pyc"))


def main(argv: list[str]) -> int:
    """The command line; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="./bazelw run //bench:startup --", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--json", type=interpreter.given, help="file to write the figures to")
    parser.add_argument("--runs", type=int, default=30, help="default: %(default)s")
    parser.add_argument(
        "--release",
        required=True,
        help="CPython, or a label, whose newest it is; default: the newest minor version",
    )
    parser.add_argument("--suite", required=True, help="default: the catalog's default suite")
    parser.add_argument("--build", choices=builds.NAMES, default="full", help="which")
    options = parser.parse_args(argv)
    root = Path(os.environ.get("BUILD_WORKSPACE_DIRECTORY", "."))
    with tempfile.TemporaryDirectory(prefix="startup-") as folder:
        both = {}
        options.release = builds.release(root, options.release)
        subject = builds.Subject(options.release, options.suite)
        for name in ("without", "with"):
            scratch = Path(folder, name)
            scratch.mkdir()
            both[name] = builds.make(root, options.build, subject, scratch)
        size = compile_all(both["with"], both["with"].python.parents[1] / "lib")
        rows = []
        for name, arguments in COMMANDS.items():
            values: dict[str, list[float]] = {key: [] for key in both}
            for number in range(options.runs + 1):
                for key, build in both.items():
                    spent = start([*build.command, *arguments])
                    if number:  # the first one reads from the disk
                        values[key].append(round(spent, 3))
            medians = {key: round(statistics.median(found), 3) for key, found in values.items()}
            rows.append({"name": name, "values": values, "medians": medians})
            print(f"{name:<10}" + "".join(f"{k:>10} {v:8.1f} ms" for k, v in medians.items()))
    print(f"byte code: {size / 1e6:.1f} MB")
    if options.json:
        whole = {
            "format": 1,
            "unit": "cpu ms",
            "host": interpreter.host(),
            "release": options.release,
            "suite": options.suite,
            "build": options.build,
            "bytes": size,
            "rows": rows,
        }
        options.json.write_text(json.dumps(whole, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
