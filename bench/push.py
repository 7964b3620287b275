"""Measure a push to Debian's docker-registry on the loopback, side by side with skopeo.

    ./bazelw run //bench:push -- [--json FILE] [--repeat N]

Rows, in seconds of wall and of CPU time from the start of the program to its end:

    first.push   first.skopeo    an image of the catalog into an empty repository
    noop.push    noop.skopeo     the same image once more
    mount.push                   the image into another repository of the registry, --mount-from

The JSON is bench.py's, with "cpu", and "megabytes" that the registry was sent.
"""

from __future__ import annotations

import argparse
import functools
import json
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.bench import host
from bench.clock import HEAD, Series, measured
from tools.oci.registry.real_registry import RealRegistry

_SENT = re.compile(r"sent \d+ blobs \(([0-9.]+) MB\)")


def run(*command: str) -> str:
    """Run a program; return what it says on standard error."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"bench: {' '.join(command)} failed:\n{done.stderr}")
    return done.stderr


def skopeo(image: Path, to: str) -> None:
    """Copy the image with skopeo, its bytes as they are."""
    words = ["skopeo", "--insecure-policy", "copy", "--quiet", "--preserve-digests"]
    run(*words, "--dest-tls-verify=false", f"oci:{image}", f"docker://{to}:1")


@contextmanager
def registry() -> Iterator[str]:
    """An empty registry; yields its host."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        running = RealRegistry(Path(folder))
        try:
            yield running.host
        finally:
            running.stop()


def series(program: Path, image: Path, repeat: int) -> Iterator[Series]:
    """Yield each row."""
    found: dict[str, Series] = {}

    def note(name: str, work: Callable[[], object]) -> Series:
        row = found.setdefault(name, Series(name))
        row.costs.append(measured(work))
        return row

    def push(name: str, to: str, *more: str) -> None:
        words = [str(program), f"--image={image}", f"--repository={to}", "--tag=1", *more]
        told: list[str] = []
        row = note(name, lambda: told.append(run(*words)))
        sent = _SENT.search(told[0])
        if not sent:
            raise SystemExit(f"bench: the push says nothing of what it sent:\n{told[0]}")
        row.megabytes = float(sent[1])

    for _ in range(repeat):
        with registry() as host_name:
            for name in ("first", "noop"):
                push(f"{name}.push", f"{host_name}/a/push")
            push("mount.push", f"{host_name}/a/other", "--mount-from=a/push")
        # An empty one again: skopeo, too, would find the blobs.
        with registry() as host_name:
            for name in ("first", "noop") if shutil.which("skopeo") else ():
                note(f"{name}.skopeo", functools.partial(skopeo, image, f"{host_name}/a/skopeo"))
    for name in ("first.push", "first.skopeo", "noop.push", "noop.skopeo", "mount.push"):
        if name in found:
            yield found[name]
        else:
            print(f"{name:<16}SKIPPED: skopeo is not installed")


def main() -> None:
    """Command line; see the module's docstring."""
    parser = argparse.ArgumentParser(prog="./bazelw run //bench:push --", description=__doc__)
    parser.add_argument("--image", type=Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--push", type=Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--json", type=Path, help="write the result here, too")
    parser.add_argument("--repeat", type=int, default=5)
    args = parser.parse_args()
    if not shutil.which("docker-registry"):
        raise SystemExit("bench: SKIPPED: docker-registry is not installed")
    found: list[dict[str, Any]] = []
    print(HEAD)
    for row in series(args.push.absolute(), args.image.resolve(), args.repeat):
        print(row.as_text(), flush=True)
        found.append(row.as_json())
    result = {"format": 1, "host": host(), "image": args.image.name, "rows": found}
    print(json.dumps(result["host"]))
    if args.json:
        args.json.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
