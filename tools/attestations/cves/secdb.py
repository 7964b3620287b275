"""What Alpine's security database says: which version of a package fixed which problems.

The data are one JSON document for each repository of a release: `{"distroversion": "v3.24",
"reponame": "main", "packages": [{"pkg": {"name", "secfixes": {version: [problem, ...]}}}]}`. `name`
is the source package's; the version `0` stands for problems that Alpine's package never had.
Problems that aren't fixed yet are not in it.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from tools.attestations.cves import documents
from tools.attestations.cves.advisories import Entry, Origin
from tools.attestations.cves.cves_error import CvesError
from tools.formats.alpine import version as versions

# What a problem may be called; beside names there are remarks, such as `(+ regression fix)`.
_NAME: Final = re.compile(r"[A-Z]+[-_][\w-]+")
_NEVER: Final = "0"
_GIVE: Final = (
    "Give the JSON files of Alpine's security database, those of main and of community:"
    " --data FILE or --data URL, for each."
)


@dataclasses.dataclass(frozen=True)
class SecurityDatabase:
    """The data of some repositories of a release: an Advisories.

    Attributes:
        origins: the documents.
        suite: the release, as package URLs have it: `alpine-3.24`.
        fixes: source package -> problem -> the first version without it.
    """

    origins: tuple[Origin, ...]
    suite: str
    fixes: Mapping[str, Mapping[str, str]]

    def check_suite(self, suite: str) -> None:
        """CvesError where the data are another release's."""
        if suite != self.suite:
            raise CvesError(
                self.origins[0].name, f"is about {self.suite}, the image is of {suite}", _GIVE
            )

    def entries(self, source: str, suite: str) -> list[Entry]:
        """Return what is known of a source package, by name of the problem."""
        self.check_suite(suite)
        return [
            Entry(id=name, status="resolved", fixed_version=fixed)
            for name, fixed in sorted(self.fixes.get(source, {}).items())
        ]

    def older(self, version: str, other: str) -> bool:
        """Whether a version comes before another, as apk orders them."""
        return versions.compare(version, other) < 0


def load(origins: Sequence[str], folder: Path) -> SecurityDatabase:
    """Return the data of some files (relative to `folder`) or HTTPS addresses; may be gzip or xz.

    CvesError where they aren't available, are no such data, or belong to several releases.
    """
    read: list[Origin] = []
    suites: set[str] = set()
    fixes: dict[str, dict[str, str]] = {}
    for name in origins:
        origin, content = documents.load(name, folder)
        read.append(origin)
        try:
            suites.add("alpine-" + content["distroversion"].removeprefix("v"))
            for package, problem, fixed in _fixes(content):
                known = fixes.setdefault(package, {})
                # A problem that had to be fixed twice is one until the last of its fixes.
                if problem not in known or versions.compare(known[problem], fixed) < 0:
                    known[problem] = fixed
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            raise CvesError(
                origin.name, f"is not Alpine's security database: {error!r}", _GIVE
            ) from None
    if len(suites) != 1:
        raise CvesError(
            " ".join(origin.name for origin in read) or "no data",
            f"belong to several releases: {', '.join(sorted(suites))}"
            if suites
            else "there is nothing to compare the image with",
            _GIVE,
        )
    return SecurityDatabase(tuple(read), suites.pop(), fixes)


def _fixes(content: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Yield (source package, problem, version that fixed it)."""
    for item in content["packages"]:
        package = item["pkg"]
        for fixed, problems in package["secfixes"].items():
            if not versions.valid(fixed):
                raise ValueError(f"{package['name']}: {fixed!r} is no version")
            for said in problems:
                for problem in _NAME.findall(said) or [said]:
                    yield package["name"], problem.replace("_", "-", 1), fixed
