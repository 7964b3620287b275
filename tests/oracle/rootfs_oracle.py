"""Compares computed root file systems with those Debian's own tools make from the same packages.

    ./bazelw run //tests/oracle:rootfs

For each suite: debootstrap and debuerreotype install the locked packages for real, from an archive
on the loopback interface that holds nothing else, and slim the result; apt then installs the slim
images' own packages. After each step every path is compared with the computed tree; differences
have to be in allow.txt. At last the computed tree is entered: dpkg and apt have to find nothing
wrong with it, and apt installs a package into it.

Needs root, debootstrap and debuerreotype; prints "SKIPPED: <reason>" and succeeds without them.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.oracle.archive import write_archive
from tests.oracle.compare import Allowed, read_allowed
from tests.oracle.reference import ARCH, bootstrap, cannot_run, enter, install, report, serve
from tools.rootfs.arches import arch_named
from tools.rootfs.debian.build import build
from tools.rootfs.debian.program import TABLES
from tools.rootfs.debian.spec import Spec
from tools.rootfs.package_set import PackageSet, read_package_set
from tools.rootfs.tree import Entry

_ALLOWED = Path(__file__).parent / "allow.txt"
# Something small to install into the computed tree, of the locked packages it hasn't.
_SAMPLE = "readline-common"
# Paths Debian's images leave out, though packages ship them.
_LEFT_OUT = "usr/share/(doc|info|lintian|locale|man)/"


@dataclass(frozen=True, slots=True)
class _Suite:
    name: str
    base: PackageSet
    slim: PackageSet
    more: PackageSet


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the comparison; see the module's text. Returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="./bazelw run //tests/oracle:rootfs --",
        description="Compare computed root file systems.",
    )
    parser.add_argument(
        "--set",
        nargs=3,
        action="append",
        required=True,
        # Of a package set (base, slim or libraries), its .debs beside packages.json.
        metavar=("SUITE", "SET", "PACKAGES_JSON"),
        help=argparse.SUPPRESS,
    )
    options = parser.parse_args(arguments)
    reason = cannot_run()
    if reason:
        print(f"SKIPPED: {reason}")
        return 0
    allowed = read_allowed(_ALLOWED)
    wrong = 0
    sets: dict[str, dict[str, PackageSet]] = {}
    for suite, part, listing in options.set:
        debs = Path(listing).parent.glob("*.deb")
        sets.setdefault(suite, {})[part] = read_package_set(Path(listing), debs)
    for suite, parts in sets.items():
        wrong += _check(_Suite(suite, parts["base"], parts["slim"], parts["libraries"]), allowed)
    for entry in allowed:
        if not entry.used:
            print(f"{_ALLOWED.name}:{entry.line}: {entry.how} {entry.pattern}: nothing differs so")
            wrong += 1
    print("FAILED" if wrong else "PASSED")
    return 1 if wrong else 0


def _check(suite: _Suite, allowed: list[Allowed]) -> int:
    """Number of faults found in one suite."""
    base = _compute(suite.name, suite.base)
    both = _compute(suite.name, suite.base, suite.slim)
    with tempfile.TemporaryDirectory(prefix="rootfs-oracle-") as scratch:
        top = Path(scratch)
        others = {deb.path.name: deb.path for s in (suite.slim, suite.more) for deb in s.packages}
        known = {deb.path.name for deb in suite.base.packages}
        write_archive(
            top / "archive",
            suite.name,
            ARCH,
            [deb.path for deb in suite.base.packages],
            [path for name, path in others.items() if name not in known],
        )
        with serve(top / "archive") as url:
            bootstrap(suite.name, url, top, slim=True)
            wrong = report(f"{suite.name} base", base, top / "base.tar", allowed)
            names = [deb.name for deb in suite.slim.packages if deb.requested]
            install(top / "reference", suite.name, url, [names], top / "both.tar")
            wrong += report(f"{suite.name} base+slim", both, top / "both.tar", allowed)
            wrong += enter(
                both, suite.name, url, top / "computed", left_out=_LEFT_OUT, sample=_SAMPLE
            )
    return wrong


def _compute(suite: str, *sets: PackageSet) -> dict[str, Entry]:
    spec = Spec(suite, arch_named(ARCH), None, True, None, sets, None)
    return build(spec, TABLES).layer


if __name__ == "__main__":
    sys.exit(main())
