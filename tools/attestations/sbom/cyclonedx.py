"""A bill of materials as CycloneDX 1.6 JSON."""

from __future__ import annotations

import json
from typing import Any

from tools.attestations.sbom.documents import document_uuid
from tools.attestations.sbom.model import BASE_LAYER, TOOL, Bill, Component, Patch, purl

# The source package of a distribution's package; tools/attestations/cves reads it.
SOURCE_NAME = "python-images:source-package"
SOURCE_VERSION = "python-images:source-package-version"
# A patch of a component's source, in the order of `pedigree`: its file and its digest.
PATCH = "python-images:patch"
# A layer that no layout of the image has: it is Microsoft's.
FOREIGN = "python-images:foreign-layer"
_IMAGE = "image"


def render(bill: Bill) -> str:
    """Return the document, the same text for the same bill."""
    subject = bill.subject
    contains: dict[str, list[str]] = {_IMAGE: []}
    for component in bill.components:
        contains.setdefault(component.parent or _IMAGE, []).append(component.key)
        contains.setdefault(component.key, [])
    document = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{document_uuid(bill, 'CycloneDX-1.6')}",
        "version": 1,
        "metadata": {
            "timestamp": subject.created,
            "tools": {"components": [{"type": "application", "name": TOOL}]},
            "component": {
                "type": "container",
                "bom-ref": _IMAGE,
                "supplier": {"name": subject.supplier},
                "name": subject.name,
                "version": subject.digest,
                "purl": subject.purl,
                "hashes": [_hash(subject.digest.partition(":")[2])],
                "properties": [_property("python-images:platform", subject.platform)],
            },
        },
        "components": [_component(component) for component in bill.components],
        "dependencies": [
            {"ref": ref, "dependsOn": sorted(refs)} if refs else {"ref": ref}
            for ref, refs in sorted(contains.items())
        ],
    }
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def _hash(sha256: str) -> dict[str, str]:
    return {"alg": "SHA-256", "content": sha256}


def _property(name: str, value: str) -> dict[str, str]:
    return {"name": name, "value": value}


def _advisory(name: str) -> dict[str, str]:
    """Where people read about a vulnerability."""
    if name.startswith("CVE-"):
        return {"name": "NVD", "url": f"https://nvd.nist.gov/vuln/detail/{name}"}
    return {"name": "OSV", "url": f"https://osv.dev/vulnerability/{name}"}


def _patch(patch: Patch) -> dict[str, Any]:
    shown: dict[str, Any] = {
        # As CycloneDX says: of a newer version of the software, or of nobody's but ours.
        "type": "backport" if patch.origin else "unofficial",
        "diff": {
            "text": {
                "contentType": "text/x-diff",
                "encoding": "base64",
                "content": patch.content,
            }
        },
        "resolves": [
            {"type": "security", "id": name, "source": _advisory(name)} for name in patch.fixes
        ],
    }
    if patch.origin:
        shown["diff"]["url"] = patch.origin
    return {key: value for key, value in shown.items() if value}


def _component(component: Component) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "type": component.kind,
        "bom-ref": component.key,
        "name": component.name,
        "version": component.version,
        "supplier": {"name": component.supplier} if component.supplier else None,
        "hashes": [_hash(component.sha256)] if component.sha256 else None,
        "licenses": [{"expression": component.license, "acknowledgement": "declared"}]
        if component.license
        else None,
        "cpe": component.cpe,
        "purl": component.purl,
        "externalReferences": [{"type": "distribution", "url": component.url}]
        if component.url
        else None,
        "evidence": {"occurrences": [{"location": f"/{path}"} for path in component.paths]}
        if component.paths
        else None,
    }
    if component.source:
        name, version = component.source
        # Whose it is: pkg:deb/<vendor>/<package>.
        kind, vendor, _ = component.purl.removeprefix("pkg:").split("/", 2)
        shown["pedigree"] = {
            "ancestors": [
                {
                    "type": "library",
                    "name": name,
                    "version": version,
                    "purl": purl(kind, vendor, name, version, {"arch": "source"}),
                }
            ]
        }
        shown["properties"] = [
            _property(SOURCE_NAME, name),
            _property(SOURCE_VERSION, version),
        ]
    if component.key.startswith(BASE_LAYER):
        shown["properties"] = [_property(FOREIGN, component.version)]
    if component.patches:
        ancestor = {key: shown[key] for key in ("type", "name", "version", "cpe", "purl")}
        shown["pedigree"] = {
            "ancestors": [{key: value for key, value in ancestor.items() if value}],
            "patches": [_patch(patch) for patch in component.patches],
        }
        # What CycloneDX has no place for: which file it is, and its digest.
        shown["properties"] = [
            _property(PATCH, f"{patch.file} sha256:{patch.sha256}") for patch in component.patches
        ]
    return {key: value for key, value in shown.items() if value}
