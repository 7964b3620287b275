"""Lock Debian packages: resolve the catalog's package sets with apt, write third_party/debian.

./bazelw run //tools:lock                          every suite and architecture
./bazelw run //tools:lock -- --suite=trixie        one suite
./bazelw run //tools:lock -- --check               write nothing, exit 1 if a lock is stale
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from tools.catalog.errors import CatalogError
from tools.catalog.yamlfile import near
from tools.debian import lockfile, package_sets, resolve
from tools.debian.lockfile import Lock, Package
from tools.debian.mirrors import Mirror, find_mirrors
from tools.debian.progress import Progress

LOCKS = Path("third_party/debian")


@dataclass(frozen=True)
class Job:
    """One lock file to make.

    Attributes:
        mirrors: to try, in order.
        pockets, components: parts of the archive that packages are taken from.
        catalog: the file that has the suite's package sets, for errors.
        remedy: what to do when no mirror has the suite, for errors.
        sources: what images name, if that isn't their own apt's business.
    """

    suite: str
    arch: str
    pockets: tuple[str, ...]
    sets: tuple[package_sets.PackageSet, ...]
    mirrors: tuple[Mirror, ...]
    components: tuple[str, ...] = ("main",)
    catalog: str = "catalog/suites.yaml"
    remedy: str = "Another mirror: --mirror=<URL>"
    sources: lockfile.Sources | None = None

    @property
    def name(self) -> str:
        """As in the lock's file name."""
        return f"{self.suite}_{self.arch}"


def merge(sets: dict[str, tuple[Sequence[Package], frozenset[str]]]) -> tuple[Package, ...]:
    """One package list from resolved sets: name -> (its packages, which of them are requested)."""
    merged: dict[str, Package] = {}
    for set_name, (packages, requested) in sets.items():
        for package in packages:
            seen = merged.setdefault(package.name, package)
            if (seen.version, seen.sha256) != (package.version, package.sha256):
                raise resolve.ResolveError(
                    f"{package.name} resolved to {seen.version} and {package.version}"
                )
            flags = {**seen.sets, set_name: package.name in requested}
            merged[package.name] = replace(seen, sets=flags)
    return tuple(merged[name] for name in sorted(merged))


def resolve_lock(job: Job, root: Path, keyring: Path, progress: Progress) -> Lock:
    """Resolve all sets of one suite and architecture. Raises ResolveError, CatalogError."""
    progress.show(job.name, "reading package lists")
    try:
        apt = resolve.updated_root(
            root, job.suite, job.arch, job.mirrors, keyring, job.pockets, job.components
        )
    except resolve.ResolveError as error:
        raise resolve.ResolveError(f"{error}\n{job.remedy}") from None
    done: dict[str, tuple[Sequence[Package], frozenset[str]]] = {}
    systems: dict[str | None, tuple[Package, ...]] = {None: ()}  # what a set is resolved on
    for package_set in job.sets:
        progress.show(job.name, f"resolving {package_set.name}")
        names = set(package_set.packages)
        # debuerreotype marks all of minbase as automatically installed.
        requested = frozenset() if package_set.minbase else frozenset(names)
        if package_set.minbase:
            names |= set(apt.minbase())
        below = systems[package_set.above]
        try:
            packages = apt.install(sorted(names), below)
        except resolve.UnknownPackageError as error:
            raise CatalogError(
                job.catalog,
                None,
                f"suites.{job.suite}.{package_set.key}",
                f"{job.suite} has no package {error.package!r} for {job.arch} "
                "(or only a virtual one)",
                "correct the name, or name the package that provides it",
            ) from None
        # What is asked for and already there belongs to this set too: it becomes requested.
        asked = [package for package in below if package.name in requested]
        done[package_set.name] = ([*packages, *asked], requested)
        systems[package_set.name] = (*below, *packages)
    lock = Lock(job.suite, job.arch, apt.snapshot(), merge(done), job.pockets, job.sources)
    size = sum(package.size for package in lock.packages)
    progress.show(job.name, f"{len(lock.packages)} packages, {size / 1e6:.1f} MB", final=True)
    return lock


def differences(old: Lock, new: Lock) -> list[str]:
    """Changes of packages, one per line, for people."""
    before = {package.name: package for package in old.packages}
    after = {package.name: package for package in new.packages}
    lines = []
    for name in sorted(before.keys() | after.keys()):
        if name not in after:
            lines.append(f"- {name} {before[name].version}")
        elif name not in before:
            lines.append(f"+ {name} {after[name].version}")
        elif before[name].version != after[name].version:
            lines.append(f"  {name} {before[name].version} -> {after[name].version}")
        elif before[name] != after[name]:
            lines.append(f"  {name} {after[name].version}: other sets, path or content")
    return lines


def update(top: Path, folder: Path, new: Lock, *, write: bool) -> bool:
    """Bring a lock file in `folder` up to date if `write`, say so; returns whether it was stale."""
    path = top / folder / f"{new.suite}_{new.arch}.lock"
    old = None
    if path.exists():
        try:
            old = lockfile.read(path)
        except lockfile.LockError as error:
            print(f"replacing a damaged lock: {error}")
    if old and replace(old, snapshot=new.snapshot) == new:
        # A newer snapshot of the same packages is no change.
        new = replace(new, snapshot=old.snapshot)
    stale = old is None or path.read_text(encoding="utf-8") != new.text()
    if stale and write:
        path.parent.mkdir(parents=True, exist_ok=True)
        lockfile.write(path, new)
    state = "unchanged" if not stale else "written" if write else "stale"
    print(f"{path.relative_to(top)}: {state}")
    for line in differences(old, new) if old else ():
        print(f"  {line}")
    return stale


def require_known(option: str, values: Sequence[str], known: Iterable[str]) -> None:
    """ResolveError that names an option's value which isn't known."""
    for value in values:
        if value not in known:
            raise resolve.ResolveError(f"--{option}={value}: unknown; {near(value, known)}")


def resolve_all(jobs: Sequence[Job], keyring: Path) -> list[Lock]:
    """The locks of all jobs, all or none; says on stderr how far it is. Raises what they raise."""
    progress = Progress(sys.stderr, [job.name for job in jobs])

    def one(job: Job, root: Path) -> Lock:
        try:
            return resolve_lock(job, root, keyring, progress)
        except Exception:
            progress.show(job.name, "failed", final=True)
            raise

    with tempfile.TemporaryDirectory(prefix="debian-lock.") as directory:
        with ThreadPoolExecutor(len(jobs)) as pool:
            futures = [pool.submit(one, job, Path(directory) / job.name) for job in jobs]
        failed = [error for future in futures if (error := future.exception())]
        if failed:
            # All or nothing: locks of different days shouldn't be mixed silently.
            raise failed[0]
        return [future.result() for future in futures]


def run(arguments: argparse.Namespace) -> int:
    """Lock as the arguments say; returns the exit status."""
    top = Path(arguments.root)
    plan = package_sets.load(top / "catalog", Path("catalog"))
    require_known("suite", arguments.suite, plan.archs)
    require_known("pocket", arguments.pocket, lockfile.POCKETS)
    if "main" not in arguments.pocket:
        raise resolve.ResolveError("--pocket: main can't be left out")
    require_known("arch", arguments.arch, {arch for archs in plan.archs.values() for arch in archs})
    chosen = [
        (suite, arch)
        for suite, archs in plan.archs.items()
        for arch in archs
        if suite in (arguments.suite or plan.archs) and arch in (arguments.arch or archs)
    ]
    if not chosen:
        raise resolve.ResolveError("no suite is built for that architecture")
    resolve.require_apt()
    keyring = resolve.find_keyring(arguments.keyring)
    found = tuple(find_mirrors(arguments.mirror))
    jobs = [
        Job(
            suite,
            arch,
            tuple(
                pocket
                for pocket in lockfile.POCKETS
                if pocket in arguments.pocket
                and (pocket != "security" or (suite, arch) in plan.secured)
            ),
            plan.sets_for(suite, arch),
            found,
        )
        for suite, arch in chosen
    ]
    locks = resolve_all(jobs, keyring)
    stale = [update(top, LOCKS, lock, write=not arguments.check) for lock in locks]
    kept = {f"{suite}_{arch}.lock" for suite, archs in plan.archs.items() for arch in archs}
    for path in sorted((top / LOCKS).glob("*.lock")):
        if path.name not in kept:
            print(f"{path.relative_to(top)}: not in the catalog any more; remove it")
            stale.append(True)
    return 1 if arguments.check and any(stale) else 0


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; exit status 0, 1 (--check found a stale lock) or 2 (error)."""
    parser = argparse.ArgumentParser(
        prog="lock", description="Resolve the catalog's package sets with apt and lock them."
    )
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if stale")
    parser.add_argument("--suite", action="append", default=[], help="only this suite (repeatable)")
    parser.add_argument("--arch", action="append", default=[], help="only this Debian architecture")
    parser.add_argument(
        "--mirror",
        action="append",
        default=[],
        help="root URL of a Debian mirror; <mirror>-security is its security archive "
        "(default: $DEBIAN_MIRROR, else what this machine's apt uses, then public ones)",
    )
    parser.add_argument(
        "--pocket",
        type=lambda text: text.split(","),
        default=lockfile.POCKETS,
        help="parts of the archive to resolve from, for a mirror that lacks some; the lock tells "
        f"(default: {','.join(lockfile.POCKETS)})",
    )
    parser.add_argument("--keyring", help="archive keyring (default: debian-archive-keyring's)")
    parser.add_argument(
        "--root",
        default=os.environ.get("BUILD_WORKSPACE_DIRECTORY", "."),
        help="top of the source tree (default: the workspace)",
    )
    try:
        return run(parser.parse_args(argv))
    except (resolve.ResolveError, CatalogError, lockfile.LockError) as error:
        print(f"lock: error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("lock: interrupted", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
