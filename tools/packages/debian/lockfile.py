"""Lock files of Debian packages: what they hold, reading and writing them.

One file per suite and architecture, `third_party/debian/<suite>_<arch>.lock`, those of Ubuntu's
suites in `third_party/ubuntu`. Build locks, of what only the build uses, are in the folder `build`
of each. Plain text, so that a change reads well in a diff:

    # comments
    suite bookworm
    arch arm64
    snapshot 20261120T060000Z
    adduser 3.134 all pool/main/a/adduser/adduser_3.134_all.deb <sha256> <size> base=dependency

A fourth header line, such as `pockets main,updates`, is added when not all parts of the
archive were resolved from: the security archive isn't for every architecture. Lines `earlier
20261101T060000Z` are there when some packages were locked before and have been superseded since:
times at which the snapshot archive had them. An Ubuntu lock also
has `mirror <URL>` and `security_mirror <URL>`, what images name as their sources. The header comes
first, then one package per line, sorted by name. The seven columns are separated by single spaces:
name, version, architecture, path in the archive (prefixed with `security:` when it's in the
security archive), SHA-256, size in bytes, and the package sets that hold the package, each with
`=requested` or `=dependency`.

`lock.bzl` in `python_images/private/roots/debian` and `roots/ubuntu` read the same format.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from tools.cli import atomic
from tools.packages import lines
from tools.packages.lines import LockError, Row

__all__ = ["BUILD", "POCKETS", "Lock", "LockError", "Package", "Sources"]

# The parts of the archive a suite has.
POCKETS = ("main", "updates", "security")

_HEADER = ("suite", "arch", "snapshot")
_URL = re.compile(r"(?:https?|file)://[A-Za-z0-9._~:/\[\]@!$&()*+,;=%-]+")
_PART = r"[A-Za-z0-9][A-Za-z0-9+.~_-]*"
_COMMAND = "./bazelw --bazelw-lock"
# Debian policy 5.6.1, 5.6.12 and 5.6.8.
_FORMAT = lines.Format(
    required={
        "suite": re.compile(r"[a-z][a-z0-9]*"),
        "arch": re.compile(r"[a-z0-9][a-z0-9-]*"),
        "snapshot": re.compile(r"[0-9]{8}T[0-9]{6}Z"),
    },
    optional={
        "pockets": re.compile("main(,updates)?(,security)?"),
        "earlier": re.compile(r"[0-9]{8}T[0-9]{6}Z"),
        "mirror": _URL,
        "security_mirror": _URL,
    },
    columns=(
        ("package name", re.compile(r"[a-z0-9][a-z0-9+.-]+")),
        ("version", re.compile(r"(?:[0-9]+:)?[0-9][A-Za-z0-9.+~-]*")),
        ("architecture", re.compile(r"[a-z0-9][a-z0-9-]*")),
        # Every part begins with a letter or a digit, so none is "..", and none is to be quoted.
        ("path", re.compile(rf"(?:security:)?pool/(?:{_PART}/)+{_PART}\.deb")),
        ("SHA-256", re.compile(r"[0-9a-f]{64}")),
        ("size", re.compile(r"[1-9][0-9]{0,14}")),
    ),
    repeated=frozenset({"earlier"}),
    # Bazel can't load anything with a damaged one.
    command=_COMMAND,
)

_COMMENT = """\
# Debian {suite} packages for {arch}, pinned by content. Written by `./bazelw run //tools:lock`
# from the package_sets in catalog/suites.yaml; don't edit. docs/locking.md has the format.
"""
_UBUNTU_COMMENT = """\
# Ubuntu {suite} packages for {arch}, pinned by content. Written by
# `./bazelw run //tools:lock -- {suite}` from the package_sets in catalog/ubuntu.yaml; don't edit.
# docs/locking.md has the format.
"""
# The folder of build locks, beside the others.
BUILD = "build"
_BUILD_COMMENT = """\
# Debian {suite} packages for {arch} that only the build uses, pinned by content. Written by
# `./bazelw run //tools:lock -- --build` from the build_sets in catalog/suites.yaml; don't edit.
# docs/locking.md has the format.
"""
_UBUNTU_BUILD_COMMENT = """\
# Ubuntu {suite} packages for {arch} that only the build uses, pinned by content. Written by
# `./bazelw run //tools:lock -- {suite} --build` from the build_sets in catalog/ubuntu.yaml; don't
# edit. docs/locking.md has the format.
"""
# By whether a lock is Ubuntu's, and whether it is a build lock.
_COMMENTS = {
    (False, False): _COMMENT,
    (False, True): _BUILD_COMMENT,
    (True, False): _UBUNTU_COMMENT,
    (True, True): _UBUNTU_BUILD_COMMENT,
}


@dataclass(frozen=True)
class Package:
    """One pinned package.

    `path` is relative to the archive's root, with a `security:` prefix for the security archive.
    `sets` maps the name of each package set that holds the package to whether the set asks for
    it by name (else it came as a dependency).
    """

    name: str
    version: str
    arch: str
    path: str
    sha256: str
    size: int
    sets: Mapping[str, bool]

    def line(self) -> str:
        """The package as a line of a lock file, without line end."""
        columns = (self.name, self.version, self.arch, self.path, self.sha256, str(self.size))
        return lines.package_line(columns, self.sets)


@dataclass(frozen=True)
class Sources:
    """URLs, without trailing slash, that images of Ubuntu have apt ask.

    `mirror` has the suite, its updates and backports, `security` the security updates.
    """

    mirror: str
    security: str


def stem(suite: str, arch: str, *, build: bool = False) -> str:
    """A lock's path below the folder of its distribution's locks, without the ending."""
    return f"{BUILD}/{suite}_{arch}" if build else f"{suite}_{arch}"


@dataclass(frozen=True)
class Lock:
    """A whole lock file.

    `snapshot` is a UTC time in Debian's snapshot notation; `pockets` are the parts of the archive
    that packages were taken from. `earlier` are times of snapshots, newest first, that have
    packages which `snapshot` no longer has. Ubuntu's locks have `sources`; Debian's images get
    theirs from their own apt. `build` tells a build lock.
    """

    suite: str
    arch: str
    snapshot: str
    packages: tuple[Package, ...] = field(default=())
    pockets: tuple[str, ...] = POCKETS
    sources: Sources | None = None
    build: bool = False
    earlier: tuple[str, ...] = ()

    @property
    def path(self) -> Path:
        """Where the lock belongs, below the folder of its distribution's locks."""
        return Path(f"{stem(self.suite, self.arch, build=self.build)}.lock")

    def in_set(self, name: str) -> tuple[Package, ...]:
        """The packages of one set, sorted by name; KeyError if the lock has no such set."""
        return lines.in_set(self.packages, name)

    def set_names(self) -> tuple[str, ...]:
        """Names of all package sets in this lock, sorted."""
        return lines.set_names(self.packages)

    def text(self) -> str:
        """The file's content. Raises LockError for what the format can't express."""
        comment = _COMMENTS[self.sources is not None, self.build]
        made = [comment.format(suite=self.suite, arch=self.arch).rstrip("\n")]
        made += [f"{key} {getattr(self, key)}" for key in _HEADER]
        if self.pockets != POCKETS:
            made.append(f"pockets {','.join(self.pockets)}")
        made += [f"earlier {time}" for time in self.earlier]
        if self.sources is not None:
            made.append(f"mirror {self.sources.mirror}")
            made.append(f"security_mirror {self.sources.security}")
        made += [package.line() for package in sorted(self.packages, key=lambda p: p.name)]
        text = "\n".join(made) + "\n"
        parse(text, f"{self.suite}_{self.arch}.lock (about to be written)")
        return text


def parse(text: str, where: str) -> Lock:
    """Parse a lock file's content; `where` is the file name to use in errors (LockError)."""
    found = _FORMAT.parse(text, where)
    arch = found.value("arch")
    if ("mirror" in found.header) != ("security_mirror" in found.header):
        absent = "mirror" if "security_mirror" in found.header else "security_mirror"
        end = len(text.splitlines()) + 1
        raise lines.fault(where, end, f"header line {absent!r} is missing", _COMMAND)
    sources = None
    if "mirror" in found.header:
        sources = Sources(found.value("mirror"), found.value("security_mirror"))
    return Lock(
        suite=found.value("suite"),
        arch=arch,
        snapshot=found.value("snapshot"),
        packages=tuple(_package(row, arch, where) for row in found.rows),
        pockets=tuple(found.value("pockets").split(",")) if "pockets" in found.header else POCKETS,
        sources=sources,
        earlier=found.header.get("earlier", ()),
    )


def _package(row: Row, locked: str, where: str) -> Package:
    name, version, arch, path, sha256, size = row.columns
    if arch not in ("all", locked):
        why = f"architecture {arch!r} in a lock for {locked!r}"
        raise lines.fault(where, row.number, why, _COMMAND)
    return Package(name, version, arch, path, sha256, int(size), row.sets)


def read(path: Path) -> Lock:
    """Read a lock file; the folder tells build locks. Raises LockError naming file and line."""
    lock = replace(parse(lines.read_text(path), str(path)), build=path.parent.name == BUILD)
    if path.name != f"{lock.suite}_{lock.arch}.lock":
        raise LockError(
            f"{path}: holds suite {lock.suite!r}, arch {lock.arch!r}; "
            f"such a file is named {lock.suite}_{lock.arch}.lock"
        )
    return lock


def write(path: Path, lock: Lock) -> None:
    """Write a lock file: complete or, when anything fails, not at all."""
    atomic.write(path, lock.text())
