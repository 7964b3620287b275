"""What Debian's security tracker says: which versions of a source package have which problems.

The data are one JSON document: source package -> CVE -> `{"description", "scope", "debianbug",
"releases": {suite: {"status", "fixed_version", "urgency", "nodsa", "nodsa_reason"}}}`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from debian.debian_support import Version

from tools.attestations.cves import documents
from tools.attestations.cves.advisories import Entry, Origin
from tools.attestations.cves.cves_error import CvesError

_STATUS: Final = frozenset({"open", "resolved", "undetermined"})
_GIVE: Final = "Give the JSON data of Debian's security tracker: --data FILE or --data URL."


@dataclasses.dataclass(frozen=True)
class Tracker:
    """The tracker's data: an Advisories."""

    origins: tuple[Origin]
    sources: dict[str, dict[str, Any]]

    def check_suite(self, suite: str) -> None:
        """CvesError where the data say nothing about a suite: an empty report would mislead."""
        for problems in self.sources.values():
            for problem in problems.values():
                if suite in problem["releases"]:
                    return
        raise CvesError(self.origins[0].name, f"has nothing about the suite {suite}", _GIVE)

    def entries(self, source: str, suite: str) -> list[Entry]:
        """Return what is known of a source package in a suite, by CVE number."""
        try:
            return self._entries(source, suite)
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            raise CvesError(
                self.origins[0].name, f"{source}: what it says can't be read: {error!r}", _GIVE
            ) from None

    def _entries(self, source: str, suite: str) -> list[Entry]:
        found = []
        for name, problem in sorted(self.sources.get(source, {}).items()):
            release = problem["releases"].get(suite)
            if release is None:
                continue
            status = release["status"]
            if status not in _STATUS:
                raise CvesError(
                    self.origins[0].name,
                    f"{source} {name}: the status in {suite} is {status!r}",
                    "Teach tools/attestations/cves/tracker.py what that means.",
                )
            if status == "resolved" and not release.get("fixed_version"):
                raise CvesError(
                    self.origins[0].name,
                    f"{source} {name}: resolved in {suite} without a version",
                    _GIVE,
                )
            reason = ", ".join(
                filter(None, (release.get("nodsa_reason", ""), release.get("nodsa", "")))
            )
            found.append(
                Entry(
                    id=name,
                    status=status,
                    fixed_version=_version(release.get("fixed_version", "")),
                    # A star says that the urgency is the tracker's own, not the suite's.
                    urgency=release.get("urgency", "not yet assigned").rstrip("*"),
                    scope=problem.get("scope", ""),
                    description=" ".join(problem.get("description", "").split()),
                    nodsa=reason,
                    bug=int(problem.get("debianbug", 0)),
                )
            )
        return found

    def older(self, version: str, other: str) -> bool:
        """Whether a version comes before another, as dpkg orders them."""
        try:
            return bool(Version(version) < Version(other))
        except ValueError as error:
            raise CvesError("a version of the image", str(error), _GIVE) from None


def _version(text: str) -> str:
    """A version as dpkg has it, or none; ValueError or TypeError for anything else."""
    if not isinstance(text, str):
        raise TypeError(f"the version is {text!r}")
    return str(Version(text)) if text else ""


def load(origins: Sequence[str], folder: Path) -> Tracker:
    """Return the data of a file (relative to `folder`) or an HTTPS address; may be gzip or xz.

    CvesError where they aren't available, or are no such data.
    """
    if len(origins) != 1:
        raise CvesError(
            " ".join(origins) or "no data", "the tracker's data are one document", _GIVE
        )
    origin, sources = documents.load(origins[0], folder)
    try:
        if not sources or not all(
            isinstance(problem["releases"], dict)
            for problems in sources.values()
            for problem in problems.values()
        ):
            raise ValueError("there is nothing in it")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CvesError(origin.name, f"is not the tracker's data: {error!r}", _GIVE) from None
    return Tracker((origin,), sources)
