"""Lock files of Alpine packages: what they hold, reading and writing them.

One file per release and architecture, `third_party/alpine/<release>_<arch>.lock`. Plain text, so
that a change reads well in a diff:

    # comments
    release alpine3.24
    arch aarch64
    time 20260611T081254Z
    repository https://HOST/alpine/v3.24/main
    musl 1.2.5-r1 v3.24/main/aarch64/musl-1.2.5-r1.apk <sha256> <identity> <size> base=dependency

`time` is when the newest of the packages was built, and what images computed from the lock carry.
The `repository` lines are what their /etc/apk/repositories has. Then one package per line, sorted
by name, with seven columns: name, version, path on a mirror, SHA-256 of the .apk, its identity in
the signed index (`Q1` and its control information's SHA-1 in base64), size in bytes, and the
package sets that hold it, each with `=requested` or `=dependency`.

`python_images/private/roots/alpine/lock.bzl` reads the same format.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tools.cli import atomic
from tools.packages import lines
from tools.packages.lines import LockError, Row

__all__ = ["RELEASE", "Lock", "LockError", "Package"]

RELEASE = r"alpine[0-9]+\.[0-9]+"
_HEADER = ("release", "arch", "time")
_FORMAT = lines.Format(
    required={
        "release": re.compile(RELEASE),
        "arch": re.compile(r"[a-z0-9_]+"),
        "time": re.compile(r"[0-9]{8}T[0-9]{6}Z"),
        "repository": re.compile(
            r"(?:https?|file)://[A-Za-z0-9._~:/\[\]!$&()*+,;=%-]+/v[0-9]+\.[0-9]+/[a-z]+"
        ),
    },
    repeated=frozenset(["repository"]),
    columns=(
        ("package name", re.compile(r"[A-Za-z0-9][A-Za-z0-9+._-]*")),
        ("version", re.compile(r"[0-9][A-Za-z0-9._~-]*")),
        (
            "path",
            re.compile(r"v[0-9]+\.[0-9]+/[a-z]+/[a-z0-9_]+/[A-Za-z0-9][A-Za-z0-9+._~-]*\.apk"),
        ),
        ("SHA-256", re.compile(r"[0-9a-f]{64}")),
        ("identity", re.compile(r"Q1[A-Za-z0-9+/]{27}=")),
        ("size", re.compile(r"[1-9][0-9]{0,14}")),
    ),
)

_COMMENT = """\
# Packages of {release} for {arch}, pinned by content. Written by `./bazelw run //tools:lock`
# from the package_sets in catalog/alpine.yaml; don't edit. docs/alpine.md has the format.
"""


@dataclass(frozen=True)
class Package:
    """One pinned package.

    `path` is relative to a mirror's root; `sets` maps the name of each package set that holds the
    package to whether the set asks for it by name (else it came as a dependency).
    """

    name: str
    version: str
    path: str
    sha256: str
    identity: str
    size: int
    sets: Mapping[str, bool]

    def line(self) -> str:
        """The package as a line of a lock file, without line end."""
        columns = (self.name, self.version, self.path, self.sha256, self.identity, str(self.size))
        return lines.package_line(columns, self.sets)


@dataclass(frozen=True)
class Lock:
    """A whole lock file: see the module's text for the fields."""

    release: str
    arch: str
    time: str
    repositories: tuple[str, ...]
    packages: tuple[Package, ...] = field(default=())

    @property
    def file(self) -> str:
        """What the file is called."""
        return f"{self.release}_{self.arch}.lock"

    def in_set(self, name: str) -> tuple[Package, ...]:
        """The packages of one set, sorted by name; KeyError if the lock has no such set."""
        return lines.in_set(self.packages, name)

    def set_names(self) -> tuple[str, ...]:
        """Names of all package sets in this lock, sorted."""
        return lines.set_names(self.packages)

    def text(self) -> str:
        """The file's content. Raises LockError for what the format can't express."""
        made = [_COMMENT.format(release=self.release, arch=self.arch).rstrip("\n")]
        made += [f"{key} {getattr(self, key)}" for key in _HEADER]
        made += [f"repository {url}" for url in self.repositories]
        made += [package.line() for package in sorted(self.packages, key=lambda p: p.name)]
        text = "\n".join(made) + "\n"
        parse(text, f"{self.file} (about to be written)")
        return text


def parse(text: str, where: str) -> Lock:
    """Parse a lock file's content; `where` is the file name to use in errors (LockError)."""
    found = _FORMAT.parse(text, where)
    return Lock(
        release=found.value("release"),
        arch=found.value("arch"),
        time=found.value("time"),
        repositories=found.header["repository"],
        packages=tuple(_package(row, found.value("arch"), where) for row in found.rows),
    )


def _package(row: Row, arch: str, where: str) -> Package:
    name, version, path, sha256, identity, size = row.columns
    if path.split("/")[2] != arch:
        raise lines.fault(where, row.number, f"path {path!r} in a lock for {arch!r}")
    return Package(name, version, path, sha256, identity, int(size), row.sets)


def read(path: Path) -> Lock:
    """Read a lock file. Raises LockError naming file and line."""
    lock = parse(lines.read_text(path), str(path))
    if path.name != lock.file:
        raise LockError(
            f"{path}: holds {lock.release}, {lock.arch}; such a file is named {lock.file}"
        )
    return lock


def write(path: Path, lock: Lock) -> None:
    """Write a lock file: complete or, when anything fails, not at all."""
    atomic.write(path, lock.text())
