"""Lock Debian packages of another workspace that images of this module get besides.

It only adds: what this module's images have, or may have, stays in the version that is locked for
them, and so does what was locked before. --upgrade takes what the archive has now for the rest.

The lock has all that the packages need and that not every image has; a layer takes what is missing
below it. One file holds the locks of all architectures, one after the other.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from tools.cli import atomic
from tools.packages import lines
from tools.packages.debian import lockfile, resolve
from tools.packages.debian.lock_debian import earlier_of, merge, require_same_content, settled
from tools.packages.debian.lockfile import Lock, Package
from tools.packages.debian.mirrors import find_mirrors

# The set's name in the lock.
SET = "own"
# The set of the image locks that every image has.
_EVERYWHERE = "base"
_TOO_OLD = (
    "Locked versions may be too old for these packages: take a newer python_images, or leave out "
    "what needs newer ones; --upgrade renews what was locked here before"
)


def sections(text: str) -> list[str]:
    """The locks of a file, in its order; comments belong to the one before."""
    return re.split(r"(?m)^(?=suite )", text)[1:]


def read_old(path: Path) -> dict[str, Lock]:
    """The locks that are there, by architecture; none if the file is damaged."""
    if not path.exists():
        return {}
    try:
        found = [lockfile.parse(one, path.name) for one in sections(lines.read_text(path))]
    except lockfile.LockError as error:
        print(f"replacing a damaged lock: {error}", file=sys.stderr)
        return {}
    return {lock.arch: lock for lock in found}


def text(locks: Iterable[Lock], command: str) -> str:
    """The locks as one file that names the command that writes it."""
    rows = [row for lock in locks for row in lock.text().splitlines() if not row.startswith("#")]
    comment = (
        "# Debian packages that lie upon images of python_images, pinned by content; don't edit.\n"
        f"# Written by\n# `{command}`\n"
    )
    return comment + "".join(f"{row}\n" for row in rows)


def resolve_added(
    apt: resolve.AptRoot, images: Lock, old: Lock | None, names: Sequence[str]
) -> Lock:
    """Resolve packages for one architecture. Raises ResolveError.

    Args:
        apt: after update().
        images: what the images of the suite have; its versions stay.
        old: what was locked before, whose versions stay, too; None to take newer ones.
        names: the packages asked for.
    """
    known = {package.name for package in images.packages}
    before = [package for package in old.packages if package.name not in known] if old else []
    gone = apt.hold([*images.packages, *before])
    everywhere = images.in_set(_EVERYWHERE)
    try:
        found = apt.install(sorted(set(names)), everywhere)
    except resolve.UnknownPackageError as error:
        raise resolve.ResolveError(
            f"{images.suite} has no package {error.package!r} for {images.arch} (or only a virtual "
            "one): correct `packages` of debian.packages in MODULE.bazel, or name the package that "
            "provides it"
        ) from None
    except resolve.ResolveError as error:
        raise resolve.ResolveError(f"{error}\n{_TOO_OLD}") from None
    locked = {package.name: package for package in [*images.packages, *before]}
    for package in found:
        if package.name in locked and locked[package.name].version != package.version:
            raise resolve.ResolveError(
                f"{package.name} {package.version} would replace {locked[package.name].version}\n"
                f"{_TOO_OLD}"
            )
    # What every image has is a package that someone asked for, from now on.
    asked = [package for package in everywhere if package.name in names]
    rows = [replace(package, sets={}) for package in asked]
    sets: dict[str, tuple[Sequence[Package], frozenset[str]]] = {
        SET: ([*found, *rows], frozenset(names))
    }
    packages = merge(sets)
    made = Lock(
        images.suite,
        images.arch,
        apt.snapshot(),
        packages,
        images.pockets,
        earlier=earlier_of(packages, gone, [images, *([old] if old else [])]),
    )
    require_same_content(images, made)
    return settled(images, made) if old is None else settled(old, settled(images, made))


def _images(asked: argparse.Namespace) -> dict[str, Lock]:
    """The locks of this module's images, by architecture."""
    locks = [lockfile.read(path) for path in asked.images]
    return {lock.arch: lock for lock in locks}


def resolve_all(asked: argparse.Namespace, old: Mapping[str, Lock], folder: Path) -> list[Lock]:
    """Resolve for all architectures. Raises ResolveError, LockError."""
    indexes = resolve.new_indexes(folder / "indexes")
    mirrors = tuple(find_mirrors(asked.mirror))
    keyring = resolve.find_keyring(asked.keyring)
    made = []
    for arch, images in _images(asked).items():
        print(f"{images.suite} {arch}: resolving", file=sys.stderr)
        apt = resolve.updated_root(
            folder / arch, images.suite, arch, mirrors, keyring, images.pockets, indexes=indexes
        )
        same = old.get(arch)
        if same is not None and same.suite != images.suite:
            same = None
        if same is not None:
            require_same_content(same, images)
        lock = resolve_added(apt, images, None if asked.upgrade else same, asked.packages)
        if same is not None:
            require_same_content(same, lock)
        made.append(lock)
    return made


def report(old: Mapping[str, Lock], new: Iterable[Lock]) -> None:
    """Say on stdout what is other than before."""
    for lock in new:
        before = (
            {one.name: one.version for one in old[lock.arch].packages} if lock.arch in old else {}
        )
        after = {one.name: one.version for one in lock.packages}
        for name in sorted(before.keys() | after.keys()):
            if name not in after:
                print(f"{lock.arch}: - {name} {before[name]}")
            elif name not in before:
                print(f"{lock.arch}: + {name} {after[name]}")
            elif before[name] != after[name]:
                print(f"{lock.arch}:   {name} {before[name]} -> {after[name]}")


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; exit status 0, or 2 for an error that changed nothing."""
    parser = argparse.ArgumentParser(prog="lock", description=__doc__)
    parser.add_argument("--upgrade", action="store_true", help="take what the archive has now")
    parser.add_argument("--mirror", action="append", default=[], help="root URL of a Debian mirror")
    parser.add_argument("--keyring", help="archive keyring (default: debian-archive-keyring's)")
    # Given by the build: see python_images/private/roots/debian/own_extension.bzl.
    parser.add_argument("packages", nargs="+", help=argparse.SUPPRESS)
    parser.add_argument("--lock", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--command", required=True, help=argparse.SUPPRESS)
    parser.add_argument(
        "--images", type=Path, action="append", required=True, help=argparse.SUPPRESS
    )
    parser.add_argument("--folder", help=argparse.SUPPRESS)
    asked = parser.parse_args(argv)
    path = Path(os.environ.get("BUILD_WORKSPACE_DIRECTORY", "."), asked.lock)
    try:
        resolve.require_apt()
        old = read_old(path)
        with tempfile.TemporaryDirectory(prefix="debian-lock.") as folder:
            locks = resolve_all(asked, old, Path(folder))
    except (resolve.ResolveError, lockfile.LockError) as error:
        print(f"lock: error: {asked.lock}: {error}", file=sys.stderr)
        return 2
    atomic.write(path, text(locks, asked.command))
    report(old, locks)
    print(f"{asked.lock}: written")
    return 0


if __name__ == "__main__":
    sys.exit(main())
