"""What is in an image on Windows besides CPython and Python packages: the base, libraries' DLLs.

The base image is in no layout. Its manifest's digest, and those of its layers, are what the image's
own manifest says; the version of Windows is in its configuration. The DLLs of the libraries that
python.org's build comes with tell their versions themselves.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from tools.attestations.sbom.bundled import EXTERNAL
from tools.attestations.sbom.image_files import ImageFiles
from tools.attestations.sbom.model import BASE_LAYER, Component, purl
from tools.attestations.sbom.sbom_error import SbomError
from tools.oci.annotations import BASE_DIGEST
from tools.oci.assembler.spec import BASE_NAME

_SUPPLIER: Final = "Microsoft"
_PYTHON: Final = "Files/Python/"


@dataclass(frozen=True)
class Library:
    """A library by its DLL: `file` is a pattern of its name, `cpe` is vendor:product."""

    name: str
    file: str
    license: str
    supplier: str
    cpe: str = ""


# The DLLs of python.org's build.
_LIBRARIES: Final = (
    Library("openssl", r"libcrypto-3.*\.dll", "Apache-2.0", "OpenSSL", "openssl:openssl"),
    Library("sqlite", r"sqlite3\.dll", "blessing", "SQLite", "sqlite:sqlite"),
    Library("tcl", r"tcl\d+t?\.dll", "TCL", "Tcl Core Team", "tcl_tk:tcl_tk"),
    Library("tk", r"tk\d+t?\.dll|tcl9tk\d+t?\.dll", "TCL", "Tcl Core Team", "tcl_tk:tcl_tk"),
    Library("zlib", r"zlib1\.dll", "Zlib", "zlib", "zlib:zlib"),
    Library("libffi", r"libffi-\d+\.dll", "MIT", "libffi", "libffi_project:libffi"),
    Library("vcruntime", r"vcruntime140\.dll", "", _SUPPLIER),
)
# Licences of what it may link statically; CPython's own bill declares none.
_STATIC_LICENSES: Final = {
    "bzip2": "bzip2-1.0.6",
    "mpdecimal": "BSD-2-Clause",
    "xz": "0BSD",
    "zlib": "Zlib",
    "zlib-ng": "Zlib",
    "zstd": "BSD-3-Clause",
}


def on_windows(files: ImageFiles) -> bool:
    """Whether an image is one on Windows."""
    return files.platform.startswith("windows/")


def file_version(data: bytes) -> str:
    """The product's version that a program's or DLL's resources tell; empty where they don't."""
    found = re.search(
        "ProductVersion\0".encode("utf-16-le") + rb"(?:\0\0){0,2}((?:[0-9.,]\0)+)\0\0", data
    )
    return found[1].decode("utf-16-le").replace(",", ".") if found else ""


def base(files: ImageFiles) -> list[Component]:
    """The base image, Windows in it, and its layers, each by its digest."""
    name = files.annotations.get(BASE_NAME, "")
    digest = files.annotations.get(BASE_DIGEST, "")
    version = str(files.config.get("os.version", ""))
    if not name or not digest or not version:
        raise SbomError(
            files.digest,
            f"doesn't say what it lies on: {BASE_NAME}, {BASE_DIGEST} and os.version",
            "Give an image that windows_image makes.",
        )
    repository, _, tag = name.rpartition(":")
    title = posixpath.basename(repository)
    parts = [
        Component(
            key="base",
            name=name,
            version=digest,
            kind="container",
            purl=purl("oci", "", title, digest, {"arch": files.config["architecture"], "tag": tag}),
            supplier=_SUPPLIER,
            sha256=digest.removeprefix("sha256:"),
        ),
        Component(
            key="os",
            name="Windows Server Core",
            version=version,
            kind="operating-system",
            supplier=_SUPPLIER,
            parent="base",
        ),
    ]
    layers = files.base_layers
    for number, entry in enumerate(layers, 1):
        parts.append(
            Component(
                key=f"{BASE_LAYER}{number}",
                name=f"{name} layer {number} of {len(layers)}",
                version=entry["digest"],
                kind="data",
                supplier=_SUPPLIER,
                sha256=entry["digest"].removeprefix("sha256:"),
                url=(entry.get("urls") or [""])[0],
                parent="base",
            )
        )
    return parts


def _cpe(library: Library, version: str) -> str:
    return f"cpe:2.3:a:{library.cpe}:{version}:*:*:*:*:*:*:*" if library.cpe and version else ""


def _version(data: bytes) -> str:
    version = file_version(data)
    # The fourth number is the packager's: SQLite's is always 0, and no release has it.
    return version.removesuffix(".0") if version.count(".") == 3 else version


def libraries(files: ImageFiles, bundled: Sequence[Mapping[str, str]]) -> list[Component]:
    """The libraries of python.org's build, by their DLLs; then those it links statically.

    Args:
        files: the image's.
        bundled: what bundled.py found in CPython's source; empty where that isn't known. A DLL's
            own version goes before the one that the source names.
    """
    external = {library["name"]: library for library in bundled if EXTERNAL in library}
    dlls = {
        path: data
        for path, data in sorted(files.contents.items())
        if path.startswith(_PYTHON) and path.lower().endswith(".dll")
    }
    found: list[Component] = []
    for library in _LIBRARIES:
        named = re.compile(library.file)
        paths = [path for path in dlls if named.fullmatch(posixpath.basename(path).lower())]
        told = external.pop(library.name, {})
        if not paths:
            continue
        version = _version(dlls[paths[0]]) or told.get("version", "")
        found.append(
            Component(
                key=f"cpython/{library.name}",
                name=library.name,
                # Where nothing tells it, the digest tells the DLL from any other.
                version=version or f"sha256:{files.hashes[paths[0]]}",
                kind="library",
                purl=purl("generic", "", library.name, version) if version else "",
                cpe=_cpe(library, version),
                license=library.license,
                supplier=library.supplier,
                sha256=files.hashes[paths[0]],
                file=posixpath.basename(paths[0]),
                parent="cpython",
                paths=tuple(paths),
            )
        )
    inside = {library["name"] for library in bundled if EXTERNAL not in library}
    return found + [
        Component(
            key=f"cpython/{name}",
            name=name,
            version=library["version"],
            kind="library",
            purl=purl("generic", "", name, library["version"]),
            cpe=library["cpe"],
            license=_STATIC_LICENSES.get(name, ""),
            parent="cpython",
        )
        for name, library in sorted(external.items())
        if name not in inside
    ]
