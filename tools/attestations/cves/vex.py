"""Reviewed statements about what CVEs mean for these images: OpenVEX documents, version 0.2."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

from packageurl import PackageURL

from tools.attestations.cves.cves_error import CvesError
from tools.text import strict_json

_CONTEXT: Final = "https://openvex.dev/ns/v0.2"
# What each status has to say besides.
_NEEDS: Final = {
    "not_affected": ("justification", "impact_statement"),
    "affected": ("action_statement",),
    "fixed": (),
    "under_investigation": (),
}
_JUSTIFICATIONS: Final = frozenset(
    {
        "component_not_present",
        "vulnerable_code_not_present",
        "vulnerable_code_not_in_execute_path",
        "vulnerable_code_cannot_be_controlled_by_adversary",
        "inline_mitigations_already_exist",
    }
)
_SUPPRESSING: Final = frozenset({"not_affected", "fixed"})


@dataclasses.dataclass(frozen=True)
class Statement:
    """A CVE's status for a package, or for some packages of an image.

    Attributes:
        ids: the CVE's number, and its other names.
        product: package URL of the package, or of the image where `packages` are named.
        packages: OpenVEX's subcomponents.
        status: not_affected, affected, fixed or under_investigation.
        why: the justification, impact or action, for people; without one, the notes.
        file: where it stands.
    """

    ids: frozenset[str]
    product: PackageURL
    packages: tuple[PackageURL, ...]
    status: str
    why: str
    file: str

    @property
    def suppresses(self) -> bool:
        """Whether it says that there is nothing to do."""
        return self.status in _SUPPRESSING

    def applies(self, image: PackageURL, package: Sequence[PackageURL]) -> bool:
        """Whether it is about a package, given by its package URLs, of an image."""
        if not self.packages:
            return any(_matches(self.product, one) for one in package)
        return _matches(self.product, image) and any(
            _matches(pattern, one) for pattern in self.packages for one in package
        )


def _matches(pattern: PackageURL, actual: PackageURL) -> bool:
    """Whether all that a package URL says is true of another, which may say more."""
    return (
        (pattern.type, pattern.namespace, pattern.name)
        == (actual.type, actual.namespace, actual.name)
        and pattern.version in (None, "", actual.version)
        and dict(pattern.qualifiers).items() <= dict(actual.qualifiers).items()
    )


def read(paths: Iterable[Path]) -> list[Statement]:
    """Return the statements of some documents, earlier ones first.

    CvesError for what OpenVEX doesn't allow: a statement that is misread might hide a problem.
    """
    dated = []
    for path in paths:
        try:
            document = strict_json.parse(path.read_bytes())
            if not str(document["@context"]).startswith(_CONTEXT):
                raise ValueError(f"@context is {document['@context']!r}, not {_CONTEXT}.0")
            for number, item in enumerate(document["statements"], 1):
                where = f"{path}: statement {number}"
                time = _time(item.get("timestamp") or document["timestamp"], where)
                dated += [(time, statement) for statement in _statements(item, where)]
        except CvesError:
            raise
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise CvesError(
                path, f"is no OpenVEX document: {error!r}", "docs/security.md has an example."
            ) from None
    # Of two statements about the same the later one holds.
    return [statement for _, statement in sorted(dated, key=lambda pair: pair[0])]


def _time(text: object, where: str) -> datetime.datetime:
    """A statement's time, which decides which one holds; CvesError for one without a zone."""
    try:
        found = datetime.datetime.fromisoformat(str(text))
        if found.tzinfo is None:
            raise ValueError("it has no time zone")
        return found.astimezone(datetime.UTC)
    except (ValueError, OverflowError) as error:
        raise CvesError(
            where, f"timestamp {text!r}: {error}", "Write it like 2026-11-21T00:00:00Z."
        ) from None


def _statements(item: dict[str, Any], where: str) -> list[Statement]:
    """Return a document's statement, once for each of its products."""
    vulnerability = item["vulnerability"]
    ids = {vulnerability["name"], *vulnerability.get("aliases", [])}
    status = item["status"]
    if status not in _NEEDS:
        raise CvesError(where, f"status {status!r}", f"Take one of: {', '.join(_NEEDS)}.")
    said = {key: item[key] for key in _NEEDS[status] if item.get(key)}
    if _NEEDS[status] and not said:
        raise CvesError(
            where, f"{status} without a reason", f"Give its {' or '.join(_NEEDS[status])}."
        )
    if said.get("justification", "component_not_present") not in _JUSTIFICATIONS:
        raise CvesError(
            where,
            f"justification {said['justification']!r}",
            f"Take one of: {', '.join(sorted(_JUSTIFICATIONS))}.",
        )
    if not item["products"]:
        raise CvesError(where, "names no product", "Say which packages it is about.")
    return [
        Statement(
            ids=frozenset(ids),
            product=_purl(product["@id"], where),
            packages=tuple(_purl(part["@id"], where) for part in product.get("subcomponents", [])),
            status=status,
            why=": ".join(str(said[key]) for key in sorted(said, reverse=True))
            or str(item.get("status_notes", "")),
            file=where,
        )
        for product in item["products"]
    ]


def _purl(text: str, where: str) -> PackageURL:
    try:
        return PackageURL.from_string(text)
    except ValueError as error:
        raise CvesError(
            where, str(error), "Name products by package URLs, such as pkg:deb/debian/openssl."
        ) from None
