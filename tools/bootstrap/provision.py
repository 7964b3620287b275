"""Provisions Bazel from Debian packages into the user's cache, once.

The directory <cache>/<key>/ holds

    root/        the unpacked and relocated packages
    registry/    module registries, one per state of a workspace's MODULE.bazel (registry.py)
    truststore/  the host's certificate authorities for the JVM (truststore.py)
    complete     written last, by rename; what is in a directory without it is begun anew
    apt/         while provisioning: apt's private root with the downloads, which survive a kill

A lock file beside it keeps two apart. Processes started here inherit the lock, so it also lasts
until the last of them is gone when this one is killed. Paths in root/ are absolute: it is made in
its final place.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

from tools.bootstrap import apt_sources, launch, packages, relocate, smoke
from tools.bootstrap.apt_root import AptRoot
from tools.bootstrap.common import BootstrapError, remove, say
from tools.bootstrap.progress import Progress

_TOOLS = {"apt-get": "apt", "apt-config": "apt", "dpkg-deb": "dpkg", "tar": "tar"}
_UNUSED = ("./usr/share/doc", "./usr/share/man", "./usr/share/locale", "./usr/share/maven-repo")
_UNPACKED_BYTES = 900e6  # downloads and tree together, at their peak


def provision(home: str, bazel_version: str) -> None:
    """Make the directory `home` complete, unless it is; waits for another who is at it."""
    check_host()
    check_place(home)
    with lock(home) as descriptor:
        if launch.installed(home) is not None:
            return
        marker = os.path.join(home, launch.COMPLETE)
        if os.path.exists(marker):
            say(f"{home} is damaged: its programs or {launch.COMPLETE} are not as they were left")
            os.unlink(marker)
        started = time.monotonic()
        say(f"provisioning Bazel {bazel_version} from Debian packages into {home} (once)")
        root = os.path.join(home, "root")
        remove(root)
        _check_space(home)
        os.umask(0o022)

        apt = AptRoot(
            os.path.join(home, "apt"), packages.SUITE, packages.ARCHITECTURE, [descriptor]
        )
        apt.prepare(packages.NOT_NEEDED)
        mirrors = apt_sources.mirrors(
            apt_sources.host_sources(), os.environ.get("DEBIAN_MIRROR", "")
        )
        mirror = apt.update(mirrors)
        archives = apt.resolve(packages.WANTED)
        unpack(apt.download(packages.WANTED, archives), root, [descriptor])
        relocate.relocate(root)
        smoke.check(home, root, bazel_version)

        facts = [
            ("bazel", bazel_version),
            ("suite", packages.SUITE),
            ("mirror", mirror.uri),
            ("java_home", relocate.java_home(root)),
            *(("package", archive.file) for archive in archives),
        ]
        launch.mark_complete(home, facts)
        remove(apt.path)
        say(f"Bazel {bazel_version} is ready ({time.monotonic() - started:.0f} s)")


def check_host() -> None:
    """Raise BootstrapError on a host where provisioning can't work."""
    machine = os.uname().machine
    if machine != "x86_64":
        raise BootstrapError(
            f"this host is {machine}; Bazel is provisioned from Debian packages on x86_64 only; "
            "install bazelisk and let it reach the central registry"
        )
    missing = sorted({package for tool, package in _TOOLS.items() if not shutil.which(tool)})
    if missing:
        raise BootstrapError(
            "no bazelisk (or bazel of .bazelversion's version) that works is on PATH, nor has this "
            f"host {' and '.join(missing)} to provision Bazel from Debian packages; "
            "install bazelisk, or run this on Debian"
        )


def check_place(home: str) -> None:
    """Raise BootstrapError for a path that apt's configuration and Bazel's URLs can't have."""
    if odd := sorted(set(re.sub(r"[A-Za-z0-9_./+@%=,~:-]", "", home))):
        raise BootstrapError(
            f"{home!r} has {' and '.join(map(repr, odd))}, which paths of the provisioned Bazel "
            "can't have; set XDG_CACHE_HOME to a directory whose path has only letters a-z, "
            "digits and ._-"
        )


@contextmanager
def lock(home: str) -> Iterator[int]:
    """Hold the lock of a provisioned directory; gives the lock's file descriptor."""
    path = home + ".lock"
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise BootstrapError(
            f"{path}: {error.strerror}; set XDG_CACHE_HOME to a directory you can write to"
        ) from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"waiting for another bazelw, which is provisioning ({path})")
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield descriptor
    finally:
        os.close(descriptor)


def unpack(archives: Iterable[str], root: str, inherit: Sequence[int] = ()) -> None:
    """Unpack .deb files over each other into the directory `root`, which must not exist.

    Each is unpacked as soon as `archives` gives it.
    """
    # As in Debian, the top-level directories are links into usr/ ; tar must not replace them.
    for name in ("bin", "lib", "lib64", "sbin"):
        os.makedirs(os.path.join(root, "usr", name))
        os.symlink(f"usr/{name}", os.path.join(root, name))
    jobs: list[Future[None]] = []
    with ThreadPoolExecutor(max_workers=min(4, os.cpu_count() or 1)) as pool:
        try:
            jobs.extend(pool.submit(_unpack_one, path, root, tuple(inherit)) for path in archives)
            progress = Progress("unpacking", len(jobs))
            for done, job in enumerate(jobs, 1):
                job.result()
                progress.update(done)
        except BaseException:
            for job in jobs:
                job.cancel()
            raise
    progress.done()


def _unpack_one(archive: str, root: str, inherit: tuple[int, ...]) -> None:
    reader = subprocess.Popen(
        ["dpkg-deb", "--fsys-tarfile", archive],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        pass_fds=inherit,
    )
    assert reader.stdout and reader.stderr
    options = [
        "--keep-directory-symlink",
        "--no-same-owner",
        "--no-same-permissions",
        "--no-overwrite-dir",
    ]
    excluded = [f"--exclude={path}" for path in _UNUSED]
    writer = subprocess.run(
        ["tar", "-x", *options, *excluded, "-C", root, "-f", "-"],
        stdin=reader.stdout,
        capture_output=True,
        text=True,
        pass_fds=inherit,
        check=False,
    )
    reader.stdout.close()
    complaint = reader.stderr.read().decode("utf-8", "replace")
    reader.stderr.close()
    if reader.wait() != 0 or writer.returncode != 0:
        raise BootstrapError(
            f"unpacking {os.path.basename(archive)} failed: {(writer.stderr + complaint).strip()}"
        )


def _check_space(home: str) -> None:
    os.makedirs(home, exist_ok=True)
    free = shutil.disk_usage(home).free
    # What an earlier run downloaded needs no room any more.
    needed = _UNPACKED_BYTES - _size(os.path.join(home, "apt"))
    if free < needed:
        raise BootstrapError(
            f"{home}: {free / 1e6:.0f} MB free, {needed / 1e6:.0f} MB needed; "
            f"free some, remove {home}, or set XDG_CACHE_HOME to a directory on another disk"
        )


def _size(path: str) -> int:
    """The bytes that the files below a directory have on disk; 0 if there is none."""
    return sum(
        os.lstat(os.path.join(folder, name)).st_blocks * 512
        for folder, _, names in os.walk(path)
        for name in names
    )
