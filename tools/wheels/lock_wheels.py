"""Resolve the requirements.in of a folder into its requirements.lock, with pip's own resolver.

The lock has one line a wheel, sorted by name: `name==version --hash=sha256:...`, for the tool
interpreter and Linux x86-64. The package index is whatever pip on this machine is set up for.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tools.cli import atomic

HEADER = """\
# Generated from requirements.in by: ./bazelw run //tools:lock_wheels
# One wheel a line, for the tool interpreter on Linux x86-64.
"""


def lock_lines(report: Mapping[str, Any]) -> list[str]:
    """Return the lock's lines out of pip's installation report (`pip install --report`)."""
    lines = []
    for item in report["install"]:
        name = re.sub(r"[-_.]+", "-", item["metadata"]["name"]).lower()
        version = item["metadata"]["version"]
        digest = item["download_info"]["archive_info"]["hashes"]["sha256"]
        if not item["download_info"]["url"].endswith(".whl"):
            raise SystemExit(f"{name} {version}: no wheel, only a source distribution")
        lines.append(f"{name}=={version} --hash=sha256:{digest}")
    return sorted(lines)


def pins(lock: Path) -> dict[str, str]:
    """Return the pins of a lock, `name==version`, by the wheel's name."""
    lines = lock.read_text().splitlines()
    words = [line.split()[0] for line in lines if line and not line.startswith("#")]
    return {pin.split("==")[0]: pin for pin in words}


def without(lines: Iterable[str], names: Iterable[str]) -> list[str]:
    """Return the lines of a lock that belong to no wheel in `names`."""
    left_out = set(names)
    return [line for line in lines if line.split("==")[0] not in left_out]


def resolve(pip: Path, requirements: Path, constraints: Path) -> Mapping[str, Any]:
    """Run pip's resolver on `requirements` and `constraints` without installing anything."""
    command = [
        sys.executable,
        f"{pip}/pip",
        "install",
        "--dry-run",
        "--ignore-installed",
        "--only-binary=:all:",
        "--quiet",
        "--report=-",
        f"--requirement={requirements}",
        f"--constraint={constraints}",
    ]
    result = subprocess.run(command, stdout=subprocess.PIPE, check=False)
    if result.returncode != 0:
        raise SystemExit(f"pip could not resolve {requirements} (its message is above)")
    report: Mapping[str, Any] = json.loads(result.stdout)
    return report


def write_lock(path: Path, lines: Iterable[str]) -> bool:
    """Write the lock file whole; say whether it changed."""
    text = HEADER + "".join(f"{line}\n" for line in lines)
    if path.exists() and path.read_text() == text:
        return False
    atomic.write(path, text)
    return True


def main() -> None:
    """Command line; see the module's docstring."""
    parser = argparse.ArgumentParser(
        prog="./bazelw run //tools:lock_wheels --", description=__doc__
    )
    parser.add_argument("--pip", type=Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument(
        "--folder",
        type=Path,
        default=Path(os.environ.get("BUILD_WORKSPACE_DIRECTORY", "."), "third_party/wheels"),
        help="of the .in and .lock files (default: the checkout's third_party/wheels)",
    )
    parser.add_argument(
        "--beside",
        type=Path,
        help="another lock that is imported from: its pins hold, and its wheels are left out",
    )
    args = parser.parse_args()
    others = {} if args.beside is None else pins(args.beside)
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as constraints:
        constraints.write("".join(f"{pin}\n" for pin in others.values()))
        constraints.flush()
        report = resolve(args.pip, args.folder / "requirements.in", Path(constraints.name))
    lines = without(lock_lines(report), others)
    lock = args.folder / "requirements.lock"
    changed = write_lock(lock, lines)
    print(f"{lock}: {len(lines)} wheels, {'changed' if changed else 'unchanged'}")


if __name__ == "__main__":
    main()
