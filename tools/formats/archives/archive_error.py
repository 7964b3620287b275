"""The one error of what reads archives."""

from __future__ import annotations


class ArchiveError(Exception):
    """An archive that can't be used: says what is wrong, not in which file; callers add that."""
