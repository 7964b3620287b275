"""Lock Debian packages: resolve the catalog's package sets with apt, write third_party/debian.

./bazelw run //tools:lock                          every suite and architecture
./bazelw run //tools:lock -- --suite=trixie        one suite
./bazelw run //tools:lock -- --keep                nothing newer: only what sets or mirrors lack
./bazelw run //tools:lock -- --add-only            only add: what is locked stays, in every case
./bazelw run //tools:lock -- --build               also what only the build uses
./bazelw run //tools:lock -- --check               write nothing, exit 1 if a lock is stale
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from tools.catalog.catalog_error import CatalogError
from tools.catalog.package_sets import PackageSet
from tools.catalog.yamlfile import near
from tools.cli.progress import Progress
from tools.packages import lock_command
from tools.packages.debian import lockfile, package_sets, resolve
from tools.packages.debian.indexes import Indexes
from tools.packages.debian.lockfile import Lock, Package
from tools.packages.debian.mirrors import Mirror, find_mirrors

LOCKS = Path("third_party/debian")
ARCH_HELP = "only this Debian architecture (repeatable)"
BUILD_HELP = (
    "renew the build locks too, of compilers, sysroots and tools: every CPython compiles again "
    "(without it, only build locks that aren't there yet are written)"
)

# Jobs that run at the same time: they wait for mirrors as much as they compute.
_AT_ONCE = 8
_CONTENT = (
    "Nothing was written. Debian never replaces a published version: ask another mirror "
    "(--mirror=<URL>). If that says the same, find out why before you remove the lock's line."
)

_KEPT = "Locked versions may be too old for what the sets need now: lock without --keep"
_HELD = "Locked versions may be too old for what the sets need now: lock without --add-only"


class ContentChangedError(resolve.ResolveError):
    """The archive has other bytes under a version that is locked."""


@dataclass(frozen=True)
class Job:
    """One lock file to make.

    Attributes:
        mirrors: to try, in order.
        pockets, components: parts of the archive that packages are taken from.
        catalog: the file that has the suite's package sets, for errors.
        remedy: what to do when no mirror has the suite, for errors.
        sources: what images name, if that isn't their own apt's business.
        build: whether it is a build lock.
    """

    suite: str
    arch: str
    pockets: tuple[str, ...]
    sets: tuple[PackageSet, ...]
    mirrors: tuple[Mirror, ...]
    components: tuple[str, ...] = ("main",)
    catalog: str = "catalog/suites.yaml"
    remedy: str = "Another mirror: --mirror=<URL>"
    sources: lockfile.Sources | None = None
    build: bool = False

    @property
    def name(self) -> str:
        """As in the lock's file name, below the folder of its distribution's locks."""
        return lockfile.stem(self.suite, self.arch, build=self.build)


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


def resolve_lock(
    job: Job,
    root: Path,
    keyring: Path,
    progress: Progress,
    indexes: Indexes,
    keep: Sequence[Package] = (),
    hold: Lock | None = None,
) -> Lock:
    """Resolve all sets of one suite and architecture. Raises ResolveError, CatalogError.

    Versions of `keep` stay if the archive still has them; those of `hold` in every case.
    """
    progress.show(job.name, "reading package lists")
    try:
        apt = resolve.updated_root(
            root, job.suite, job.arch, job.mirrors, keyring, job.pockets, job.components, indexes
        )
    except resolve.ResolveError as error:
        raise resolve.ResolveError(f"{error}\n{job.remedy}") from None
    apt.keep(keep)
    gone = apt.hold(hold.packages) if hold else []
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
            if package_set.bare:
                packages = apt.alone(sorted(names - {package.name for package in below}))
            else:
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
        except resolve.ResolveError as error:
            if not keep and not hold:
                raise
            raise resolve.ResolveError(f"{error}\n{_HELD if hold else _KEPT}") from None
        # What is asked for and already there belongs to this set too: it becomes requested.
        asked = [package for package in below if package.name in requested]
        done[package_set.name] = ([*packages, *asked], requested)
        systems[package_set.name] = (*below, *packages)
    merged = merge(done)
    lock = Lock(
        job.suite,
        job.arch,
        apt.snapshot(),
        merged,
        job.pockets,
        job.sources,
        job.build,
        earlier_of(merged, gone, [hold] if hold else []),
    )
    size = sum(package.size for package in lock.packages)
    progress.show(job.name, f"{len(lock.packages)} packages, {size / 1e6:.1f} MB", final=True)
    return lock


def earlier_of(
    packages: Iterable[Package], gone: Sequence[Package], locks: Iterable[Lock]
) -> tuple[str, ...]:
    """Times of snapshots that have what no index has any more, newest first.

    Args:
        packages: those of the lock that is made.
        gone: what no index has.
        locks: what they are from.
    """
    superseded = {(package.name, package.version) for package in gone}
    if not any((package.name, package.version) in superseded for package in packages):
        return ()
    return tuple(
        sorted({time for lock in locks for time in (lock.snapshot, *lock.earlier)}, reverse=True)
    )


def differences(old: Lock, new: Lock) -> list[str]:
    """Changes of packages, one per line, for people.

    A package that only moved, from the security archive to the main one with a point release, is
    none.
    """
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
        elif before[name].sets != after[name].sets:
            lines.append(f"  {name} {after[name].version}: other sets")
    return lines


def require_same_content(old: Lock, new: Lock, accepted: Collection[str] = ()) -> None:
    """Raise ContentChangedError if a version of `old` has other bytes in `new`.

    Debian never replaces what it has published under a version. `accepted` are those that a person
    has looked at, as NAME=VERSION.
    """
    before = {(package.name, package.version, package.arch): package for package in old.packages}
    changed = [
        f"content of {package.name} {package.version} changed: lock has {known.sha256}, "
        f"index says {package.sha256}"
        for package in new.packages
        if (known := before.get((package.name, package.version, package.arch)))
        and known.sha256 != package.sha256
        and f"{package.name}={package.version}" not in accepted
    ]
    if changed:
        raise ContentChangedError("\n".join([*changed, _CONTENT]))


def settled(old: Lock, new: Lock) -> Lock:
    """`new`, with what is no change taken from `old`.

    That is the path of the same bytes, and the time if nothing else differs: builds look for a file
    of the security archive in the main one too.
    """
    paths = {
        (package.name, package.version, package.sha256): package.path for package in old.packages
    }
    packages = tuple(
        replace(
            package, path=paths.get((package.name, package.version, package.sha256), package.path)
        )
        for package in new.packages
    )
    new = replace(new, packages=packages)
    return old if replace(old, snapshot=new.snapshot) == new else new


@dataclass(frozen=True)
class JobResult:
    """What became of one lock file.

    Attributes:
        before: what it said; None if there was none that can be read.
        after: what it says now, or would without --check; None if the job failed.
        error: why it failed, "" if it didn't. The file is then as it was.
        content_changed: the job failed because a locked version has other bytes now.
        build: whether it is a build lock.
    """

    suite: str
    arch: str
    before: Lock | None
    after: Lock | None
    error: str = ""
    content_changed: bool = False
    build: bool = False

    @property
    def name(self) -> str:
        """As in the lock's file name, below the folder of its distribution's locks."""
        return lockfile.stem(self.suite, self.arch, build=self.build)

    @property
    def changed(self) -> bool:
        """Whether the file was written, or is stale with --check."""
        return self.after is not None and self.after != self.before


def read_old(path: Path) -> Lock | None:
    """The lock in a file, None if there's none that can be read; says so of a damaged one."""
    old = lock_command.read_old(path, lockfile.read, lockfile.LockError)
    # One whose text was edited counts as damaged, too: it's written anew.
    return old if old and path.read_text(encoding="utf-8") == old.text() else None


def run_job(
    job: Job,
    target: Path,
    resolved: Callable[[Lock | None], Lock],
    *,
    write: bool,
    accepted: Collection[str] = (),
) -> JobResult:
    """Resolve one lock and, if `write`, bring its file up to date; what fails is in the result.

    `resolved` makes the new lock, given the old one. `accepted`: see require_same_content.
    """
    before = None
    try:
        before = read_old(target)
        after = resolved(before)
        if before:
            require_same_content(before, after, accepted)
            after = settled(before, after)
        if write and after != before:
            target.parent.mkdir(parents=True, exist_ok=True)
            lockfile.write(target, after)
    except (resolve.ResolveError, CatalogError, lockfile.LockError, OSError) as error:
        changed = isinstance(error, ContentChangedError)
        return JobResult(job.suite, job.arch, before, None, str(error), changed, job.build)
    return JobResult(job.suite, job.arch, before, after, build=job.build)


def wanted(jobs: Iterable[Job], folder: Path, *, build: bool) -> list[Job]:
    """The jobs to do; without `build`, of the build locks those that `folder` hasn't yet."""
    return [
        job for job in jobs if build or not job.build or not (folder / f"{job.name}.lock").exists()
    ]


def require_known(option: str, values: Sequence[str], known: Iterable[str]) -> None:
    """ResolveError that names an option's value which isn't known."""
    for value in values:
        if value not in known:
            raise resolve.ResolveError(f"--{option}={value}: unknown; {near(value, known)}")


def lock_all(
    jobs: Sequence[Job],
    keyring: Path,
    folder: Path,
    *,
    write: bool = True,
    keep: bool = False,
    add_only: bool = False,
    accepted: Collection[str] = (),
) -> list[JobResult]:
    """Lock all jobs into files below `folder`, each written as soon as it is resolved.

    A job that fails keeps none from being written. Says on stderr how far it is. `keep`: a locked
    version stays if the archive still has it; `add_only`: in every case. `accepted`: see
    require_same_content.
    """
    progress = Progress(sys.stderr, [job.name for job in jobs])
    with tempfile.TemporaryDirectory(prefix="debian-lock.") as directory:
        top = Path(directory)
        indexes = resolve.new_indexes(top / "indexes")

        def one(job: Job) -> JobResult:
            def resolved(before: Lock | None) -> Lock:
                kept = before.packages if keep and before else ()
                hold = before if add_only else None
                return resolve_lock(job, top / job.name, keyring, progress, indexes, kept, hold)

            target = folder / f"{job.name}.lock"
            result = run_job(job, target, resolved, write=write, accepted=accepted)
            if result.error:
                progress.show(job.name, "failed", final=True)
            shutil.rmtree(top / job.name, ignore_errors=True)
            return result

        with ThreadPoolExecutor(min(len(jobs), _AT_ONCE)) as pool:
            return list(pool.map(one, jobs))


def report(results: Sequence[JobResult], folder: Path, *, write: bool) -> int:
    """Say on stdout what changed and on stderr what failed; returns the exit status.

    That is 2 if a job failed, else 1 if a lock is stale and nothing was to be written, else 0.
    """
    for result in results:
        if result.after is None:
            state = "not renewed" if result.before else "not made"
        else:
            state = lock_command.state(stale=result.changed, write=write)
        print(f"{folder / result.name}.lock: {state}")
        if result.before and result.after:
            for line in differences(result.before, result.after):
                print(f"  {line}")
    failed = [result for result in results if result.error]
    if failed:
        sys.stdout.flush()
        print(f"lock: error: {len(failed)} of {len(results)} locks failed:", file=sys.stderr)
        reasons: dict[str, list[str]] = {}
        for result in failed:
            reasons.setdefault(result.error, []).append(f"{folder / result.name}.lock")
        for reason, names in reasons.items():
            indented = reason.replace("\n", "\n    ")
            print(f"  {', '.join(names)}: {indented}", file=sys.stderr)
        return 2
    return int(not write and any(result.changed for result in results))


def plan_jobs(
    top: Path,
    mirrors: Sequence[Mirror],
    *,
    suites: Sequence[str] = (),
    archs: Sequence[str] = (),
    pockets: Sequence[str] = lockfile.POCKETS,
    build: bool = False,
) -> list[Job]:
    """The locks to make for the catalog below `top`: of all suites and architectures, or of some.

    Build locks that are there already are among them only if `build`: to renew them makes every
    CPython compile again.

    Raises ResolveError for a name that isn't in the catalog, CatalogError.
    """
    plan = package_sets.load(top / "catalog", Path("catalog"))
    require_known("suite", suites, plan.archs)
    require_known("pocket", pockets, lockfile.POCKETS)
    if "main" not in pockets:
        raise resolve.ResolveError("--pocket: main can't be left out")
    require_known("arch", archs, {arch for found in plan.archs.values() for arch in found})
    jobs = [
        Job(
            suite,
            arch,
            tuple(
                pocket
                for pocket in lockfile.POCKETS
                if pocket in pockets and (pocket != "security" or (suite, arch) in plan.secured)
            ),
            plan.sets_for(suite, arch, build=for_build),
            tuple(mirrors),
            build=for_build,
        )
        for suite, found in plan.archs.items()
        for arch in found
        if suite in (suites or plan.archs) and arch in (archs or found)
        for for_build in (False, True)
    ]
    if not jobs:
        raise resolve.ResolveError("no suite is built for that architecture")
    return wanted(jobs, top / LOCKS, build=build)


def orphans(top: Path) -> list[Path]:
    """Lock files that the catalog doesn't ask for, relative to `top`. Raises CatalogError."""
    plan = package_sets.load(top / "catalog", Path("catalog"))
    kept = {
        f"{lockfile.stem(suite, arch)}.lock"
        for suite, archs in plan.archs.items()
        for arch in archs
    }
    found = sorted((top / LOCKS).rglob("*.lock"))
    return [path.relative_to(top) for path in found if path.name not in kept]


def run(arguments: argparse.Namespace) -> int:
    """Lock as the arguments say; returns the exit status."""
    top = Path(arguments.root)
    jobs = plan_jobs(
        top,
        find_mirrors(arguments.mirror),
        suites=arguments.suite,
        archs=arguments.arch,
        pockets=arguments.pocket,
        build=arguments.build,
    )
    resolve.require_apt()
    keyring = resolve.find_keyring(arguments.keyring)
    write = not arguments.check
    results = lock_all(
        jobs, keyring, top / LOCKS, write=write, keep=arguments.keep, add_only=arguments.add_only
    )
    status = report(results, LOCKS, write=write)
    for path in orphans(top):
        print(f"{path}: not in the catalog any more; remove it")
        status = status or int(arguments.check)
    return status


def add_pocket(parser: argparse.ArgumentParser, description: str) -> None:
    """Add --pocket, a list with commas."""
    parser.add_argument(
        "--pocket",
        type=lambda text: text.split(","),
        default=lockfile.POCKETS,
        help=f"{description} (default: {','.join(lockfile.POCKETS)})",
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; exit status 0, 1 (--check found a stale lock) or 2 (a lock or all failed)."""
    parser = lock_command.parser("Resolve the catalog's package sets with apt and lock them.")
    lock_command.add_check(parser)
    parser.add_argument(
        "--keep",
        action="store_true",
        help="take nothing newer: a locked version stays if the archive still has it. To add a "
        "package to a set, or to replace one that is gone",
    )
    parser.add_argument(
        "--add-only",
        action="store_true",
        help="change no line: a locked version stays also where the archive has superseded it. To "
        "add packages to sets and get nothing else",
    )
    parser.add_argument("--build", action="store_true", help=BUILD_HELP)
    lock_command.add_repeatable(parser, "--suite", "only this suite (repeatable)")
    lock_command.add_repeatable(parser, "--arch", ARCH_HELP)
    lock_command.add_repeatable(
        parser,
        "--mirror",
        "root URL of a Debian mirror; <mirror>-security is its security archive "
        "(default: $DEBIAN_MIRROR, else what this machine's apt uses, then public ones)",
    )
    add_pocket(
        parser, "parts of the archive to resolve from, for a mirror that lacks some; the lock tells"
    )
    parser.add_argument("--keyring", help="archive keyring (default: debian-archive-keyring's)")
    faults = (resolve.ResolveError, CatalogError, lockfile.LockError)
    return lock_command.main(parser, run, faults, argv)


if __name__ == "__main__":
    sys.exit(main())
