"""Compares the default variant's computed root file system with a really installed one.

    ./bazelw run //tests/oracle:full_<suite>

As rootfs_oracle.py, for the packages of buildpack-deps: debuerreotype makes debian:<suite> of the
locked packages, apt installs one set after the other as the images' Dockerfiles do, and every path
is compared. Differences have to be in allow.txt or allow-full.txt. Then dpkg and apt have to find
nothing wrong with the computed tree, and apt installs a package into it.

Needs root, debootstrap and debuerreotype; prints "SKIPPED: <reason>" and succeeds without them.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.oracle.archive import write_archive
from tests.oracle.compare import read_allowed
from tests.oracle.reference import ARCH, bootstrap, cannot_run, enter, install, report, serve
from tools.rootfs.arches import arch_named
from tools.rootfs.debian.build import build
from tools.rootfs.debian.program import TABLES
from tools.rootfs.debian.spec import Spec
from tools.rootfs.package_set import PackageSet, read_package_set

_HERE = Path(__file__).parent
# The lists, and whether an entry that isn't needed is an error. The first is rootfs_oracle.py's.
_LISTS = {"allow.txt": False, "allow-full.txt": True}
_LAYERS = ("base", "curl", "scm", "full", "dev")
_SAMPLE = "libzstd-dev"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the comparison; see the module's text. Returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="./bazelw run //tests/oracle:full_SUITE --",
        description="Compare the default variant's file system.",
    )
    parser.add_argument("--suite", required=True, help=argparse.SUPPRESS)
    parser.add_argument(
        "--set",
        nargs=2,
        action="append",
        required=True,
        # Of one of _LAYERS, libraries or rootfs_tools; the .debs are beside packages.json.
        metavar=("SET", "PACKAGES_JSON"),
        help=argparse.SUPPRESS,
    )
    options = parser.parse_args(arguments)
    reason = cannot_run()
    if reason:
        print(f"SKIPPED: {reason}")
        return 0
    sets = {
        name: read_package_set(Path(listing), Path(listing).parent.glob("*.deb"))
        for name, listing in options.set
    }
    wrong = _check(options.suite, sets)
    print("FAILED" if wrong else "PASSED")
    return 1 if wrong else 0


def _check(suite: str, sets: dict[str, PackageSet]) -> int:
    """Number of faults."""
    layers = tuple(sets[name] for name in _LAYERS)
    tools = sets["rootfs_tools"]
    spec = Spec(suite, arch_named(ARCH), None, False, None, layers, None, tools)
    computed = build(spec, TABLES).layer
    lists = {name: read_allowed(_HERE / name) for name in _LISTS}
    base = {deb.path.name: deb.path for deb in sets["base"].packages}
    others = {
        deb.path.name: deb.path
        for package_set in (*layers, sets["libraries"])
        for deb in package_set.packages
        if deb.path.name not in base
    }
    with tempfile.TemporaryDirectory(prefix="full-oracle-") as scratch:
        top = Path(scratch)
        write_archive(top / "archive", suite, ARCH, base.values(), others.values())
        with serve(top / "archive") as url:
            bootstrap(suite, url, top, slim=False)
            names = [[deb.name for deb in layer.packages if deb.requested] for layer in layers[1:]]
            install(top / "reference", suite, url, names, top / "full.tar")
            allowed = [entry for entries in lists.values() for entry in entries]
            wrong = report(f"{suite} full", computed, top / "full.tar", allowed)
            wrong += enter(computed, suite, url, top / "computed", left_out="", sample=_SAMPLE)
    for name, entries in lists.items():
        for entry in entries:
            if _LISTS[name] and not entry.used:
                print(f"{name}:{entry.line}: {entry.how} {entry.pattern}: nothing differs so")
                wrong += 1
    return wrong


if __name__ == "__main__":
    sys.exit(main())
