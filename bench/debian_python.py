"""Debian's own python3.X with its libraries, unpacked into a folder: what `apt-get install` gives.

It is the suite's, where that has this minor version, else testing's or unstable's. The packages are
those that apt resolves from signed indexes, and their digests are checked; nothing is installed on
this machine.
"""

from __future__ import annotations

import hashlib
import os
import sys
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tools.formats.debian.deb import DebError, read_deb
from tools.net import origin
from tools.net.net_errors import NetError
from tools.net.session import Request, Session
from tools.packages.debian import mirrors, resolve
from tools.packages.debian.lockfile import Package
from tools.packages.debian.mirrors import Mirror

# Where a minor version is looked for that the suite hasn't.
NEWER = ("testing", "sid")
_LARGEST = 1 << 28
# The merged /usr: packages of bookworm still have files in the old places.
_MERGED = ("bin", "lib", "lib64", "sbin")


def packages(minor: str) -> list[str]:
    """What is asked of apt; the rest comes by dependencies."""
    return [f"python{minor}", f"libpython{minor}-stdlib"]


def find(minor: str, suite: str, arch: str, scratch: Path) -> tuple[str, list[Package]]:
    """The suite that has Python of a minor version, and the packages that installing it takes.

    Args:
        minor: such as 3.14.
        suite: the one to begin with.
        arch: Debian's name of the architecture.
        scratch: a folder for apt.

    Raises:
        SystemExit: no suite has it, or no mirror answers.
    """
    try:
        resolve.require_apt()
        keyring = resolve.find_keyring()
        for number, name in enumerate(dict.fromkeys((suite, *NEWER))):
            pockets = ("main",) if name in NEWER else ("main", "updates", "security")
            root = scratch / f"apt-{number}"
            root.mkdir(parents=True)
            apt = resolve.updated_root(root, name, arch, mirrors.find_mirrors(), keyring, pockets)
            try:
                return name, apt.install(packages(minor))
            except resolve.UnknownPackageError:
                continue
    except resolve.ResolveError as error:
        raise SystemExit(f"bench: Debian's python{minor}: {error}") from None
    tried = ", ".join(dict.fromkeys((suite, *NEWER)))
    raise SystemExit(
        f"bench: Debian has no python{minor} in {tried}: leave `debian` out of --builds"
    )


def _url(package: Package, mirror: Mirror) -> str:
    path = package.path.removeprefix("security:")
    return f"{mirror.main if path == package.path else mirror.security}/{path}"


def fetch(package: Package, among: Sequence[Mirror], folder: Path) -> Path:
    """The file of a package, in a folder that keeps it; fetched and checked if it isn't there.

    Raises:
        SystemExit: no mirror has it.
    """
    kept = folder / f"{package.sha256}.deb"
    if kept.exists():
        return kept
    folder.mkdir(parents=True, exist_ok=True)
    said = []
    for mirror in among:
        url = _url(package, mirror)
        try:
            answer = Session(signed=True).request(Request("GET", origin.parse(url), limit=_LARGEST))
        except NetError as error:
            said.append(f"{url}: {error}")
            continue
        if answer.status == 200 and hashlib.sha256(answer.body).hexdigest() == package.sha256:
            part = kept.with_suffix(f".{os.getpid()}")
            part.write_bytes(answer.body)
            part.rename(kept)
            return kept
        wrong = answer.reason if answer.status != 200 else f"SHA-256 isn't {package.sha256}"
        said.append(f"{url}: {wrong}")
    raise SystemExit("\n  ".join([f"bench: {package.name} isn't available:", *said]))


def unpack(debs: Sequence[Path], into: Path) -> None:
    """Unpack packages, without their scripts, into a new folder with a merged /usr.

    Raises:
        SystemExit: one is damaged.
    """
    for name in _MERGED:
        (into / "usr" / name).mkdir(parents=True)
        (into / name).symlink_to(f"usr/{name}")
    for deb in debs:
        try:
            with tarfile.open(fileobj=read_deb(deb).open_data(), mode="r|") as data:
                # Ours alone, and of signed packages: links may lead where they like.
                data.extractall(into, filter="fully_trusted")
        except (DebError, tarfile.TarError, OSError) as error:
            raise SystemExit(f"bench: {deb}: {error}") from None


def install(minor: str, suite: str, arch: str, into: Path) -> Path:
    """Unpack Debian's Python into a new folder; the interpreter in it.

    Raises:
        SystemExit: it isn't available.
    """
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    with tempfile.TemporaryDirectory(prefix="debian-python-") as scratch:
        name, found = find(minor, suite, arch, Path(scratch))
        version = next(one.version for one in found if one.name == f"python{minor}")
        print(f"python{minor} {version} of {name}: {len(found)} packages", file=sys.stderr)
        among = mirrors.find_mirrors()
        unpack([fetch(one, among, home / "python-images/bench/debs") for one in found], into)
    return into / f"usr/bin/python{minor}"
