"""requirements.txt as `pip-compile` and `uv pip compile` write it with `--generate-hashes`."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Final

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from tools.wheels.locks.pins import LockError, Pin, Wheel, filename_of, sha256_of, unique
from tools.wheels.locks.target import Target

# pip's own rule for comments.
_COMMENT: Final = re.compile(r"(?:^|\s+)#.*$")
_INDEX: Final = ("--index-url", "--extra-index-url", "--trusted-host", "--find-links", "--no-index")
_SHORT: Final = {"-i": "--index-url", "-f": "--find-links"}
# What changes nothing here: wheels alone are taken, each by its hash.
_IGNORED: Final = ("--pre", "--prefer-binary", "--require-hashes", "--only-binary")
_HASH: Final = re.compile(r"\s--hash(?:=|\s+)(\S+)")
_PATH: Final = re.compile(r"(?:-e\b|--editable\b|\.|/|file:)")


@dataclass(frozen=True)
class _Line:
    requirement: Requirement
    pin: Pin


@dataclass(frozen=True)
class Requirements:
    """A lock of this form."""

    lines: list[_Line] = field(default_factory=list)
    index_options: list[str] = field(default_factory=list)

    def pins(self, target: Target) -> list[Pin]:
        """See `pins.Lock`."""
        chosen: dict[tuple[str, str], Pin] = {}
        for line in self.lines:
            marker = line.requirement.marker
            if marker and not marker.evaluate({**target.environment, "extra": ""}):
                continue
            key = (line.pin.name, line.pin.version)
            before = chosen.setdefault(key, line.pin)
            if before is not line.pin:
                hashes = tuple(dict.fromkeys(before.hashes + line.pin.hashes))
                chosen[key] = replace(before, hashes=hashes)
        return unique(list(chosen.values()))


def parse(text: str, name: str) -> Requirements:
    """Read the text of a lock called `name`. LockError."""
    lock = Requirements()
    for number, line in _logical(text):
        where = f"{name}:{number}"
        if _PATH.match(line):
            raise LockError(
                f"{where}: {line[:80]!r} is a project of this machine: lock without it (uv export "
                "--no-emit-project), and give its wheel to python_app_image as `wheels`",
                relock=False,
            )
        if line.startswith("-"):
            lock.index_options.extend(_option(line, where))
        else:
            lock.lines.append(_requirement(line, where))
    return lock


def _logical(text: str) -> Iterator[tuple[int, str]]:
    """The lines that say something, joined where they go on, with the number of their first one."""
    joined: list[str] = []
    first = 0
    for number, line in enumerate([*text.splitlines(), ""], 1):
        comment = _COMMENT.match(line)
        if not joined:
            first = number
        if line.endswith("\\") and not comment:
            joined.append(line.removesuffix("\\"))
            continue
        # A comment ends what goes on, as in pip.
        whole = _COMMENT.sub("", " ".join([*joined, "" if comment else line])).strip()
        joined = []
        if whole:
            yield first, whole


def _option(line: str, where: str) -> list[str]:
    """The words of a line with options that name indexes; [] for one without effect. LockError."""
    try:
        words = shlex.split(line)
    except ValueError as error:
        raise LockError(f"{where}: {error}: {line[:80]!r}") from None
    option, equals, value = words[0].partition("=")
    option = _SHORT.get(option, option)
    values = [value] * bool(equals) + words[1:]
    if option in _IGNORED:
        return []
    if option not in _INDEX:
        raise LockError(f"{where}: {option} has no place in a lock of wheels")
    if len(values) != (option != "--no-index"):
        raise LockError(f"{where}: not understood: {line[:80]!r}")
    return [f"{option} {value}".strip() for value in values or [""]]


def _requirement(line: str, where: str) -> _Line:
    hashes = tuple(sha256_of(found, where) for found in _HASH.findall(line))
    words = _HASH.sub("", line).strip()
    if " --" in words:
        raise LockError(f"{where}: {words[words.index(' --') + 1 :][:80]} is not understood")
    try:
        requirement = Requirement(words)
    except InvalidRequirement as error:
        raise LockError(f"{where}: {words[:80]!r}: {str(error).splitlines()[0]}") from None
    name = canonicalize_name(requirement.name)
    if not hashes:
        raise LockError(f"{where}: {words.partition(';')[0].strip()} has no --hash")
    if requirement.url:
        file = filename_of(requirement.url)
        wheels = (Wheel(file, hashes[0], requirement.url),) if file.endswith(".whl") else ()
        return _Line(requirement, Pin(name, "", where, hashes, wheels, requirement.url))
    specifiers = list(requirement.specifier)
    if len(specifiers) != 1 or specifiers[0].operator not in ("==", "==="):
        raise LockError(f"{where}: {words[:80]!r} pins no version: not of the form name==version")
    if specifiers[0].version.endswith(".*"):
        raise LockError(f"{where}: {words[:80]!r} pins no version, but many")
    return _Line(requirement, Pin(name, specifiers[0].version, where, hashes))
