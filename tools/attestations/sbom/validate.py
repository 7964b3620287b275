"""Are documents what they claim to be? Asked of those who read them.

spdx-tools, cyclonedx-python-lib and packageurl check the form, and ntia-conformance-checker that
the minimum elements of the NTIA are there: what `sbomcheck --comply ntia` says.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from license_expression import get_spdx_licensing  # type: ignore[import-untyped]
from ntia_conformance_checker import SbomChecker
from packageurl import PackageURL
from spdx_tools.spdx.parser.parse_anything import parse_file
from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document


def spdx_faults(text: str) -> list[str]:
    """What spdx-tools finds wrong with an SPDX 2.3 JSON document."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "document.spdx.json")
        path.write_text(text, "utf-8")
        document = parse_file(str(path))
    return [m.validation_message for m in validate_full_spdx_document(document, "SPDX-2.3")]


def ntia_faults(text: str) -> list[str]:
    """What an SPDX 2.3 JSON document lacks of the NTIA's minimum elements."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "document.spdx.json")
        path.write_text(text, "utf-8")
        found = SbomChecker(str(path), compliance="ntia", sbom_spec="spdx2")
    if found.compliant:
        return []
    return [
        *found.parsing_errors,
        *(f"{part}: no {what}" for part, _, what in _incomplete(found)),
        *(message.validation_message for message in found.conformance_messages),
    ] or ["not compliant"]


def _incomplete(found: SbomChecker) -> Iterator[tuple[str, str, str]]:
    for what in ("names", "versions", "suppliers", "identifiers"):
        for name, key in getattr(found, f"components_without_{what}"):
            yield name, key, what.removesuffix("s")


def cyclonedx_faults(text: str) -> list[str]:
    """What the strict schema of CycloneDX 1.6 finds wrong, and licences and purls don't parse."""
    fault = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    if fault is not None:
        return [str(fault)]
    faults = []
    licensing = get_spdx_licensing()
    for component in json.loads(text)["components"]:
        for declared in component.get("licenses", []):
            found = licensing.validate(declared["expression"])
            unknown = [s for s in found.invalid_symbols if not s.startswith("LicenseRef-")]
            if unknown or (found.errors and not found.invalid_symbols):
                faults.append(f"{component['name']}: {declared['expression']}: {found.errors}")
        if purl := component.get("purl"):
            again = PackageURL.from_string(purl)
            if again.version != component["version"]:
                faults.append(f"{component['name']}: {purl} is of version {again.version}")
    return faults
