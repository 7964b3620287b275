"""Lock files of Debian packages: what they hold, reading and writing them.

One file per suite and architecture, `third_party/debian/<suite>_<arch>.lock`, those of Ubuntu's
suites in `third_party/ubuntu`. Plain text, so that a change reads well in a diff:

    # comments
    suite bookworm
    arch arm64
    snapshot 20261120T060000Z
    adduser 3.134 all pool/main/a/adduser/adduser_3.134_all.deb <sha256> <size> base=dependency

A fourth header line, such as `pockets main,updates`, stands there when not all parts of the
archive were resolved from: the security archive isn't for every architecture. An Ubuntu lock also
has `mirror <URL>` and `security_mirror <URL>`, what images name as their sources. The header comes
first, then one package per line, sorted by name. The seven columns are separated by single spaces:
name, version, architecture, path in the archive (prefixed with `security:` when it's in the
security archive), SHA-256, size in bytes, and the package sets that hold the package, each with
`=requested` or `=dependency`.

`python_images/private/debian_lock.bzl` and `ubuntu_lock.bzl` read the same format.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

REQUESTED = "requested"
DEPENDENCY = "dependency"

# The parts of the archive a suite has.
POCKETS = ("main", "updates", "security")

_HEADER = ("suite", "arch", "snapshot")
_HEADER_VALUE = {
    "suite": re.compile(r"[a-z][a-z0-9]*"),
    "arch": re.compile(r"[a-z0-9][a-z0-9-]*"),
    "snapshot": re.compile(r"\d{8}T\d{6}Z"),
    "pockets": re.compile("main(,updates)?(,security)?"),
    "mirror": re.compile(r"(?:https?|file)://[^\s'\"\\]+"),
    "security_mirror": re.compile(r"(?:https?|file)://[^\s'\"\\]+"),
}
# Debian policy 5.6.1, 5.6.12 and 5.6.8; set names are ours.
_COLUMNS = (
    ("package name", re.compile(r"[a-z0-9][a-z0-9+.-]+")),
    ("version", re.compile(r"(?:\d+:)?[0-9][A-Za-z0-9.+~-]*")),
    ("architecture", re.compile(r"[a-z0-9][a-z0-9-]*")),
    ("path", re.compile(r"(?:security:)?pool/(?:[A-Za-z0-9][A-Za-z0-9+.~_-]*/)+[^/\s]+\.deb")),
    ("SHA-256", re.compile(r"[0-9a-f]{64}")),
    ("size", re.compile(r"[1-9][0-9]*")),
    ("package sets", re.compile(r"\S+")),
)
_SET = re.compile(r"([a-z][a-z0-9_]*)=(requested|dependency)")

_COMMENT = """\
# Debian {suite} packages for {arch}, pinned by content. Written by `./bazelw run //tools:lock`
# from the package_sets in catalog/suites.yaml; don't edit. docs/locking.md has the format.
"""
_UBUNTU_COMMENT = """\
# Ubuntu {suite} packages for {arch}, pinned by content. Written by
# `./bazelw run //tools:lock -- {suite}` from the package_sets in catalog/ubuntu.yaml; don't edit.
# docs/locking.md has the format.
"""


class LockError(Exception):
    """A lock file can't be used; the message names file, line and reason."""


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
        sets = ",".join(
            f"{name}={REQUESTED if self.sets[name] else DEPENDENCY}" for name in sorted(self.sets)
        )
        columns = (self.name, self.version, self.arch, self.path, self.sha256, str(self.size), sets)
        return " ".join(columns)


@dataclass(frozen=True)
class Sources:
    """URLs, without trailing slash, that images of Ubuntu have apt ask.

    `mirror` has the suite, its updates and backports, `security` the security updates.
    """

    mirror: str
    security: str


@dataclass(frozen=True)
class Lock:
    """A whole lock file.

    `snapshot` is a UTC time in Debian's snapshot notation; `pockets` are the parts of the archive
    that packages were taken from. Ubuntu's locks have `sources`; Debian's images get theirs from
    their own apt.
    """

    suite: str
    arch: str
    snapshot: str
    packages: tuple[Package, ...] = field(default=())
    pockets: tuple[str, ...] = POCKETS
    sources: Sources | None = None

    def in_set(self, name: str) -> tuple[Package, ...]:
        """The packages of one set, sorted by name; KeyError if the lock has no such set."""
        found = tuple(package for package in self.packages if name in package.sets)
        if not found:
            raise KeyError(name)
        return found

    def set_names(self) -> tuple[str, ...]:
        """Names of all package sets in this lock, sorted."""
        return tuple(sorted({name for package in self.packages for name in package.sets}))

    def text(self) -> str:
        """The file's content. Raises LockError for what the format can't express."""
        comment = _COMMENT if self.sources is None else _UBUNTU_COMMENT
        lines = [comment.format(suite=self.suite, arch=self.arch).rstrip("\n")]
        lines += [f"{key} {getattr(self, key)}" for key in _HEADER]
        if self.pockets != POCKETS:
            lines.append(f"pockets {','.join(self.pockets)}")
        if self.sources is not None:
            lines.append(f"mirror {self.sources.mirror}")
            lines.append(f"security_mirror {self.sources.security}")
        lines += [package.line() for package in sorted(self.packages, key=lambda p: p.name)]
        text = "\n".join(lines) + "\n"
        parse(text, f"{self.suite}_{self.arch}.lock (about to be written)")
        return text


def _parse_package(line: str) -> Package:
    values = line.split(" ")
    if len(values) != len(_COLUMNS):
        raise ValueError(f"{len(values)} columns instead of {len(_COLUMNS)}")
    for (what, pattern), value in zip(_COLUMNS, values, strict=True):
        if not pattern.fullmatch(value):
            raise ValueError(f"bad {what} {value!r}")
    name, version, arch, path, sha256, size, sets = values
    if ".." in path.split("/"):
        raise ValueError(f"bad path {path!r}")
    flags: dict[str, bool] = {}
    for item in sets.split(","):
        match = _SET.fullmatch(item)
        if not match:
            raise ValueError(
                f"bad package set {item!r}: expected <set>={REQUESTED} or <set>={DEPENDENCY}"
            )
        if match[1] in flags:
            raise ValueError(f"package set {match[1]!r} given twice")
        flags[match[1]] = match[2] == REQUESTED
    return Package(name, version, arch, path, sha256, int(size), flags)


def parse(text: str, where: str) -> Lock:
    """Parse a lock file's content; `where` is the file name to use in errors (LockError)."""
    header: dict[str, str] = {}
    packages: list[Package] = []

    def fail(number: int, why: str) -> LockError:
        return LockError(
            f"{where}:{number}: {why}; lock files are generated, run `./bazelw run //tools:lock`"
        )

    number = 0
    for number, line in enumerate(text.splitlines(), 1):
        if not line or line.startswith("#"):
            continue
        key, _, value = line.partition(" ")
        if key in _HEADER_VALUE and not packages and " " not in value:
            if key in header:
                raise fail(number, f"second {key!r} line")
            if not _HEADER_VALUE[key].fullmatch(value):
                raise fail(number, f"bad {key} {value!r}")
            header[key] = value
            continue
        missing = [key for key in _HEADER if key not in header]
        if missing:
            raise fail(number, f"header line {missing[0]!r} must come before the packages")
        try:
            package = _parse_package(line)
        except ValueError as error:
            raise fail(number, str(error)) from None
        if package.arch not in ("all", header["arch"]):
            raise fail(number, f"architecture {package.arch!r} in a lock for {header['arch']!r}")
        if packages and package.name <= packages[-1].name:
            order = "listed twice" if package.name == packages[-1].name else "out of order"
            raise fail(number, f"package {package.name!r} {order}")
        packages.append(package)
    missing = [key for key in _HEADER if key not in header]
    if missing:
        raise fail(number + 1, f"header line {missing[0]!r} is missing")
    if ("mirror" in header) != ("security_mirror" in header):
        absent = "mirror" if "security_mirror" in header else "security_mirror"
        raise fail(number + 1, f"header line {absent!r} is missing")
    return Lock(
        suite=header["suite"],
        arch=header["arch"],
        snapshot=header["snapshot"],
        packages=tuple(packages),
        pockets=tuple(header["pockets"].split(",")) if "pockets" in header else POCKETS,
        sources=Sources(header["mirror"], header["security_mirror"])
        if "mirror" in header
        else None,
    )


def read(path: Path) -> Lock:
    """Read a lock file. Raises LockError naming file and line."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise LockError(f"{path}: can't be read: {error}") from None
    lock = parse(text, str(path))
    if path.name != f"{lock.suite}_{lock.arch}.lock":
        raise LockError(
            f"{path}: holds suite {lock.suite!r}, arch {lock.arch!r}; "
            f"such a file is named {lock.suite}_{lock.arch}.lock"
        )
    return lock


def write(path: Path, lock: Lock) -> None:
    """Write a lock file: complete or, when anything fails, not at all."""
    text = lock.text()
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name + ".")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
        temporary.chmod(0o644)
        temporary.replace(path)
    except BaseException:
        temporary.unlink()
        raise
