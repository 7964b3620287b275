"""What wheels are chosen for: an image's interpreter, architecture and C library.

Nothing here looks at the machine that runs it.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from packaging.tags import Tag, compatible_tags, cpython_tags

# catalog/platforms.yaml's names to what `uname -m`, and so markers and wheels, say. For ARMv5
# and 64-bit MIPS no binary wheels are defined: only pure Python ones serve. Held to the catalog by
# //tests/platforms, not read from it: each of its changes would make every layer of wheels again.
_MACHINES: Final = {
    "amd64": "x86_64",
    "arm64": "aarch64",
    "armv5": "armv5tel",
    "armv6": "armv6l",
    "armv7": "armv7l",
    "i386": "i686",
    "mips64le": "mips64",
    "ppc64le": "ppc64le",
    "riscv64": "riscv64",
    "s390x": "s390x",
}
# The first names of manylinux, of which three are versions of glibc (PEP 600).
_LEGACY: Final = {5: "manylinux1", 12: "manylinux2010", 17: "manylinux2014"}
_X86: Final = ("x86_64", "i686")
_PYTHON: Final = re.compile(r"(3\.\d+(?:\.\d+)?(?:(?:a|b|rc)\d+)?)(t?)")
_PIP_PLATFORM: Final = re.compile(
    r"(?P<kind>manylinux|musllinux)_(?P<major>\d+)_(?P<minor>\d+)_(?P<machine>\w+)"
)
_LIBC: Final = re.compile(r"(glibc|musl) (\d+)\.(\d+)")


@dataclass(frozen=True)
class Target:
    """An image as far as wheels depend on it.

    `python` is CPython's release, "3.13.5", or a minor version; `libc` "glibc 2.41" or "musl 1.2";
    `platform` one of catalog/platforms.yaml. ValueError if one isn't known.
    """

    platform: str
    python: str
    libc: str
    free_threaded: bool = False

    def __post_init__(self) -> None:
        """Check the values."""
        if self.platform not in _MACHINES:
            raise ValueError(f"no platform {self.platform!r}; known: {', '.join(_MACHINES)}")
        if not _LIBC.fullmatch(self.libc):
            raise ValueError(f"no C library {self.libc!r}; such as 'glibc 2.41' or 'musl 1.2'")

    @classmethod
    def of(cls, platform: str, python: str, libc: str) -> Target:
        """The target of a Python as tags have it, "3.14.1t" if free-threaded."""
        found = _PYTHON.fullmatch(python)
        if not found:
            raise ValueError(f"no version of Python: {python!r}; such as 3.14 or 3.14t")
        return cls(platform, found[1], libc, bool(found[2]))

    @property
    def minor(self) -> str:
        """The minor version as its folder has it: "3.13", "3.14t"."""
        return ".".join(map(str, self._minor)) + "t" * self.free_threaded

    @property
    def machine(self) -> str:
        """The machine as markers have it: "aarch64"."""
        return _MACHINES[self.platform]

    @property
    def _minor(self) -> tuple[int, int]:
        major, minor = re.split(r"\.|a|b|rc", self.python)[:2]
        return int(major), int(minor)

    @property
    def abi(self) -> str:
        """The ABI tag of its extension modules: "cp313"."""
        major, minor = self._minor
        return f"cp{major}{minor}" + "t" * self.free_threaded

    @cached_property
    def platforms(self) -> tuple[str, ...]:
        """The platform tags it takes, the best first."""
        return (*self._libc_platforms(), f"linux_{self.machine}")

    def _libc_platforms(self) -> Iterator[str]:
        found = _LIBC.fullmatch(self.libc)
        assert found
        major, minor = int(found[2]), int(found[3])
        if found[1] == "musl":
            for number in range(minor, -1, -1):
                yield f"musllinux_{major}_{number}_{self.machine}"
            return
        for number in range(minor, 4 if self.machine in _X86 else 16, -1):
            yield f"manylinux_{major}_{number}_{self.machine}"
            if number in _LEGACY:
                yield f"{_LEGACY[number]}_{self.machine}"

    @cached_property
    def tags(self) -> dict[Tag, int]:
        """The tags it takes, each with its place: 0 is the best."""
        found = [
            *cpython_tags(self._minor, [self.abi], self.platforms),
            *compatible_tags(self._minor, self.abi.rstrip("t"), self.platforms),
        ]
        return {tag: place for place, tag in enumerate(dict.fromkeys(found))}

    @cached_property
    def environment(self) -> dict[str, str]:
        """The values of markers."""
        full = self.python if self.python.count(".") == 2 else f"{self.python}.0"
        return {
            "implementation_name": "cpython",
            "implementation_version": full,
            "os_name": "posix",
            "platform_machine": self.machine,
            "platform_python_implementation": "CPython",
            "platform_release": "",
            "platform_system": "Linux",
            "platform_version": "",
            "python_full_version": full,
            "python_version": ".".join(map(str, self._minor)),
            "sys_platform": "linux",
        }

    @property
    def pip_options(self) -> list[str]:
        """Options that make `pip download` choose for it."""
        options = ["--implementation=cp", f"--python-version={self.python}", f"--abi={self.abi}"]
        return options + [f"--platform={platform}" for platform in self.platforms]

    def __str__(self) -> str:
        """What messages call it."""
        return f"{self.platform}, Python {self.minor}, {self.libc}"


def named_by_pip(platforms: Sequence[str], python: str) -> Target:
    """The target of pip's names of a platform, such as manylinux_2_28_aarch64.

    Of several the one with the newest C library counts: it takes wheels for older ones, too.
    ValueError if one is no name of Linux, or they name several machines.
    """
    legacy = {name: f"manylinux_2_{minor}" for minor, name in _LEGACY.items()}
    found: list[tuple[str, str, tuple[int, int]]] = []
    for name in platforms:
        first, _, rest = name.partition("_")
        match = _PIP_PLATFORM.fullmatch(f"{legacy.get(first, first)}_{rest}")
        if not match:
            raise ValueError(f"{name!r} is no platform of Linux, such as manylinux_2_28_aarch64")
        found.append((match["machine"], match["kind"], (int(match["major"]), int(match["minor"]))))
    machines = sorted({machine for machine, _, _ in found})
    kinds = {"manylinux": "glibc", "musllinux": "musl"}
    platform = next((name for name, machine in _MACHINES.items() if [machine] == machines), "")
    if not platform or len({kind for _, kind, _ in found}) > 1:
        raise ValueError(f"{', '.join(platforms)}: not the names of one known platform")
    major, minor = max(version for _, _, version in found)
    return Target.of(platform, python, f"{kinds[found[0][1]]} {major}.{minor}")


def this_machine(python: str) -> Target:
    """The target that runs this: x86-64 with the interpreter's own C library."""
    return Target.of("amd64", python, os.confstr("CS_GNU_LIBC_VERSION") or "glibc 2.36")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that `from_options` reads."""
    mine = ".".join(map(str, sys.version_info[:3]))
    parser.add_argument("--python", default=mine, help="the image's version: 3.13.5, 3.14t")
    parser.add_argument("--libc", help="the image's C library: 'glibc 2.41'")
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--platform", help="as in catalog/platforms.yaml: arm64")
    which.add_argument("--pip-platform", action="append", help="as pip calls it; repeatable")
    which.add_argument("--this-machine", action="store_true", help="for the tools' own Python")


def from_options(options: argparse.Namespace) -> Target:
    """The target that the options name. ValueError if one of them is wrong."""
    if options.this_machine:
        return this_machine(options.python)
    if options.pip_platform:
        return named_by_pip(options.pip_platform, options.python)
    return Target.of(options.platform, options.python, options.libc or "")
