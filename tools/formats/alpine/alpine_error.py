"""The one error for whatever Alpine's files have wrong."""

from __future__ import annotations


class AlpineError(Exception):
    """A package, an index or a signature that can't be used.

    Attributes:
        subject: the file, package or line at fault.
        why: what is wrong with it, with the offending value.
    """

    def __init__(self, subject: object, why: str) -> None:
        super().__init__(f"{subject}: {why}")
        self.subject = str(subject)
        self.why = why
