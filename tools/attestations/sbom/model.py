"""What a bill of materials lists, whichever format it is written in."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from typing import Final, Literal
from urllib.parse import quote

Kind = Literal["application", "container", "library", "operating-system", "data"]

TOOL: Final = "python-images"
# How the keys of a base image's layers begin, which no layout has.
BASE_LAYER: Final = "base/"


@dataclasses.dataclass(frozen=True)
class Patch:
    """A patch that a component's source was changed by.

    Attributes:
        file: its path in the catalog.
        sha256: of its bytes.
        sha1: the same.
        fixes: the vulnerabilities it fixes, `CVE-2026-1234`.
        origin: where upstream has the change; empty for one of our own.
        content: its bytes, base64.
    """

    file: str
    sha256: str
    sha1: str
    fixes: tuple[str, ...]
    origin: str
    content: str


@dataclasses.dataclass(frozen=True)
class Component:
    """One part of an image.

    Attributes:
        key: what identifies it in the document, such as `deb/libc6` or `cpython/expat`.
        name: its name, as its makers write it.
        version: its version.
        kind: what it is.
        purl: its package URL; empty where its kind has none.
        cpe: its CPE 2.3 name, by which vulnerability databases know it; empty where unknown.
        license: SPDX licence expression its makers declare; empty where that can't be told.
        supplier: who made it, or gives it to others, for people.
        sha256: of the archive it came in; empty where there is none.
        file: that archive's file name.
        url: where that archive is published.
        source: name and version of the source package it was built from.
        parent: key of the component it is a part of; empty for a part of the image.
        paths: where it is in the image, without the leading slash.
        patches: what its source was changed by, in that order.
    """

    key: str
    name: str
    version: str
    kind: Kind
    purl: str = ""
    cpe: str = ""
    license: str = ""
    supplier: str = ""
    sha256: str = ""
    file: str = ""
    url: str = ""
    source: tuple[str, str] | None = None
    parent: str = ""
    paths: tuple[str, ...] = ()
    patches: tuple[Patch, ...] = ()


@dataclasses.dataclass(frozen=True)
class Subject:
    """The image a bill of materials is about.

    Attributes:
        name: the target that makes it.
        digest: of its manifest, sha256:<64 hex digits>.
        created: YYYY-MM-DDTHH:MM:SSZ, the image's own constant.
        platform: os/architecture[/variant].
        purl: its package URL.
        supplier: who publishes it, for people.
    """

    name: str
    digest: str
    created: str
    platform: str
    purl: str
    supplier: str = TOOL


@dataclasses.dataclass(frozen=True)
class Bill:
    """A bill of materials: the image, its parts by key, the texts of licences without an SPDX id.

    `texts` maps each `LicenseRef-…` that some component's expression uses to (name, text).
    """

    subject: Subject
    components: tuple[Component, ...]
    texts: Mapping[str, tuple[str, str]]


def purl(
    kind: str,
    namespace: str,
    name: str,
    version: str,
    qualifiers: Mapping[str, str] | None = None,
) -> str:
    """Return a package URL; qualifiers without a value are left out."""
    parts = [kind, *([namespace] if namespace else []), name]
    path = "/".join([parts[0], *(quote(part, safe="") for part in parts[1:])])
    pairs = sorted((key, value) for key, value in (qualifiers or {}).items() if value)
    query = "&".join(f"{key}={quote(value, safe=':/')}" for key, value in pairs)
    return f"pkg:{path}@{quote(version, safe=':')}" + (f"?{query}" if query else "")


def identifier(text: str) -> str:
    """Return `text` with only what an SPDX identifier may have: letters, digits, `.` and `-`."""
    return re.sub(r"[^A-Za-z0-9.-]+", "-", text).strip("-")
