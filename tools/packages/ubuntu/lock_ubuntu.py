"""Lock Ubuntu packages: resolve the package sets of catalog/ubuntu.yaml, write third_party/ubuntu.

./bazelw run //tools:lock -- noble --mirror=URL --ports-mirror=URL

tools/packages/debian resolves, checks and writes. Here is what differs: mirrors by architecture,
components, keys, and the sources that images get.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tools.catalog import load as catalog
from tools.catalog import ubuntu
from tools.catalog.catalog_error import CatalogError
from tools.catalog.package_sets import FILE, PackageSet, read_rules
from tools.packages import lock_command
from tools.packages.debian import lockfile, package_sets, resolve
from tools.packages.debian.lock_debian import (
    ARCH_HELP,
    BUILD_HELP,
    Job,
    add_pocket,
    lock_all,
    report,
    require_known,
    wanted,
)
from tools.packages.debian.mirrors import Mirror
from tools.packages.ubuntu.keyring import extract_keyring, pinned_package
from tools.packages.ubuntu.mirrors import HALVES, MirrorError, find_mirrors

LOCKS = Path("third_party/ubuntu")


@dataclass(frozen=True)
class Plan:
    """What there is to lock.

    Attributes:
        components: of the archive.
        suites: each with the sets of package_sets.yaml it has, in resolving order.
        halves: for each suite, its Debian architectures and the half of the archive each is in.
    """

    components: tuple[str, ...]
    suites: Mapping[str, tuple[PackageSet, ...]]
    halves: Mapping[str, Mapping[str, str]]


def load_plan(directory: Path, shown: Path | None = None) -> Plan:
    """Read the catalog in `directory`, which errors call `shown`. Raises CatalogError."""
    label = shown or directory
    whole = catalog.load(directory, label)
    read = ubuntu.load(directory, whole, label)
    debian = {name: platform.debian for name, platform in whole.platforms.items()}
    rules = read_rules(directory / FILE, label / FILE, set(debian.values()))
    return Plan(
        read.components,
        {
            suite.name: package_sets.sets_of(label / ubuntu.FILE, suite, rules)
            for suite in read.suites.values()
        },
        {
            suite.name: {debian[name]: read.archives[name] for name in suite.platforms}
            for suite in read.suites.values()
        },
    )


def sources(arguments: argparse.Namespace, half: str, mirror: Mirror) -> lockfile.Sources:
    """What images of a half of the archive name: the mirror asked, unless options say otherwise."""
    if half == "ports":
        url = (arguments.image_ports_mirror or mirror.main).rstrip("/")
        return lockfile.Sources(url, url)
    url = (arguments.image_mirror or mirror.main).rstrip("/")
    return lockfile.Sources(url, (arguments.image_security_mirror or url).rstrip("/"))


def make_jobs(plan: Plan, arguments: argparse.Namespace) -> list[Job]:
    """The locks to make, as the arguments say. Raises MirrorError, ResolveError."""
    require_known("suite", arguments.suite, plan.suites)
    archs = {arch for suite in arguments.suite for arch in plan.halves[suite]}
    require_known("arch", arguments.arch, archs)
    require_known("pocket", arguments.pocket, lockfile.POCKETS)
    if "main" not in arguments.pocket:
        raise resolve.ResolveError("--pocket: main can't be left out")
    chosen = {
        suite: {
            arch: half
            for arch, half in plan.halves[suite].items()
            if arch in (arguments.arch or archs)
        }
        for suite in arguments.suite
    }
    halves = {arch: half for rows in chosen.values() for arch, half in rows.items()}
    given = {"archive": arguments.mirror, "ports": arguments.ports_mirror}
    found = find_mirrors(halves, given)
    return [
        Job(
            suite,
            arch,
            tuple(pocket for pocket in lockfile.POCKETS if pocket in arguments.pocket),
            package_sets.sets_for(plan.suites[suite], arch, build=build),
            found[arch],
            plan.components,
            f"catalog/{ubuntu.FILE}",
            f"Another mirror: {HALVES[half].option}=<URL>",
            sources(arguments, half, found[arch][0]),
            build,
        )
        for suite, rows in chosen.items()
        for arch, half in rows.items()
        for build in (False, True)
    ]


def jobs_again(top: Path, old: Sequence[lockfile.Lock]) -> list[Job]:
    """Jobs that renew locks, from the mirrors this machine knows; images' mirrors stay.

    Raises CatalogError, MirrorError, ResolveError.
    """
    arguments = _parser().parse_args(sorted({lock.suite for lock in old}))
    known = {(lock.suite, lock.arch): lock for lock in old}
    return [
        replace(job, sources=known[job.suite, job.arch].sources)
        for job in make_jobs(load_plan(top / "catalog", Path("catalog")), arguments)
        if not job.build and (job.suite, job.arch) in known
    ]


@contextlib.contextmanager
def keyring_file(given: str | None) -> Iterator[Path]:
    """The archive's keys: a file, or those of the pinned package. Raises ResolveError."""
    if given:
        yield resolve.find_keyring(given)
        return
    with tempfile.TemporaryDirectory(prefix="ubuntu-keyring.") as directory:
        yield extract_keyring(pinned_package(), Path(directory))


def run(arguments: argparse.Namespace) -> int:
    """Lock as the arguments say; returns the exit status."""
    top = Path(arguments.root)
    jobs = make_jobs(load_plan(top / "catalog", Path("catalog")), arguments)
    jobs = wanted(jobs, top / LOCKS, build=arguments.build)
    resolve.require_apt()
    write = not arguments.check
    with keyring_file(arguments.keyring) as keyring:
        results = lock_all(jobs, keyring, top / LOCKS, write=write)
    return report(results, LOCKS, write=write)


def _parser() -> argparse.ArgumentParser:
    parser = lock_command.parser("Lock packages of Ubuntu's suites.")
    parser.add_argument("suite", nargs="+", help="as in catalog/ubuntu.yaml: noble")
    lock_command.add_check(parser)
    parser.add_argument("--build", action="store_true", help=BUILD_HELP)
    lock_command.add_repeatable(parser, "--arch", ARCH_HELP)
    lock_command.add_repeatable(
        parser,
        "--mirror",
        "root URL of a mirror of the archive for amd64 (default: $UBUNTU_MIRROR, else what "
        "this machine's apt uses, then public ones)",
    )
    lock_command.add_repeatable(
        parser,
        "--ports-mirror",
        "root URL of a mirror of ports, for all other architectures (default: "
        "$UBUNTU_PORTS_MIRROR, else what this machine's apt uses, then public ones)",
    )
    parser.add_argument(
        "--image-mirror",
        help="the mirror that images for amd64 have apt ask (default: the first --mirror)",
    )
    parser.add_argument(
        "--image-security-mirror",
        help="the same for security updates (default: as --image-mirror)",
    )
    parser.add_argument(
        "--image-ports-mirror",
        help="the same for all other architectures (default: the first --ports-mirror)",
    )
    add_pocket(parser, "pockets to resolve from")
    parser.add_argument(
        "--keyring", help="archive keyring (default: that of Debian's ubuntu-keyring, pinned)"
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; exit status 0, 1 (--check found a stale lock) or 2 (error)."""
    faults = (resolve.ResolveError, CatalogError, lockfile.LockError, MirrorError)
    return lock_command.main(_parser(), run, faults, argv)


if __name__ == "__main__":
    sys.exit(main())
