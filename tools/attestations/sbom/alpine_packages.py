"""Alpine packages of an image: what apk's own database says, held against the locks."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from tools.attestations.sbom import licenses
from tools.attestations.sbom.image_files import ImageFiles
from tools.attestations.sbom.model import Component, purl
from tools.attestations.sbom.sbom_error import SbomError

DATABASE = "lib/apk/db/installed"


def is_release(name: str) -> bool:
    """Whether `name` is a release of Alpine's, such as alpine3.24, and no suite of Debian's."""
    return re.fullmatch(r"alpine\d+\.\d+", name) is not None


def url(name: str, version: str, arch: str, release: str) -> str:
    """Return a package's URL; `release` is such as alpine3.24."""
    distro = "alpine-" + release.removeprefix("alpine")
    return purl("apk", "alpine", name, version, {"arch": arch, "distro": distro})


def paragraphs(text: str) -> Iterator[dict[str, str]]:
    """Yield the fields of each package by their letters, those of its files left out."""
    for paragraph in text.split("\n\n"):
        fields: dict[str, str] = {}
        for line in paragraph.splitlines():
            letter, _, value = line.partition(":")
            if letter == "F":
                break
            fields[letter] = value
        if fields:
            yield fields


def _license(text: str, name: str, texts: licenses.Texts) -> str:
    """Return the licence field as an SPDX expression; a LicenseRef where it is none."""
    if not text or licenses.is_expression(text):
        return text
    return texts.reference(text, f"The package {name} of Alpine's says: {text}")


def components(
    files: ImageFiles,
    locked: Mapping[tuple[str, str, str], Mapping[str, Any]],
    release: str,
    texts: licenses.Texts,
) -> list[Component]:
    """Return the installed packages by name.

    Args:
        files: the image's.
        locked: from read_locked; SbomError for an installed package that is not among them. Where
            it is empty the image isn't made from a lock, and packages have no checksums.
        release: such as alpine3.24, for the package URLs.
        texts: takes the licences that have no SPDX id.
    """
    text = files.text(DATABASE)
    # A lock has the repository's architecture, the database `noarch` for some of its packages.
    by_name = {(name, version): entry for (name, version, _), entry in locked.items()}
    found: list[Component] = []
    for fields in paragraphs(text or ""):
        try:
            name, version, arch = fields["P"], fields["V"], fields["A"]
        except KeyError as error:
            raise SbomError(
                f"/{DATABASE}", f"a package has no field {error}", "Build the image again."
            ) from None
        entry = by_name.get((name, version))
        if entry is None and locked:
            raise SbomError(
                f"/{DATABASE}",
                f"{name} {version} is installed, but none of the package sets given has it",
                "Give the bill of materials every package set that the image's layers are made of.",
            )
        found.append(
            Component(
                key=f"apk/{name}",
                name=name,
                version=version,
                kind="library" if name.startswith("lib") or name == "musl" else "application",
                purl=url(name, version, arch, release),
                license=_license(fields.get("L", ""), name, texts),
                supplier="Alpine Linux",
                # apk names no version of its own for what a package was built from.
                source=(fields.get("o", name), version),
                sha256=entry["sha256"] if entry else "",
                file=entry["file"] if entry else "",
            )
        )
    return sorted(found, key=lambda component: component.key)
