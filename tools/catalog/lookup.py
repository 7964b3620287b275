"""Finds the images that a tag names."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from tools.catalog.catalog_error import CatalogError
from tools.catalog.family import Entry, Family


def find(family: Family, tag: str, more: Sequence[Entry] = ()) -> list[Entry]:
    """The images ``tag`` names: one, or for a shared tag several.

    ``more`` are images to choose from besides those that the family publishes.

    Raises:
        CatalogError: it names none; the message lists near ones.
    """
    entries = [*family.published(), *more]
    found = [entry for entry in entries if tag in (*entry.tags, *entry.shared_tags)]
    if not found:
        known = [name for entry in entries for name in (*entry.tags, *entry.shared_tags)]
        close = difflib.get_close_matches(tag, known, n=3, cutoff=0.6)
        remedy = (
            "did you mean " + " or ".join(close) + "?"
            if close
            else f"list them with ./bazelw run //tools:catalog -- list {family.name}"
        )
        raise CatalogError(
            f"catalog/families/{family.name}.yaml", None, "", f"unknown tag {tag!r}", remedy
        )
    return found
