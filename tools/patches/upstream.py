"""Whether a release has what a patch of an earlier one does: what an update asks.

When a row of catalog/versions.yaml gets another release, its patches don't come along. `state` says
of each what became of it in the new release's source.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from tools.patches import archive, unified
from tools.patches.unified import Change, PatchError

# contained: the release has the patch's lines. applies: it has the old ones, so it still needs the
# patch. unclear: neither; a person has to look.
State = Literal["contained", "applies", "unclear"]

# News entries are merged into one file at each release, and tests aren't what is fixed.
_BESIDES = ("Misc/", "Doc/", "Lib/test/")


def _changes(data: bytes) -> list[Change]:
    """What of a patch tells whether a source has it."""
    changes = unified.parse(data)
    telling = [change for change in changes if not change.path.startswith(_BESIDES)]
    return telling or changes


def _fits(change: Change, content: bytes | None) -> bool:
    try:
        unified.apply(change, content)
    except PatchError:
        return False
    return True


def _is_in(change: Change, content: bytes | None) -> bool:
    if change.kind == "delete":
        return content is None
    if change.kind == "create":
        return content == b"".join(change.hunks[0].new)
    return content is not None and _fits(unified.undo(change), content)


def state(patch: bytes, source: Path) -> State:
    """What has become of a patch in a release.

    Args:
        patch: its content; one that the catalog has, so it can be read.
        source: the release's source archive.
    """
    changes = _changes(patch)
    files = archive.read(source, {change.path for change in changes})
    if all(_is_in(change, files.get(change.path)) for change in changes):
        return "contained"
    if all(_fits(change, files.get(change.path)) for change in changes):
        return "applies"
    return "unclear"
