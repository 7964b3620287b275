"""Debian packages of an image: what dpkg's own database says, held against the locks."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from debian.deb822 import Deb822

from tools.attestations.sbom import copyrights, licenses
from tools.attestations.sbom.image_files import ImageFiles
from tools.attestations.sbom.model import Component, purl
from tools.attestations.sbom.sbom_error import SbomError

STATUS = "var/lib/dpkg/status"
# The same of distroless images, a file for each package.
STATUS_FOLDER = f"{STATUS}.d"


def read_locked(paths: Iterable[Path]) -> dict[tuple[str, str, str], dict[str, Any]]:
    """Return the packages of some packages.json, by name, version and architecture."""
    locked: dict[tuple[str, str, str], dict[str, Any]] = {}
    for path in paths:
        try:
            entries = json.loads(path.read_bytes())
            for entry in entries:
                key = entry["package"], entry["version"], entry["architecture"]
                locked[key] = {name: entry[name] for name in ("file", "path", "sha256")}
                locked[key]["distribution"] = entry.get("distribution", "debian")
        except (ValueError, KeyError, TypeError) as error:
            raise SbomError(
                path, f"is no list of packages: {error!r}", "docs/locking.md has the format."
            ) from None
    return locked


def os_release(files: ImageFiles) -> dict[str, str]:
    """Return the fields of /etc/os-release, without their quotes; empty where there is none."""
    text = files.text("etc/os-release") or files.text("usr/lib/os-release") or ""
    pairs = (line.partition("=") for line in text.splitlines() if "=" in line)
    return {name.strip(): value.strip().strip("\"'") for name, _, value in pairs}


def vendor_of(entry: Mapping[str, Any] | None) -> str:
    """Return whose a locked package is, for package URLs; only lists of Ubuntu's say so."""
    return str(entry["distribution"]) if entry else "debian"


def source_of(paragraph: Deb822) -> tuple[str, str]:
    """Return name and version of the source a binary package was built from.

    The version is the binary's own where the `Source` field names none.
    """
    name, _, version = str(paragraph.get("Source", paragraph["Package"])).partition(" ")
    return name, version.strip("() ") or str(paragraph["Version"])


def _paragraphs(files: ImageFiles) -> list[Deb822]:
    """Return what the database says of each installed package, by name."""
    found = [
        paragraph
        for paragraph in Deb822.iter_paragraphs(
            (files.text(STATUS) or "").splitlines(keepends=True), use_apt_pkg=False
        )
        if str(paragraph.get("Status", "")).split()[-1:] == ["installed"]
    ]
    # What is there is installed: nothing else would say so, since no program adds or removes.
    return found + [
        Deb822(files.contents[path].decode("utf-8", "replace"))
        for path in sorted(files.contents)
        if path.startswith(f"{STATUS_FOLDER}/")
    ]


def components(
    files: ImageFiles,
    locked: dict[tuple[str, str, str], dict[str, Any]],
    suite: str,
    texts: licenses.Texts,
) -> list[Component]:
    """Return the installed packages by name.

    Args:
        files: the image's.
        locked: from read_locked; SbomError for an installed package that is not among them. Where
            it is empty the image isn't made from a lock, and packages have no checksums.
        suite: Debian's code name, for the package URLs.
        texts: takes the licences that have no SPDX id.
    """
    found: list[Component] = []
    for paragraph in _paragraphs(files):
        name, version, arch = (
            str(paragraph[key]) for key in ("Package", "Version", "Architecture")
        )
        entry = locked.get((name, version, arch))
        if entry is None and locked:
            raise SbomError(
                f"/{STATUS}",
                f"{name} {version} {arch} is installed, but none of the package sets given has it",
                "Give the bill of materials every package set that the image's layers are made of.",
            )
        vendor = vendor_of(entry)
        text = files.text(f"usr/share/doc/{name}/copyright")
        found.append(
            Component(
                key=f"deb/{name}" + (f"/{arch}" if f"deb/{name}" in {c.key for c in found} else ""),
                name=name,
                version=version,
                kind="library" if name.startswith("lib") else "application",
                purl=purl("deb", vendor, name, version, {"arch": arch, "distro": suite}),
                license=copyrights.expression(text, name, texts) if text else "",
                supplier=vendor.capitalize(),
                sha256=entry["sha256"] if entry else "",
                file=entry["file"] if entry else "",
                source=source_of(paragraph),
            )
        )
    return sorted(found, key=lambda component: component.key)
