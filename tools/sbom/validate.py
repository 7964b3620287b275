"""Are documents what they claim to be? Asked of spdx-tools, cyclonedx-python-lib and packageurl."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from license_expression import get_spdx_licensing  # type: ignore[import-untyped]
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
