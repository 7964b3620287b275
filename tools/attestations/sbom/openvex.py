"""What an image's patches say of vulnerabilities: an OpenVEX document, for scanners.

A scanner knows CPython by its release, which is vulnerable; that a patch fixes it here is in no
database. The document says so of this image alone, by its digest.
"""

from __future__ import annotations

import json

from tools.attestations.sbom.documents import document_uuid
from tools.attestations.sbom.model import TOOL, Bill

CONTEXT = "https://openvex.dev/ns/v0.2.0"


def render(bill: Bill) -> str:
    """Return the document, the same text for the same bill."""
    subject = bill.subject
    statements = [
        {
            "vulnerability": {"name": name},
            "products": [{"@id": subject.purl, "subcomponents": [{"@id": component.purl}]}],
            "status": "fixed",
            "status_notes": f"{component.name} {component.version} is patched: "
            + ", ".join(patch.file for patch in component.patches if name in patch.fixes),
        }
        for component in bill.components
        for name in sorted({name for patch in component.patches for name in patch.fixes})
    ]
    document = {
        "@context": CONTEXT,
        "@id": f"urn:uuid:{document_uuid(bill, 'OpenVEX-0.2')}",
        "author": TOOL,
        "timestamp": subject.created,
        "version": 1,
        "statements": statements,
    }
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"
