r"""Write the bill of materials of one image, as SPDX 2.3 and as CycloneDX 1.6.

What patches of CPython's source fix is written as OpenVEX besides.

    python -m tools.attestations.sbom.write_sbom --image LAYOUT --facts facts.json \
        --locked packages.json … --spdx image.spdx.json --cyclonedx image.cdx.json

What is in the image is read from the image: dpkg's or apk's database, the copyright files, DLLs on
Windows, CPython's headers and extension modules, the metadata of Python packages. The locks add
checksums, and have to agree.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tools.attestations.sbom import (
    alpine_packages,
    cyclonedx,
    debian_packages,
    image_files,
    licenses,
    openvex,
    patches,
    python_packages,
    spdx,
    windows_parts,
)
from tools.attestations.sbom.model import TOOL, Bill, Component, Patch, Subject, purl
from tools.attestations.sbom.sbom_error import SbomError
from tools.oci.assembler.spec import OciError


def make(
    image: Path,
    facts: dict[str, Any],
    locked: Sequence[Path],
    libraries: Sequence[dict[str, str]],
    changes: tuple[Patch, ...] = (),
) -> Bill:
    """Return the bill of the image in an OCI layout.

    Args:
        image: the layout's folder.
        facts: `name` (the target), `title` (for the package URL), `suite` (Debian's code name, or
            Alpine's release),
            `source` (CPython's, on Windows python.org's archive: version, url, sha256; or None),
            `vendor` (who publishes the image; empty where nobody said).
        locked: packages.json of every package set the image is made of; see read_locked.
        libraries: what CPython's source bundles, from bundled.py.
        changes: the patches of CPython's source.
    """
    files = image_files.read(image)
    texts = licenses.Texts()
    release = debian_packages.os_release(files)
    suite = facts["suite"]
    if windows_parts.on_windows(files):
        root = [*windows_parts.base(files), *windows_parts.libraries(files, libraries)]
    else:
        packages = alpine_packages if alpine_packages.is_release(suite) else debian_packages
        root = packages.components(files, debian_packages.read_locked(locked), suite, texts)
    parts = [
        *root,
        *python_packages.cpython(files, facts["source"], libraries, changes),
        *python_packages.installed(files),
    ]
    if release:
        parts.append(
            Component(
                key="os",
                name=release.get("ID", ""),
                version=release.get("VERSION_ID", ""),
                kind="operating-system",
                supplier=release.get("NAME", ""),
            )
        )
    subject = Subject(
        name=facts["name"],
        digest=files.digest,
        created=str(files.config.get("created", "")),
        platform=files.platform,
        purl=purl("oci", "", facts["title"], files.digest, {"arch": files.config["architecture"]}),
        supplier=facts["vendor"] or TOOL,
    )
    return Bill(subject, with_suppliers(parts), texts.found)


def with_suppliers(parts: Sequence[Component]) -> tuple[Component, ...]:
    """Return the parts by key, with the supplier of the part they came in where they say none.

    Who gives them to others: pip's makers what pip vendors, CPython's what its source has.
    """
    found: dict[str, Component] = {}
    for part in sorted(parts, key=lambda part: part.key):
        above = found.get(part.parent)
        if not part.supplier and above is not None:
            part = dataclasses.replace(part, supplier=above.supplier)
        found[part.key] = part
    return tuple(found.values())


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns the exit status."""
    parser = argparse.ArgumentParser(description="Write the bill of materials of an image.")
    parser.add_argument("--image", type=Path, required=True, help="OCI layout of one image")
    parser.add_argument("--facts", type=Path, required=True, help="JSON, see make()")
    parser.add_argument("--locked", type=Path, action="append", default=[], metavar="JSON")
    parser.add_argument("--bundled", type=Path, help="JSON of bundled.py")
    parser.add_argument("--patches", type=Path, help="patches.json of CPython's source")
    parser.add_argument("--vex", type=Path, help="file to write: what the patches fix")
    parser.add_argument("--spdx", type=Path, required=True, help="file to write")
    parser.add_argument("--cyclonedx", type=Path, required=True, help="file to write")
    options = parser.parse_args(arguments)
    try:
        libraries = json.loads(options.bundled.read_bytes()) if options.bundled else []
        facts = json.loads(options.facts.read_bytes())
        changes = patches.read(options.patches) if options.patches else ()
        bill = make(options.image, facts, options.locked, libraries, changes)
    except (SbomError, OciError, OSError) as error:
        print(f"sbom: {error}", file=sys.stderr)
        return 2
    options.spdx.write_text(spdx.render(bill), "utf-8")
    options.cyclonedx.write_text(cyclonedx.render(bill), "utf-8")
    if options.vex:
        options.vex.write_text(openvex.render(bill), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
