"""The one error the root file system program raises for bad input."""

from __future__ import annotations


class RootfsError(Exception):
    """What is wrong, with the value, and what to do about it, in one message."""

    def __init__(self, subject: str, problem: str, remedy: str) -> None:
        """`subject` names the file, package or path; `remedy` is an imperative sentence."""
        self.subject = subject
        self.problem = problem
        self.remedy = remedy
        super().__init__(f"{subject}: {problem}\n  {remedy}")
