"""How releases are patched: the keys of a row of versions.yaml, and files of other workspaces.

    - version: 3.13.15
      …
      revision: 1
      revised: 2026-11-25
      patches:
        - file: patches/3.13.15/CVE-2026-1234.patch
          sha256: …
          fixes: [CVE-2026-1234]
          origin: https://github.com/python/cpython/commit/…

Patches lie beside the file that lists them, below `patches`. They are read here, so that one which
is missing, changed or no patch is an error of the row; whether it fits is seen when it is applied.
"""

from __future__ import annotations

import dataclasses
import datetime
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Final

from tools.catalog import shape, yamlfile
from tools.catalog.model import REVISIONS, Patch, Revision, Version
from tools.catalog.yamlfile import Mapping, Value
from tools.patches import unified

FOLDER: Final = "patches"
_HOW: Final = "docs/patching.md has an example"


def read(row: Mapping, folder: Path, released: datetime.date, listed_in: str) -> Revision | None:
    """What a row says of patches; None where it says nothing.

    Args:
        row: a release's.
        folder: where the file with the row lies.
        released: the day of the release.
        listed_in: what that file is, see model.Revision.

    Raises:
        CatalogError: the keys don't go together, or a patch isn't what they say.
    """
    keys = {key: row.get(key) for key in ("patches", "revision", "revised")}
    patches, given = keys["patches"], [value for value in keys.values() if value is not None]
    if not given:
        return None
    if patches is None:
        raise given[0].error("stands for patches, and there are none", f"add patches: {_HOW}")
    number = row.need("revision", "number this set of patches: revision: 1")
    day = row.need("revised", "add the day the patches were chosen: revised: YYYY-MM-DD")
    if day.date() < released:
        raise day.error(
            f"{day.date()} is before the release, {released}", "write the day of the patches"
        )
    found: dict[str, Patch] = {}
    for item in patches.sequence():
        patch = _patch(item, folder)
        if patch.file in found:
            raise item.error(f"{patch.file} is there twice", "remove one of them")
        found[patch.file] = patch
    return Revision(number.integer(), day.date(), tuple(found.values()), listed_in)


def _patch(value: Value, folder: Path) -> Patch:
    row = value.mapping()
    file, digest = row["file"], row["sha256"]
    fixes, origin = row.get("fixes"), row.get("origin")
    patch = Patch(
        file=file.name(),
        sha256=digest.name(),
        fixes=() if fixes is None else fixes.names(),
        origin="" if origin is None else origin.name(),
        folder=folder,
    )
    try:
        with (folder / patch.file).open("rb") as stream:
            data = stream.read(unified.MAX_BYTES + 1)
    except OSError as error:
        raise file.error(
            f"{patch.file} can't be read: {error.strerror}",
            f"put it beside {value.file.name}, or correct the name",
        ) from None
    actual = hashlib.sha256(data).hexdigest()
    if actual != patch.sha256:
        raise digest.error(
            f"{patch.file} has sha256 {actual}, not {patch.sha256}",
            "review the file, then write its sha256 and a new revision",
        )
    try:
        unified.parse(data)
    except unified.PatchError as error:
        raise file.error(f"{patch.file}:{error.line}: {error.problem}", error.remedy) from None
    return patch


def read_file(
    file: Path, release: Callable[[Value], object]
) -> Callable[[dict[str, Version]], dict[str, Version]]:
    """The revisions of another workspace's file, as a function that gives releases theirs.

    The file has a list `revisions` of the keys above, `version` first.

    Args:
        file: the file; its patches lie beside it.
        release: reads a release's number.

    Raises:
        CatalogError: the file is malformed. The function raises it for a release that isn't there,
            or whose patches in versions.yaml have the same number or a higher one.
    """
    top = shape.read("versions", file, part="revisions")
    rows = top["revisions"]
    read_rows: list[tuple[Value, Mapping, str]] = []
    for value in rows.sequence():
        row = value.mapping()
        number = row["version"]
        name = str(release(number))
        if name in {known for _, _, known in read_rows}:
            raise number.error(f"{name} is there twice", "keep one row")
        read_rows.append((number, row, name))

    def revised(versions: dict[str, Version]) -> dict[str, Version]:
        made = dict(versions)
        for number, row, name in read_rows:
            if name not in versions:
                raise number.error(
                    f"python_images has no {name}",
                    "remove the row if its successor has the fixes, else patch that: "
                    + yamlfile.near(name, sorted(versions)),
                )
            held = versions[name]
            revision = read(row, file.parent, held.released, REVISIONS)
            if revision is None:
                raise number.error(f"nothing is patched of {name}", f"add patches: {_HOW}")
            if revision.number <= held.serial:
                raise number.error(
                    f"python_images has revision {held.serial} of {name}",
                    f"take a higher number than {held.serial}; these patches replace its own",
                )
            for build, version in versions.items():
                if version.release.number == name:
                    made[build] = dataclasses.replace(version, revision=revision)
        return made

    return revised
