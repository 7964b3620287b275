"""What is wrong with what was given, in one message."""

from __future__ import annotations


class CvesError(Exception):
    """Data, a bill or a statement that can't be used, and what to do about it."""

    def __init__(self, subject: object, problem: str, remedy: str) -> None:
        """`subject` names the file or address; `remedy` is an imperative sentence."""
        super().__init__(f"{subject}: {problem}\n  {remedy}")
