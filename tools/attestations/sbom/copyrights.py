"""Debian copyright files: the licence expression of a package, where a machine can read it."""

from __future__ import annotations

import logging
from typing import cast

from debian import copyright as dep5

from tools.attestations.sbom import licenses

# python-debian warns of what isn't quite DEP-5, each time; what can't be read is left out anyway.
logging.getLogger("debian.copyright").setLevel(logging.ERROR)


def expression(text: str, package: str, texts: licenses.Texts) -> str:
    """Return the SPDX expression of all licences in a package's copyright file.

    Empty where the file isn't in the machine-readable format (DEP-5), or not well enough.

    Args:
        text: the file's content.
        package: the package, for the text of a licence whose own text the file doesn't give.
        texts: takes the licences that have no SPDX id.
    """
    try:
        parsed = dep5.Copyright(text.splitlines(keepends=True), strict=False)
        declared = [_license(files) for files in parsed.all_files_paragraphs()]
        standing = [_license(part) for part in parsed.all_license_paragraphs()]
    except (dep5.NotMachineReadableError, ValueError, TypeError, KeyError):
        return ""
    text_of = {name: text for name, text in [*declared, *standing] if name and text}
    where = f"See /usr/share/doc/{package}/copyright in the image."
    synopses = sorted({name for name, _ in declared})
    if not synopses or "" in synopses:
        # A paragraph without a licence: the rest would be half of the truth.
        return ""
    every = {
        clause
        for synopsis in synopses
        for clause in licenses.clauses(synopsis, text_of, texts, where)
    }
    return licenses.conjunction(sorted(every))


def _license(part: dep5.FilesParagraph | dep5.LicenseParagraph) -> tuple[str, str]:
    """Return (synopsis, text) of a paragraph's licence, either of them may be empty."""
    declared = cast("dep5.License | None", part.license)
    return (declared.synopsis or "", declared.text or "") if declared else ("", "")
