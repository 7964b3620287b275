"""Which image a document is about, as it says itself."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from tools.oci.assembler.spec import Json, parse
from tools.oci.registry.registry_error import RegistryError

_Find = Callable[[Json], list[Any]]
# The package URL of an image, by its digest.
_OCI: Final = re.compile(r"pkg:oci/[^@/]+@sha256(?::|%3A)([0-9a-f]{64})(?:\?.*)?")


def spdx(path: Path) -> str:
    """Return the digest of the image that an SPDX 2.3 document describes."""
    return _only(path, _described)


def cyclonedx(path: Path) -> str:
    """Return the digest of the image that is the component of a CycloneDX document."""
    return _only(
        path, lambda told: [_of(told["metadata"]["component"]["hashes"], "alg", "content")]
    )


def created(path: Path) -> str:
    """Return when a CycloneDX document was made; RegistryError where it doesn't say."""
    try:
        told = parse(path.read_bytes(), path)["metadata"]["timestamp"]
    except (KeyError, TypeError):
        told = None
    if not isinstance(told, str):
        raise RegistryError(f"{path}: doesn't say in metadata.timestamp when it was made")
    return told


def predicate(path: Path) -> Json:
    """Return what an in-toto statement says; RegistryError where it says nothing."""
    told = parse(path.read_bytes(), path).get("predicate")
    if not isinstance(told, dict):
        raise RegistryError(f"{path}: has no object `predicate`; build it again")
    return told


def provenance(path: Path) -> str:
    """Return the digest of the image that is every subject of an in-toto statement."""
    return _only(path, lambda told: [one["digest"]["sha256"] for one in told["subject"]])


def vex(path: Path) -> str:
    """Return the digest of the image that every statement of an OpenVEX document is about."""
    return _only(
        path,
        lambda told: [
            _OCI.fullmatch(product["@id"])[1]  # type: ignore[index]
            for statement in told["statements"]
            for product in statement["products"]
        ],
    )


def _only(path: Path, find: _Find) -> str:
    """Return the one digest a document names; RegistryError where it names none, or several."""
    try:
        found = find(parse(path.read_bytes(), path))
    except (KeyError, TypeError, IndexError, AttributeError):
        found = []
    digests = {one for one in found if isinstance(one, str) and re.fullmatch("[0-9a-f]{64}", one)}
    if len(digests) != 1 or len(digests) != len(set(map(str, found))):
        raise RegistryError(
            f"{path}: doesn't say which image it is about, or names several; build it again"
        )
    return f"sha256:{digests.pop()}"


def _described(told: Json) -> list[Any]:
    """Return the SHA-256 of each package that an SPDX document describes."""
    names = list(told.get("documentDescribes", []))
    for one in told["relationships"]:
        ends = (one["spdxElementId"], one["relatedSpdxElement"])
        if one["relationshipType"] == "DESCRIBED_BY":
            ends = (ends[1], ends[0])
        if one["relationshipType"] in ("DESCRIBES", "DESCRIBED_BY") and ends[0] == told["SPDXID"]:
            names.append(ends[1])
    packages = {one["SPDXID"]: one for one in told["packages"]}
    return [_of(packages[name]["checksums"], "algorithm", "checksumValue") for name in names]


def _of(listed: list[Json], kind: str, value: str) -> Any:
    """Return the SHA-256 of a list of checksums; None where it hasn't exactly one."""
    found = [one[value] for one in listed if one[kind] in ("SHA256", "SHA-256")]
    return found[0] if len(found) == 1 else None
