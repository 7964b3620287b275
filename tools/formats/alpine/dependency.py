"""What a package asks of others, and what it offers them: `so:libz.so.1>=1.3`, `!uclibc`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tools.formats.alpine import version as versions

_FORM = re.compile(
    r"(?P<conflict>!?)(?P<name>[^!<>=~@\s][^<>=~@\s]*)"
    r"(?:(?P<operator>[<>=~]+)(?P<version>[^<>=~@\s]+))?"
)
OPERATORS = ("=", "<", "<=", "=<", ">", ">=", "=>", "~", "=~", "~=", "<~", ">~", "~<", "~>")


@dataclass(frozen=True, slots=True)
class Dependency:
    """One name a package needs, conflicts with or provides.

    Attributes:
        name: a package's name, or a name that packages provide, such as `so:libz.so.1`.
        operator: one of OPERATORS, or "" where any version will do.
        version: what the operator compares with, or "".
        conflict: whether it must not be there.
    """

    name: str
    operator: str = ""
    version: str = ""
    conflict: bool = False

    def __str__(self) -> str:
        """As Alpine's files have it."""
        return f"{'!' if self.conflict else ''}{self.name}{self.operator}{self.version}"

    def accepts(self, version: str | None) -> bool:
        """Whether a provider of the name takes part, in that version; None: in no certain one.

        Of a conflict, whether the provider is the one it is about.
        """
        if not self.operator:
            return True
        return version is not None and versions.accepts(version, self.operator, self.version)


def parse(text: str) -> Dependency:
    """Parse one dependency. Raises ValueError for what this can't express.

    That is: pinning to a tagged repository (`name@edge`) and to a checksum (`name><Q1...`), which
    packages of Alpine's repositories don't use.
    """
    match = _FORM.fullmatch(text)
    if match is None or (match["operator"] and match["operator"] not in OPERATORS):
        raise ValueError(f"{text!r} is no dependency: expected name, or name and a version")
    return Dependency(
        match["name"], match["operator"] or "", match["version"] or "", bool(match["conflict"])
    )


def parse_all(text: str) -> tuple[Dependency, ...]:
    """Parse dependencies with blanks between them. Raises ValueError."""
    return tuple(parse(word) for word in text.split())
