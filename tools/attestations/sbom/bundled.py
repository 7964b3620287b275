"""The libraries that CPython's source carries copies of, read from its source archive.

    python -m tools.attestations.sbom.bundled --source Python-3.13.15.tar.xz --out bundled.json

The versions come from the copies' own headers; where the source has a bill of materials of its own
(Misc/sbom.spdx.json, since 3.12), the two have to agree. What python.org's build for Windows takes
from elsewhere is in a second one, Misc/externals.spdx.json. Which of them an image has is decided
when that image's bill is made: CPython can be told to use the system's instead.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import re
import sys
import tarfile
from pathlib import Path
from typing import Final

from tools.attestations.sbom.sbom_error import SbomError

_OWN_BILL: Final = "Misc/sbom.spdx.json"
_EXTERNALS: Final = "Misc/externals.spdx.json"
# The key that only those have, for images on Windows.
EXTERNAL: Final = "external"


@dataclasses.dataclass(frozen=True)
class Library:
    """A bundled library: where its version stands, and what is known of it.

    `pattern` has a group for each part of the version, and is empty where only CPython's own bill
    has the version; `own_name` is what CPython's own bill calls
    the library.
    """

    name: str
    file: str
    pattern: str
    license: str
    cpe: str
    own_name: str


_LIBRARIES: Final = (
    Library(
        "expat",
        "Modules/expat/expat.h",
        r"XML_MAJOR_VERSION (\d+).*?XML_MINOR_VERSION (\d+).*?XML_MICRO_VERSION (\d+)",
        "MIT",
        "libexpat_project:libexpat",
        "expat",
    ),
    Library(
        "mpdecimal",
        "Modules/_decimal/libmpdec/mpdecimal.h",
        r'define MPD_VERSION "(\d+)\.(\d+)\.(\d+)"',
        "BSD-2-Clause",
        "bytereef:mpdecimal",
        "mpdecimal",
    ),
    Library(
        "hacl-star",
        "Modules/_hacl/refresh.sh",
        r"(?m)^expected_hacl_star_rev=([0-9a-f]{40})$",
        # The generated C code; what it is generated from is Apache-2.0.
        "MIT",
        "",
        "hacl-star",
    ),
    Library(
        "libb2",
        "Modules/_blake2/impl/blake2.h",
        "",
        "CC0-1.0",
        "blake2:libb2",
        "libb2",
    ),
    Library(
        "mimalloc",
        "Include/internal/mimalloc/mimalloc.h",
        r"define MI_MALLOC_VERSION (\d)(\d)(\d)\b",
        "MIT",
        "",
        "mimalloc",
    ),
)


def read(source: Path) -> list[dict[str, str]]:
    """Return the libraries a source archive bundles: name, version, license, cpe.

    After them, with the further key EXTERNAL, those that are built with it for Windows.

    The version is empty where the source doesn't say it. SbomError for a source whose headers and
    whose own bill disagree, and where a header doesn't say its version as it used to.
    """
    wanted = {library.file for library in _LIBRARIES} | {_OWN_BILL, _EXTERNALS}
    texts: dict[str, str] = {}
    with tarfile.open(source) as archive:
        for member in archive:
            name = member.name.partition("/")[2]
            if name in wanted and (file := archive.extractfile(member)):
                texts[name] = file.read().decode()
    own = {}
    if _OWN_BILL in texts:
        own = {p["name"]: p["versionInfo"] for p in json.loads(texts[_OWN_BILL])["packages"]}
    return [
        {
            "name": library.name,
            "version": (version := _version(source, library, texts[library.file], own)),
            "license": library.license,
            "cpe": f"cpe:2.3:a:{library.cpe}:{version}:*:*:*:*:*:*:*"
            if library.cpe and version
            else "",
        }
        for library in _LIBRARIES
        if library.file in texts
    ] + _externals(texts.get(_EXTERNALS, '{"packages": []}'))


def _externals(text: str) -> list[dict[str, str]]:
    """The libraries in CPython's bill of externals, which declares no licences."""
    return [
        {
            "name": package["name"],
            "version": package["versionInfo"],
            "license": "",
            "cpe": next(
                (
                    reference["referenceLocator"]
                    for reference in package.get("externalRefs", [])
                    if reference["referenceType"] == "cpe23Type"
                ),
                "",
            ),
            EXTERNAL: "windows",
        }
        for package in json.loads(text)["packages"]
    ]


def _version(source: Path, library: Library, text: str, own: dict[str, str]) -> str:
    said = own.get(library.own_name, "")
    if not library.pattern:
        return said
    found = re.search(library.pattern, text, re.DOTALL)
    if not found:
        raise SbomError(
            f"{source}: {library.file}",
            f"doesn't say the version of {library.name} as it used to",
            "Mend the pattern in tools/attestations/sbom/bundled.py.",
        )
    version = ".".join(found.groups())
    if said and said != version:
        raise SbomError(
            f"{source}: {library.file}",
            f"is of {library.name} {version}, but {_OWN_BILL} says {said}",
            "Find out which is right; tools/attestations/sbom/bundled.py takes it.",
        )
    return version


def main(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit status."""
    parser = argparse.ArgumentParser(description="List the libraries CPython's source bundles.")
    parser.add_argument("--source", type=Path, required=True, help="CPython's source archive")
    parser.add_argument("--out", type=Path, required=True, help="JSON file to write")
    options = parser.parse_args(arguments)
    try:
        libraries = read(options.source)
    except SbomError as error:
        print(f"bundled: {error}", file=sys.stderr)
        return 2
    options.out.write_text(json.dumps(libraries, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
