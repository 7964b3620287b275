"""What the formats share: a document's identity, which depends on nothing but its content."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import uuid

from tools.attestations.sbom.model import Bill


def document_uuid(bill: Bill, form: str) -> uuid.UUID:
    """Return the UUID of a bill in a format (version 8, of our own making): a digest of both."""
    held = dataclasses.asdict(bill)
    for component in held["components"]:
        # Documents keep the identity they had before there were patches.
        if not component["patches"]:
            del component["patches"]
    content = json.dumps(held, sort_keys=True)
    digest = bytearray(hashlib.sha256(f"{form}\n{content}".encode()).digest()[:16])
    digest[6] = digest[6] & 0x0F | 0x80
    digest[8] = digest[8] & 0x3F | 0x80
    return uuid.UUID(bytes=bytes(digest))
