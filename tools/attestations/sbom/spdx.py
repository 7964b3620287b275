"""A bill of materials as SPDX 2.3 JSON."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any, Final

from tools.attestations.sbom.documents import document_uuid
from tools.attestations.sbom.model import BASE_LAYER, TOOL, Bill, Component, Patch, identifier

_PURPOSE: Final = {
    "application": "APPLICATION",
    "container": "CONTAINER",
    "library": "LIBRARY",
    "operating-system": "OPERATING-SYSTEM",
    "data": "FILE",
}


def spdx_id(key: str) -> str:
    """Return the identifier of a component inside the document."""
    # Underscores and plus signs stay apart from what else becomes a hyphen.
    return "SPDXRef-" + identifier(key.replace("+", ".plus").replace("_", ".u"))


def render(bill: Bill) -> str:
    """Return the document, the same text for the same bill."""
    subject = bill.subject
    relations = [_relation("SPDXRef-DOCUMENT", "DESCRIBES", "SPDXRef-image")]
    for component in bill.components:
        parent = spdx_id(component.parent) if component.parent else "SPDXRef-image"
        relations.append(_relation(parent, "CONTAINS", spdx_id(component.key)))
        relations += [
            _relation(_patch_id(patch), "PATCH_APPLIED", spdx_id(component.key))
            for patch in component.patches
        ]
    files = [_file(patch) for component in bill.components for patch in component.patches]
    document = {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": subject.name,
        "documentNamespace": f"urn:uuid:{document_uuid(bill, 'SPDX-2.3')}",
        "creationInfo": {
            "created": _seconds(subject.created),
            "creators": [f"Tool: {TOOL}"],
        },
        "packages": [_image(bill), *(_package(component) for component in bill.components)],
        **({"files": files} if files else {}),
        "relationships": relations,
        "hasExtractedLicensingInfos": [
            {"licenseId": reference, "name": name, "extractedText": text}
            for reference, (name, text) in sorted(bill.texts.items())
        ],
    }
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def _seconds(created: str) -> str:
    """A time of RFC 3339 as SPDX wants it: of UTC, in whole seconds."""
    return datetime.fromisoformat(created).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _relation(one: str, kind: str, other: str) -> dict[str, str]:
    return {
        "spdxElementId": one,
        "relationshipType": kind,
        "relatedSpdxElement": other,
    }


def _image(bill: Bill) -> dict[str, Any]:
    subject = bill.subject
    return {
        "SPDXID": "SPDXRef-image",
        "name": subject.name,
        "versionInfo": subject.digest,
        "supplier": f"Organization: {subject.supplier}",
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": False,
        "checksums": [_checksum(subject.digest.partition(":")[2])],
        "licenseConcluded": "NOASSERTION",
        "licenseDeclared": "NOASSERTION",
        "copyrightText": "NOASSERTION",
        "comment": f"Container image for {subject.platform}; the checksum is its manifest's.",
        "primaryPackagePurpose": "CONTAINER",
        "externalRefs": [_reference("PACKAGE-MANAGER", "purl", subject.purl)],
    }


def _patch_id(patch: Patch) -> str:
    return spdx_id(f"patch/{patch.file}")


def _file(patch: Patch) -> dict[str, Any]:
    fixed = f"Fixes {', '.join(patch.fixes)}." if patch.fixes else ""
    origin = f"Upstream: {patch.origin}" if patch.origin else ""
    shown = {
        "SPDXID": _patch_id(patch),
        "fileName": f"./{patch.file}",
        "fileTypes": ["SOURCE", "TEXT"],
        "checksums": [
            {"algorithm": "SHA1", "checksumValue": patch.sha1},
            _checksum(patch.sha256),
        ],
        "licenseConcluded": "NOASSERTION",
        "copyrightText": "NOASSERTION",
        "comment": " ".join(filter(None, [fixed, origin])),
    }
    return {key: value for key, value in shown.items() if value}


def _checksum(sha256: str) -> dict[str, str]:
    return {"algorithm": "SHA256", "checksumValue": sha256}


def _reference(category: str, kind: str, locator: str) -> dict[str, str]:
    return {
        "referenceCategory": category,
        "referenceType": kind,
        "referenceLocator": locator,
    }


def _package(component: Component) -> dict[str, Any]:
    references = []
    if component.purl:
        references.append(_reference("PACKAGE-MANAGER", "purl", component.purl))
    if component.cpe:
        references.append(_reference("SECURITY", "cpe23Type", component.cpe))
    package: dict[str, Any] = {
        "SPDXID": spdx_id(component.key),
        "name": component.name,
        "versionInfo": component.version,
        "packageFileName": component.file,
        "supplier": f"Organization: {component.supplier}" if component.supplier else "",
        "downloadLocation": component.url or "NOASSERTION",
        "filesAnalyzed": False,
        "checksums": [_checksum(component.sha256)] if component.sha256 else [],
        "sourceInfo": "built from the source package {} {}".format(*component.source)
        if component.source
        else "",
        "licenseConcluded": "NOASSERTION",
        "licenseDeclared": component.license or "NOASSERTION",
        "copyrightText": "NOASSERTION",
        "comment": "A foreign layer: by its digest alone, in no layout of the image."
        if component.key.startswith(BASE_LAYER)
        else "",
        "primaryPackagePurpose": _PURPOSE[component.kind],
        "externalRefs": references,
    }
    return {key: value for key, value in package.items() if value not in ("", [])}
