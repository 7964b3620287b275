"""The patches of CPython's source, as the build hands them over: patches.json and its files."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path

from tools.attestations.sbom.model import Patch
from tools.attestations.sbom.sbom_error import SbomError


def read(facts: Path) -> tuple[Patch, ...]:
    """The patches, in the order they were applied.

    Args:
        facts: a list of objects with the catalog's `file`, `sha256`, `fixes` and `origin`, and
            `path`, where the patch lies beside it.

    Raises:
        SbomError: a patch isn't the one that the catalog names.
    """
    found = []
    for row in json.loads(facts.read_bytes()):
        data = (facts.parent / row["path"]).read_bytes()
        sha256 = hashlib.sha256(data).hexdigest()
        if sha256 != row["sha256"]:
            raise SbomError(
                row["file"],
                f"has sha256 {sha256}, not {row['sha256']}",
                "Build again; the catalog checks its patches.",
            )
        found.append(
            Patch(
                file=row["file"],
                sha256=sha256,
                # SPDX wants it of every file.
                sha1=hashlib.sha1(data, usedforsecurity=False).hexdigest(),
                fixes=tuple(row["fixes"]),
                origin=row["origin"],
                content=base64.b64encode(data).decode(),
            )
        )
    return tuple(found)
