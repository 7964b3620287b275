"""The one error the programs of this folder raise for bad input."""

from __future__ import annotations


class SbomError(Exception):
    """One message: what is wrong, with the value, and what to do about it."""

    def __init__(self, subject: object, problem: str, remedy: str) -> None:
        """`subject` names the file or package; `remedy` is an imperative sentence."""
        super().__init__(f"{subject}: {problem}\n  {remedy}")
