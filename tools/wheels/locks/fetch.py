"""Fetch the wheels of a lock that an image takes.

    python3 -m tools.wheels.locks.fetch --lock FILE --pip PIP.whl --output FOLDER
        --platform arm64 --python 3.13.5 --libc 'glibc 2.41'

pip downloads them: the index, its mirrors, proxies and certificates are set up for pip on the
machine. What it may download has been chosen here, for the image and not for the machine, and
--require-hashes refuses any other bytes.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename

from tools.net.session import Session
from tools.wheels.locks import index, target
from tools.wheels.locks.choose import choose, rank
from tools.wheels.locks.pins import Lock, LockError, Pin
from tools.wheels.locks.read import read
from tools.wheels.locks.target import Target


def requirement(pin: Pin, wanted: Target) -> str:
    """The line by which pip downloads a package. LockError if the lock has no wheel for it."""
    if pin.wheels is None:
        return f"{pin.name}=={pin.version} " + _hashes(pin.hashes)
    wheel = choose(pin, pin.wheels, wanted)
    what = f"{pin.name} @ {pin.url}" if pin.url else f"{pin.name}=={pin.version}"
    return f"{what} {_hashes([wheel.sha256])}"


def _hashes(hashes: Sequence[str]) -> str:
    return " ".join(f"--hash=sha256:{each}" for each in hashes)


def explain(pins: Sequence[Pin], wanted: Target, files: index.Files) -> None:
    """Raise the LockError that says why pip couldn't, if what an index has tells it."""
    for pin in pins:
        has = [] if pin.url else [file for file in files(pin.name) if file.sha256]
        if not has:
            continue
        locked = [file for file in has if file.sha256 in pin.hashes]
        if not locked:
            named = {wheel.filename for wheel in pin.wheels or ()}
            there = [f"{file.filename} ({file.sha256})" for file in has if file.filename in named]
            raise LockError(
                f"{pin.where}: no file of {pin.name} on the index has a hash that the lock has for "
                f"{pin.shown}" + (f"; the index has {', '.join(there[:2])}" if there else "")
            )
        choose(pin, [file for file in locked if file.filename.endswith(".whl")], wanted)


def fetch(lock: Lock, wanted: Target, pip: Path, out: Path) -> None:
    """Download the wheels into `out`. LockError, after which nothing of `out` is to be used."""
    pins = lock.pins(wanted)
    lines = [*lock.index_options, *(requirement(pin, wanted) for pin in pins)]
    out.mkdir(parents=True, exist_ok=True)
    if not pins:
        return
    with tempfile.TemporaryDirectory() as scratch:
        requirements = Path(scratch, "requirements.txt")
        requirements.write_text("".join(f"{line}\n" for line in lines))
        command = [
            *(sys.executable, f"{pip}/pip", "download"),
            *("--quiet", "--require-hashes", "--no-deps", "--only-binary=:all:"),
            *("--disable-pip-version-check", f"--dest={out}", f"--requirement={requirements}"),
            *wanted.pip_options,
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        offline = "--no-index" in lock.index_options
        addresses = [] if offline else index.indexes(lock.index_options, index.configured(pip))
        explain(pins, wanted, index.ask(addresses, Session()))
        raise LockError(
            f"the wheels can't be fetched: {_last(done.stderr)}\nIs the package index set for pip "
            "(pip config list)?",
            relock=False,
        )
    check(pins, wanted, out)


def _last(text: str) -> str:
    """The errors among what pip says."""
    lines = [line for line in text.splitlines() if line and not line.startswith("WARNING")]
    return "\n".join(lines[-20:])


def check(pins: Sequence[Pin], wanted: Target, folder: Path) -> None:
    """LockError unless a folder has one wheel for the target of each package, and nothing else."""
    found = []
    for file in sorted(folder.iterdir()):
        try:
            name = canonicalize_name(parse_wheel_filename(file.name)[0])
        except InvalidWheelFilename as error:
            raise LockError(f"pip downloaded {file.name}: {error}", relock=False) from None
        if rank(file.name, wanted) is None:
            raise LockError(f"pip downloaded {file.name}, not for {wanted}", relock=False)
        found.append(str(name))
    if sorted(found) != [pin.name for pin in pins]:
        raise LockError(f"pip downloaded {found}", relock=False)


def main(argv: list[str] | None = None) -> int:
    """Command line; 1 and a message where the lock can't serve."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lock", type=Path, required=True)
    parser.add_argument("--name", help="what messages call the lock (default: its path)")
    parser.add_argument("--pip", type=Path, required=True, help="pip's own wheel")
    parser.add_argument("--output", type=Path, required=True, help="a folder for the wheels")
    parser.add_argument("--relock", default="", help="the command that locks again, for messages")
    target.add_options(parser)
    options = parser.parse_args(argv)
    try:
        wanted = target.from_options(options)
        lock = read(options.lock, options.name or str(options.lock))
        fetch(lock, wanted, options.pip, options.output)
    except (LockError, ValueError) as error:
        again = isinstance(error, LockError) and error.relock and options.relock
        print(f"{error}" + (f". Lock again: {options.relock}" if again else ""), file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
