"""What a distribution says of its packages' problems, whatever the format it says it in."""

from __future__ import annotations

import dataclasses
from typing import Protocol


@dataclasses.dataclass(frozen=True)
class Entry:
    """What is said of one problem of a source package in one suite.

    Attributes:
        id: its CVE number, or a name of the distribution's own.
        status: `open`, `resolved` or `undetermined`.
        fixed_version: the suite's first version without it; `0` where no version ever had it, empty
            where there is none.
        urgency: high, medium, low, unimportant, `not yet assigned` …
        scope: `remote` or `local`; may be empty.
        description: what it is about, in a sentence or two; may be empty.
        nodsa: why there is no security advisory of its own; may be empty.
        bug: number of the distribution's bug report; 0 without one.
    """

    id: str
    status: str
    fixed_version: str
    urgency: str = "not yet assigned"
    scope: str = ""
    description: str = ""
    nodsa: str = ""
    bug: int = 0


@dataclasses.dataclass(frozen=True)
class Origin:
    """Where data are from, and what of them it was."""

    name: str
    sha256: str


class Advisories(Protocol):
    """A distribution's data."""

    @property
    def origins(self) -> tuple[Origin, ...]:
        """The documents that were read."""

    def check_suite(self, suite: str) -> None:
        """CvesError where the data say nothing about a suite: an empty report would mislead."""

    def entries(self, source: str, suite: str) -> list[Entry]:
        """Return what is known of a source package in a suite, by name of the problem."""

    def older(self, version: str, other: str) -> bool:
        """Whether a version comes before another, as the distribution orders them."""
