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

`python_images/private/alpine_lock.bzl` reads the same format.
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

RELEASE = r"alpine\d+\.\d+"
_HEADER_VALUE = {
    "release": re.compile(RELEASE),
    "arch": re.compile(r"[a-z0-9_]+"),
    "time": re.compile(r"\d{8}T\d{6}Z"),
}
_REPOSITORY = re.compile(r"(?:https?|file)://[^\s#@]+/v\d+\.\d+/[a-z]+")
_COLUMNS = (
    ("package name", re.compile(r"[A-Za-z0-9][A-Za-z0-9+._-]*")),
    ("version", re.compile(r"[0-9][A-Za-z0-9._~-]*")),
    ("path", re.compile(r"v\d+\.\d+/[a-z]+/[a-z0-9_]+/[A-Za-z0-9][^/\s]*\.apk")),
    ("SHA-256", re.compile(r"[0-9a-f]{64}")),
    ("identity", re.compile(r"Q1[A-Za-z0-9+/]{27}=")),
    ("size", re.compile(r"[1-9][0-9]*")),
    ("package sets", re.compile(r"\S+")),
)
_SET = re.compile(r"([a-z][a-z0-9_]*)=(requested|dependency)")

_COMMENT = """\
# Packages of {release} for {arch}, pinned by content. Written by `./bazelw run //tools:lock`
# from the package_sets in catalog/alpine.yaml; don't edit. docs/alpine.md has the format.
"""


class LockError(Exception):
    """A lock file can't be used; the message names file, line and reason."""


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
        sets = ",".join(
            f"{name}={REQUESTED if self.sets[name] else DEPENDENCY}" for name in sorted(self.sets)
        )
        columns = (
            self.name, self.version, self.path, self.sha256, self.identity, str(self.size), sets,
        )  # fmt: skip
        return " ".join(columns)


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
        found = tuple(package for package in self.packages if name in package.sets)
        if not found:
            raise KeyError(name)
        return found

    def set_names(self) -> tuple[str, ...]:
        """Names of all package sets in this lock, sorted."""
        return tuple(sorted({name for package in self.packages for name in package.sets}))

    def text(self) -> str:
        """The file's content. Raises LockError for what the format can't express."""
        lines = [_COMMENT.format(release=self.release, arch=self.arch).rstrip("\n")]
        lines += [f"{key} {getattr(self, key)}" for key in _HEADER_VALUE]
        lines += [f"repository {url}" for url in self.repositories]
        lines += [package.line() for package in sorted(self.packages, key=lambda p: p.name)]
        text = "\n".join(lines) + "\n"
        parse(text, f"{self.file} (about to be written)")
        return text


def _parse_package(line: str) -> Package:
    values = line.split(" ")
    if len(values) != len(_COLUMNS):
        raise ValueError(f"{len(values)} columns instead of {len(_COLUMNS)}")
    for (what, pattern), value in zip(_COLUMNS, values, strict=True):
        if not pattern.fullmatch(value):
            raise ValueError(f"bad {what} {value!r}")
    name, version, path, sha256, identity, size, sets = values
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
    return Package(name, version, path, sha256, identity, int(size), flags)


def parse(text: str, where: str) -> Lock:
    """Parse a lock file's content; `where` is the file name to use in errors (LockError)."""
    header: dict[str, str] = {}
    repositories: list[str] = []
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
        if " " not in value and not packages:
            if key in _HEADER_VALUE:
                if key in header:
                    raise fail(number, f"second {key!r} line")
                if not _HEADER_VALUE[key].fullmatch(value):
                    raise fail(number, f"bad {key} {value!r}")
                header[key] = value
                continue
            if key == "repository":
                if not _REPOSITORY.fullmatch(value) or value in repositories:
                    raise fail(number, f"bad or repeated repository {value!r}")
                repositories.append(value)
                continue
        if missing := [key for key in _HEADER_VALUE if key not in header]:
            raise fail(number, f"header line {missing[0]!r} must come before the packages")
        try:
            package = _parse_package(line)
        except ValueError as error:
            raise fail(number, str(error)) from None
        if package.path.split("/")[2] != header["arch"]:
            raise fail(number, f"path {package.path!r} in a lock for {header['arch']!r}")
        if packages and package.name <= packages[-1].name:
            order = "listed twice" if package.name == packages[-1].name else "out of order"
            raise fail(number, f"package {package.name!r} {order}")
        packages.append(package)
    missing = [key for key in _HEADER_VALUE if key not in header]
    if missing or not repositories:
        raise fail(number + 1, f"header line {(missing or ['repository'])[0]!r} is missing")
    return Lock(
        header["release"], header["arch"], header["time"], tuple(repositories), tuple(packages)
    )


def read(path: Path) -> Lock:
    """Read a lock file. Raises LockError naming file and line."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise LockError(f"{path}: can't be read: {error}") from None
    lock = parse(text, str(path))
    if path.name != lock.file:
        raise LockError(
            f"{path}: holds {lock.release}, {lock.arch}; such a file is named {lock.file}"
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
