"""The Debian packages of an image, read from its bill of materials (CycloneDX, of tools/sbom)."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

from packageurl import PackageURL

from tools.cves.errors import CvesError
from tools.sbom.cyclonedx import SOURCE_NAME, SOURCE_VERSION


@dataclasses.dataclass(frozen=True)
class Package:
    """A binary package that is installed in the image.

    Attributes:
        name: its name.
        version: its version.
        suite: Debian's code name of the suite it is from.
        source: the source package it was built from.
        source_version: that package's version; not the same where only the binary was built again.
        purl: its package URL.
        source_purl: the source package's.
    """

    name: str
    version: str
    suite: str
    source: str
    source_version: str
    purl: PackageURL
    source_purl: PackageURL


@dataclasses.dataclass(frozen=True)
class Bill:
    """An image and its Debian packages; `digest` is its manifest's, `purl` its own package URL."""

    name: str
    digest: str
    purl: PackageURL
    packages: tuple[Package, ...]


def read(path: Path) -> Bill:
    """Return the packages of a bill; CvesError where it isn't one of tools/sbom."""
    try:
        document = json.loads(path.read_bytes())
        image = document["metadata"]["component"]
        packages = []
        for component in document["components"]:
            if not component.get("purl", "").startswith("pkg:deb/"):
                continue
            properties = {item["name"]: item["value"] for item in component["properties"]}
            purl = PackageURL.from_string(component["purl"])
            packages.append(
                Package(
                    name=component["name"],
                    version=component["version"],
                    suite=dict(purl.qualifiers)["distro"],
                    source=properties[SOURCE_NAME],
                    source_version=properties[SOURCE_VERSION],
                    purl=purl,
                    source_purl=PackageURL.from_string(
                        component["pedigree"]["ancestors"][0]["purl"]
                    ),
                )
            )
        return Bill(
            image["name"], image["version"], PackageURL.from_string(image["purl"]), tuple(packages)
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CvesError(
            path, f"is no bill of materials of an image: {error!r}", "Give an image's .cdx.json."
        ) from None
