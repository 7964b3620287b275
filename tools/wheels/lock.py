"""Resolve third_party/wheels/requirements.in into requirements.lock, with pip's own resolver.

The lock has one line a wheel, sorted by name: `name==version --hash=sha256:...`, for the tool
interpreter and Linux x86-64. The package index is whatever pip on this machine is set up for.
"""

import argparse
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

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


def resolve(pip: Path, requirements: Path) -> Mapping[str, Any]:
    """Run pip's resolver on `requirements` without installing anything."""
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
    temporary = path.with_suffix(".tmp")
    temporary.write_text(text)
    temporary.replace(path)
    return True


def main() -> None:
    """Command line; see the module's docstring."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pip", type=Path, required=True, help="pip's own wheel")
    parser.add_argument(
        "--folder",
        type=Path,
        default=Path(os.environ.get("BUILD_WORKSPACE_DIRECTORY", "."), "third_party/wheels"),
        help="of the .in and .lock files (default: the checkout's third_party/wheels)",
    )
    args = parser.parse_args()
    lines = lock_lines(resolve(args.pip, args.folder / "requirements.in"))
    lock = args.folder / "requirements.lock"
    changed = write_lock(lock, lines)
    print(f"{lock}: {len(lines)} wheels, {'changed' if changed else 'unchanged'}")


if __name__ == "__main__":
    main()
