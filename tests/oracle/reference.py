"""Root file systems the way Debian's own tools make them, and what is asked of a computed one.

Shared by the comparisons of this folder. Everything needs root.
"""

from __future__ import annotations

import functools
import http.server
import os
import shutil
import subprocess
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.oracle.compare import Allowed, Node, differences, nodes_of_entries, nodes_of_tar
from tools.rootfs.tarout import write_tar
from tools.rootfs.tree import Entry

ARCH = "amd64"
_PROGRAMS = ("debootstrap", "debuerreotype-init", "unshare", "chroot", "wget")
# apt's caches; the images have none.
_CACHES = "var/cache/apt/|var/lib/apt/lists/"


class _QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Say nothing about requests."""


def cannot_run() -> str:
    """Why the comparisons can't be made on this machine; "" if they can."""
    if os.geteuid() != 0:
        return "root is needed to install packages for real"
    missing = [name for name in _PROGRAMS if shutil.which(name) is None]
    if missing:
        return f"not installed: {', '.join(missing)}"
    if os.uname().machine != "x86_64":
        return f"packages are for {ARCH}, this machine is {os.uname().machine}"
    return ""


def report(
    title: str, entries: Mapping[str, Entry], reference: Path, allowed: list[Allowed]
) -> int:
    """Compare with the tar `reference` and print what differs; the number of faults."""
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
    """Forget what any use of apt and dpkg leaves behind, and what the test itself made."""
    for path in list(nodes):
        in_log = path.startswith("var/log/") and path.endswith((".log", ".log.xz"))
        if in_log or path in ("var/cache/ldconfig/aux-cache", "debuerreotype-epoch"):
            del nodes[path]


@contextmanager
def serve(folder: Path) -> Iterator[str]:
    """Serve a folder on the loopback interface; its URL."""
    handler = functools.partial(_QuietHandler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def bootstrap(suite: str, url: str, top: Path, *, slim: bool) -> None:
    """debian:<suite> or debian:<suite>-slim the way it is made, as `reference` and base.tar."""
    root = top / "reference"
    script = f"/usr/share/debootstrap/scripts/{suite}"
    _run(
        "debuerreotype-init", "--non-debian", "--no-check-gpg", f"--debootstrap-script={script}",
        str(root), suite, url,
    )  # fmt: skip
    _run("debuerreotype-minimizing-config", str(root))
    if slim:
        _run("debuerreotype-slimify", str(root))
    _run("debuerreotype-tar", str(root), str(top / "base.tar"))


def install(root: Path, suite: str, url: str, sets: Iterable[Iterable[str]], tar: Path) -> None:
    """Install packages into `root`, set by set, as container builds do; then archive it."""
    line = f"deb [trusted=yes] {url} {suite} main\n"
    (root / "etc/apt/sources.list").write_text(line)
    for names in sets:
        _chroot(
            root,
            "apt-get update -qq && apt-get install -y --no-install-recommends "
            f"{' '.join(names)} && rm -rf /var/lib/apt/lists/* /var/cache/apt/*",
        )
    _run(
        "tar", "--create", "--file", str(tar), "--directory", str(root),
        "--exclude=./dev/**", "--exclude=./proc/**", "--exclude=./sys/**",
        "--numeric-owner", "--sort=name", ".",
    )  # fmt: skip


def enter(
    entries: Mapping[str, Entry], suite: str, url: str, root: Path, *, left_out: str, sample: str
) -> int:
    """Unpack the computed tree and have its own dpkg and apt check it. Number of faults.

    `left_out` is a pattern of paths that are missing on purpose; `sample` a package apt installs.
    """
    missing = f"{left_out}|{_CACHES}" if left_out else _CACHES
    root.mkdir()
    archive = root.with_suffix(".tar")
    with archive.open("wb") as out:
        write_tar(out, entries.items())
    _run("tar", "--extract", "--numeric-owner", "-p", "-f", str(archive), "-C", str(root))
    wrong = 0
    for title, command in (
        ("dpkg --audit", "dpkg --audit"),
        ("dpkg --verify", f"dpkg --verify | grep -Ev '^missing +/({missing})' || true"),
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
    _chroot(root, f"apt-get update -qq && apt-get install -y {sample} && apt-get check -qq")
    said = _chroot(root, f"dpkg-query -W -f '${{Status}}' {sample}")
    if said != "install ok installed":
        wrong += 1
        print(f"  inside {suite}: {sample} is {said!r} after installing it")
    print(f"{suite}: inside the computed tree, {wrong} faults")
    return wrong


def _chroot(root: Path, command: str, *, check: bool = True) -> str:
    """Run a shell command inside, with /proc and /dev; return what it prints."""
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
