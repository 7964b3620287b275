"""Lock Debian packages of another workspace, on top of a layer of this one; see debian_lock.

The layer says what there is already: that isn't locked again.
"""

from __future__ import annotations

import argparse
import os
import sys
import tarfile
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from tools.cli import atomic
from tools.packages import lines
from tools.packages.debian import lockfile, resolve
from tools.packages.debian.lock_debian import merge, require_same_content, settled
from tools.packages.debian.lockfile import Lock, Package
from tools.packages.debian.mirrors import find_mirrors

# The set's name in the lock.
SET = "own"
STATUS = "var/lib/dpkg/status"


def status_of(layers: Iterable[Path]) -> str:
    """What dpkg of some layers, lowest first, says of its packages. Raises ResolveError."""
    found = None
    for layer in layers:
        with tarfile.open(layer) as archive:
            for member in archive:
                if member.name.removeprefix("./") == STATUS and member.isreg():
                    file = archive.extractfile(member)
                    found = b"" if file is None else file.read()
    if not found:
        raise resolve.ResolveError(f"no layer has /{STATUS}: `below` has to be a debian_layer")
    return found.decode()


def versions(status: str) -> dict[str, str]:
    """The version of each package in a text of dpkg's."""
    found: dict[str, str] = {}
    for stanza in status.split("\n\n"):
        fields = dict(
            line.split(": ", 1) for line in stanza.splitlines() if line[:1].strip() and ": " in line
        )
        if fields:
            found[fields["Package"]] = fields["Version"]
    return found


def refuse_replacing(has: dict[str, str], found: Sequence[Package]) -> None:
    """Raise ResolveError if one of the packages found is there in another version."""
    for package in found:
        if package.name in has:
            raise resolve.ResolveError(
                f"{package.name} {package.version} would replace {has[package.name]} of the layer "
                "below: take a newer python_images, or leave out what needs it"
            )


def resolve_own(asked: argparse.Namespace, root: Path) -> Lock:
    """Resolve the packages on what the layers have. Raises ResolveError."""
    status = status_of(asked.layer)
    has = versions(status)
    apt = resolve.updated_root(
        root,
        asked.suite,
        asked.arch,
        tuple(find_mirrors(asked.mirror)),
        resolve.find_keyring(asked.keyring),
    )
    found = apt.install_on(status, has, sorted(set(asked.packages)))
    refuse_replacing(has, found)
    if not found:
        raise resolve.ResolveError("the layer below has all of these packages already")
    requested: frozenset[str] = frozenset(asked.packages)
    sets: dict[str, tuple[Sequence[Package], frozenset[str]]] = {SET: (found, requested)}
    return Lock(asked.suite, asked.arch, apt.snapshot(), merge(sets), lockfile.POCKETS)


def text(lock: Lock, command: str) -> str:
    """The lock as a file that names the command that writes it."""
    rows = [line for line in lock.text().splitlines() if not line.startswith("#")]
    comment = (
        f"# Debian {lock.suite} packages for {lock.arch}, pinned by content; don't edit.\n"
        f"# Written by\n# `{command}`\n"
    )
    return comment + "".join(f"{row}\n" for row in rows)


def read_old(path: Path) -> Lock | None:
    """The lock that is there, None if there's none that can be read."""
    try:
        return lockfile.parse(lines.read_text(path), str(path))
    except lockfile.LockError:
        return None


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; exit status 0, or 2 for an error that changed nothing."""
    parser = argparse.ArgumentParser(prog="lock_own", description=__doc__)
    parser.add_argument("packages", nargs="+", metavar="PACKAGE", help="real names, not virtual")
    parser.add_argument("--lock", required=True, help="file to write, below the workspace")
    parser.add_argument("--command", required=True, help="what runs this, for the lock's comment")
    parser.add_argument("--suite", required=True)
    parser.add_argument("--arch", required=True, help="as Debian calls it")
    parser.add_argument("--layer", type=Path, action="append", required=True, help="lowest first")
    parser.add_argument("--folder", help=argparse.SUPPRESS)
    parser.add_argument("--mirror", action="append", default=[], help="root URL of a Debian mirror")
    parser.add_argument("--keyring", help="archive keyring (default: debian-archive-keyring's)")
    asked = parser.parse_args(argv)
    path = Path(os.environ.get("BUILD_WORKSPACE_DIRECTORY", "."), asked.lock)
    try:
        resolve.require_apt()
        with tempfile.TemporaryDirectory(prefix="debian-lock.") as folder:
            lock = resolve_own(asked, Path(folder))
        if old := read_old(path):
            require_same_content(old, lock)
            lock = settled(old, lock)
    except (resolve.ResolveError, lockfile.LockError) as error:
        print(f"lock_own: error: {error}", file=sys.stderr)
        return 2
    atomic.write(path, text(lock, asked.command))
    for package in lock.packages:
        print(f"{package.name} {package.version}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
