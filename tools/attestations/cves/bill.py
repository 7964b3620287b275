"""The packages of an image's distribution, from its bill of materials in CycloneDX."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Final

from packageurl import PackageURL

from tools.attestations.cves.cves_error import CvesError
from tools.attestations.sbom import alpine_packages, debian_packages
from tools.attestations.sbom.cyclonedx import SOURCE_NAME, SOURCE_VERSION
from tools.text import strict_json


@dataclasses.dataclass(frozen=True)
class Distribution:
    """Whose packages they are: its name, and the path of its packages' database."""

    title: str
    database: str


DEBIAN: Final = Distribution("Debian", debian_packages.STATUS)
ALPINE: Final = Distribution("Alpine", alpine_packages.DATABASE)
# By the type of their package URLs.
_DISTRIBUTIONS: Final = {"deb": DEBIAN, "apk": ALPINE}


@dataclasses.dataclass(frozen=True)
class Package:
    """A binary package that is installed in the image.

    Attributes:
        name: its name.
        version: its version.
        suite: the suite it is from: Debian's code name, or `alpine-3.24`.
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
    """An image and its packages; `digest` is its manifest's, `purl` its own package URL.

    `others` are package URLs of what is no package of the distribution: CPython, Python packages.
    """

    name: str
    digest: str
    purl: PackageURL
    distribution: Distribution
    packages: tuple[Package, ...]
    others: tuple[PackageURL, ...] = ()


def _texts(package: Package) -> Package:
    """The package; TypeError where what is to be text isn't."""
    for field in dataclasses.fields(package):
        value = getattr(package, field.name)
        if not isinstance(value, (str, PackageURL)):
            raise TypeError(f"{field.name} is {value!r}")
    return package


def read(path: Path) -> Bill:
    """Return the packages of a bill; CvesError where tools/attestations/sbom didn't make it."""
    try:
        document = strict_json.parse(path.read_bytes())
        image = document["metadata"]["component"]
        packages = []
        others = []
        found = set()
        for component in document["components"]:
            kind = component.get("purl", "").partition("/")[0].removeprefix("pkg:")
            if kind not in _DISTRIBUTIONS:
                if kind:
                    others.append(PackageURL.from_string(component["purl"]))
                continue
            found.add(kind)
            properties = {item["name"]: item["value"] for item in component["properties"]}
            purl = PackageURL.from_string(component["purl"])
            packages.append(
                _texts(
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
            )
        if len(found) > 1:
            raise ValueError(f"packages of {' and '.join(sorted(found))}")
        # Without packages it is any distribution's.
        return Bill(
            str(image["name"]),
            str(image["version"]),
            PackageURL.from_string(image["purl"]),
            _DISTRIBUTIONS[found.pop() if found else "deb"],
            tuple(packages),
            tuple(others),
        )
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise CvesError(
            path, f"is no bill of materials of an image: {error!r}", "Give an image's .cdx.json."
        ) from None
