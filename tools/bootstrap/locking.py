"""./bazelw --bazelw-lock: renews locks of Debian packages without Bazel.

`./bazelw run //tools:lock` runs under the interpreter of a lock. When an archive has dropped one of
its packages, neither that nor anything else can be built, so the same program has to run under
another interpreter: the one Debian has now, in the directory <cache>/lock-<key>/, made as the
provisioned Bazel is.
"""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Sequence
from dataclasses import replace

from tools.bootstrap import apt_sources, packages
from tools.bootstrap.apt_root import AptRoot
from tools.bootstrap.apt_sources import Mirror
from tools.bootstrap.common import BootstrapError, remove, say, write_atomically
from tools.bootstrap.provision import check_host, check_place, lock, unpack

_COMPLETE = "complete"  # written last, as for Bazel
_LIBRARIES = os.path.join("usr", "lib", "x86_64-linux-gnu")
_PROGRAM = "tools.packages.debian.lock_debian"
_START = (
    f"import runpy, sys; sys.path.insert(0, sys.argv.pop(1)); sys.argv[0] = 'lock'; "
    f"runpy.run_module({_PROGRAM!r}, run_name='__main__')"
)


def command(cache: str, checkout: str, arguments: Sequence[str]) -> list[str]:
    """The command line that locks, after provisioning an interpreter below `cache` if need be."""
    home = os.path.join(cache, packages.lock_key())
    root = os.path.join(home, "root")
    if not os.path.exists(os.path.join(home, _COMPLETE)):
        _provision(home, root, _mirrors(arguments))
    libraries = os.path.join(root, _LIBRARIES)
    python = _python(root)
    return [
        os.path.join(libraries, "ld-linux-x86-64.so.2"),
        "--inhibit-cache",
        "--argv0",
        python,
        "--library-path",
        libraries,
        python,
        "-I",
        "-B",
        "-c",
        _START,
        checkout,
        f"--root={checkout}",
        *arguments,
    ]


def _python(root: str) -> str:
    """The interpreter among unpacked packages."""
    folder = os.path.join(root, "usr", "bin")
    names = os.listdir(folder) if os.path.isdir(folder) else []
    found = [name for name in names if re.fullmatch(r"python3\.[0-9]+", name)]
    if len(found) != 1:
        raise BootstrapError(
            f"{folder} has {len(found)} interpreters instead of one: Debian's packages have "
            "changed; adapt LOCK_WANTED in tools/bootstrap/packages.py"
        )
    return os.path.join(folder, found[0])


def _mirrors(arguments: Sequence[str]) -> list[Mirror]:
    """Where the interpreter is got from: as the lock program is told, which reads the same."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--mirror", action="append", default=[])
    parser.add_argument("--keyring", default="")
    asked, _ = parser.parse_known_args(list(arguments))
    given = " ".join([*asked.mirror, os.environ.get("DEBIAN_MIRROR", "")]).strip()
    found = apt_sources.mirrors(apt_sources.host_sources(), given)
    if asked.keyring:
        found = [replace(mirror, keyring=os.path.abspath(asked.keyring)) for mirror in found]
    return found


def _provision(home: str, root: str, mirrors: Sequence[Mirror]) -> None:
    check_host()
    check_place(home)
    with lock(home) as descriptor:
        if os.path.exists(os.path.join(home, _COMPLETE)):
            return
        say(f"taking an interpreter from Debian {packages.LOCK_SUITE} into {home} (once)")
        remove(root)
        os.umask(0o022)
        apt = AptRoot(
            os.path.join(home, "apt"), packages.LOCK_SUITE, packages.ARCHITECTURE, [descriptor]
        )
        apt.prepare(packages.LOCK_NOT_NEEDED)
        mirror = apt.update(mirrors)
        archives = apt.resolve(packages.LOCK_WANTED)
        unpack(apt.download(packages.LOCK_WANTED, archives), root, [descriptor])
        _python(root)
        facts = [f"mirror: {mirror.uri}", *(f"package: {archive.file}" for archive in archives)]
        write_atomically(
            os.path.join(home, _COMPLETE), "".join(f"{fact}\n" for fact in facts).encode()
        )
        remove(apt.path)
