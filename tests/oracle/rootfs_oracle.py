"""Compares computed root file systems with those Debian's own tools make from the same packages.

    bazel run //tests/oracle:rootfs

For each suite: debootstrap and debuerreotype install the locked packages for real, from an archive
on the loopback interface that holds nothing else, and slim the result; apt then installs the slim
images' own packages. After each step every path is compared with the computed tree; differences
have to be in allow.txt. At last the computed tree is entered: dpkg and apt have to find nothing
wrong with it, and apt installs a package into it.

Needs root, debootstrap and debuerreotype; prints "SKIPPED: <reason>" and succeeds without them.
"""

from __future__ import annotations

import argparse
import functools
import http.server
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.oracle.archive import write_archive
from tests.oracle.compare import (
    Allowed,
    Node,
    differences,
    nodes_of_entries,
    nodes_of_tar,
    read_allowed,
)
from tools.rootfs.arch import arch_named
from tools.rootfs.build import build
from tools.rootfs.main import TABLES
from tools.rootfs.spec import PackageSet, Spec, read_package_set
from tools.rootfs.tarout import write_tar
from tools.rootfs.tree import Entry

_ALLOWED = Path(__file__).parent / "allow.txt"
_ARCH = "amd64"
_EPOCH = 1767225600  # any day will do: it dates the archive, and all that is computed
# Something small to install into the computed tree, of the locked packages it hasn't.
_SAMPLE = "readline-common"
# Paths Debian's images leave out, though packages ship them.
_LEFT_OUT = "usr/share/(doc|info|lintian|locale|man)/|var/cache/apt/|var/lib/apt/lists/"
_PROGRAMS = ("debootstrap", "debuerreotype-init", "unshare", "chroot", "wget")


class _QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Says nothing about requests."""


@dataclass(frozen=True, slots=True)
class _Suite:
    name: str
    base: PackageSet
    slim: PackageSet
    more: PackageSet


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the comparison; see the module's text. Returns the exit status."""
    parser = argparse.ArgumentParser(description="Compare computed root file systems.")
    parser.add_argument(
        "--set",
        nargs=3,
        action="append",
        required=True,
        metavar=("SUITE", "SET", "PACKAGES_JSON"),
        help="a package set (base, slim or sysroot), its .debs beside packages.json",
    )
    options = parser.parse_args(arguments)
    reason = _cannot_run()
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
        wrong += _check(_Suite(suite, parts["base"], parts["slim"], parts["sysroot"]), allowed)
    for entry in allowed:
        if not entry.used:
            print(f"{_ALLOWED.name}:{entry.line}: {entry.how} {entry.pattern}: nothing differs so")
            wrong += 1
    print("FAILED" if wrong else "PASSED")
    return 1 if wrong else 0


def _cannot_run() -> str:
    if os.geteuid() != 0:
        return "root is needed to install packages for real"
    missing = [name for name in _PROGRAMS if shutil.which(name) is None]
    if missing:
        return f"not installed: {', '.join(missing)}"
    if os.uname().machine != "x86_64":
        return f"packages are for {_ARCH}, this machine is {os.uname().machine}"
    return ""


def _check(suite: _Suite, allowed: list[Allowed]) -> int:
    """Number of faults found in one suite."""
    base = _compute(suite.name, suite.base)
    both = _compute(suite.name, suite.base, suite.slim)
    with tempfile.TemporaryDirectory(prefix="rootfs-oracle-") as scratch:
        top = Path(scratch)
        others = {deb.path.name: deb.path for s in (suite.slim, suite.more) for deb in s.debs}
        known = {deb.path.name for deb in suite.base.debs}
        write_archive(
            top / "archive",
            suite.name,
            _ARCH,
            _EPOCH,
            [deb.path for deb in suite.base.debs],
            [path for name, path in others.items() if name not in known],
        )
        with _serve(top / "archive") as url:
            _bootstrap(suite.name, url, top)
            wrong = _report(f"{suite.name} base", base, top / "base.tar", allowed)
            _install(top / "reference", suite, url)
            wrong += _report(f"{suite.name} base+slim", both, top / "both.tar", allowed)
            wrong += _enter(both, suite.name, url, top / "computed")
    return wrong


def _compute(suite: str, *sets: PackageSet) -> dict[str, Entry]:
    spec = Spec(suite, arch_named(_ARCH), _EPOCH, True, (), sets, None)
    return build(spec, TABLES).layer


def _report(title: str, entries: dict[str, Entry], reference: Path, allowed: list[Allowed]) -> int:
    ours = nodes_of_entries(entries)
    theirs = nodes_of_tar(reference)
    _drop_logs(theirs)
    found = differences(ours, theirs, allowed)
    differing = sum(ours.get(path) != theirs.get(path) for path in {*ours, *theirs})
    print(
        f"{title}: {len(ours)} paths computed, {len(theirs)} in the reference, "
        f"{differing} differ, {len(found)} of them not allowed"
    )
    for line in found:
        print(f"  {line}")
    return len(found)


def _drop_logs(nodes: dict[str, Node]) -> None:
    """Forgets what any use of apt and dpkg leaves behind, and what the test itself made."""
    for path in list(nodes):
        in_log = path.startswith("var/log/") and path.endswith((".log", ".log.xz"))
        if in_log or path in ("var/cache/ldconfig/aux-cache", "debuerreotype-epoch"):
            del nodes[path]


@contextmanager
def _serve(folder: Path) -> Iterator[str]:
    handler = functools.partial(_QuietHandler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def _bootstrap(suite: str, url: str, top: Path) -> None:
    """debian:<suite>-slim the way it is made, as `reference` and base.tar."""
    root = top / "reference"
    script = f"/usr/share/debootstrap/scripts/{suite}"
    _run(
        "debuerreotype-init", "--non-debian", "--no-check-gpg", f"--debootstrap-script={script}",
        str(root), suite, url,
    )  # fmt: skip
    _run("debuerreotype-minimizing-config", str(root))
    _run("debuerreotype-slimify", str(root))
    _run("debuerreotype-tar", str(root), str(top / "base.tar"))


def _install(root: Path, suite: _Suite, url: str) -> None:
    """Installs the packages of the slim images into `root`, as a container build does."""
    names = [deb.name for deb in suite.slim.debs if deb.requested]
    line = f"deb [trusted=yes] {url} {suite.name} main\n"
    (root / "etc/apt/sources.list").write_text(line)
    _chroot(
        root,
        "apt-get update -qq && apt-get install -y --no-install-recommends "
        f"{' '.join(names)} && rm -rf /var/lib/apt/lists/* /var/cache/apt/*",
    )
    _run(
        "tar", "--create", "--file", str(root.parent / "both.tar"), "--directory", str(root),
        "--exclude=./dev/**", "--exclude=./proc/**", "--exclude=./sys/**",
        "--numeric-owner", "--sort=name", ".",
    )  # fmt: skip


def _enter(entries: dict[str, Entry], suite: str, url: str, root: Path) -> int:
    """Unpacks the computed tree and has its own dpkg and apt check it. Number of faults."""
    root.mkdir()
    archive = root.with_suffix(".tar")
    with archive.open("wb") as out:
        write_tar(out, entries.items())
    _run("tar", "--extract", "--numeric-owner", "-p", "-f", str(archive), "-C", str(root))
    wrong = 0
    for title, command in (
        ("dpkg --audit", "dpkg --audit"),
        # Slimmed paths and apt's caches are missing on purpose.
        ("dpkg --verify", f"dpkg --verify | grep -Ev '^missing +/({_LEFT_OUT})' || true"),
        ("apt-get check", "apt-get check -qq"),
        ("autoremove", "apt-get autoremove --dry-run | grep '^Remv' || true"),
        ("ldconfig", "cp /etc/ld.so.cache /tmp/old && ldconfig && cmp /tmp/old /etc/ld.so.cache"),
        ("update-ca-certificates", "update-ca-certificates | grep -E '[1-9][0-9]* (added|removed)'"
                                   " || true"),
    ):  # fmt: skip
        said = _chroot(root, command, check=False)
        if said.strip():
            wrong += 1
            print(f"  inside {suite}: {title} says:\n{said}")
    (root / "etc/apt/sources.list.d/debian.sources").unlink()
    line = f"deb [trusted=yes] {url} {suite} main\n"
    (root / "etc/apt/sources.list").write_text(line)
    _chroot(root, f"apt-get update -qq && apt-get install -y {_SAMPLE} && apt-get check -qq")
    said = _chroot(root, f"dpkg-query -W -f '${{Status}}' {_SAMPLE}")
    if said != "install ok installed":
        wrong += 1
        print(f"  inside {suite}: {_SAMPLE} is {said!r} after installing it")
    print(f"{suite}: inside the computed tree, {wrong} faults")
    return wrong


def _chroot(root: Path, command: str, *, check: bool = True) -> str:
    """Runs a shell command inside, with /proc and /dev; returns what it prints."""
    script = (
        'mount -t proc proc "$0/proc" && mount --rbind /dev "$0/dev" && '
        'exec chroot "$0" /usr/bin/env -i DEBIAN_FRONTEND=noninteractive '
        'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin sh -c "$1"'
    )
    arguments = ["unshare", "--mount", "sh", "-c", script, str(root), command]
    done = subprocess.run(arguments, capture_output=True, text=True)
    if check and done.returncode:
        raise SystemExit(f"failed inside {root}: {command}\n{done.stdout}{done.stderr}")
    return done.stdout + (done.stderr if done.returncode else "")


def _run(*arguments: str) -> None:
    done = subprocess.run(arguments, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"failed: {' '.join(arguments)}\n{done.stdout}{done.stderr}")


if __name__ == "__main__":
    sys.exit(main())
