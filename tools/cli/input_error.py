"""The error for a file that a person wrote, or a command line."""

from __future__ import annotations

from pathlib import Path


class InputError(Exception):
    """A fault in a file, told in one message a person can act on.

    Attributes:
        file: the file at fault.
        line: 1-based line, or None when the fault is the file as a whole.
        key: dotted path of the value inside the file, such as ``versions[0].sha256``.
        problem: what is wrong, with the offending value.
        remedy: what to do about it.
    """

    def __init__(
        self, file: Path | str, line: int | None, key: str, problem: str, remedy: str
    ) -> None:
        self.file = str(file)
        self.line = line
        self.key = key
        self.problem = problem
        self.remedy = remedy
        place = self.file if line is None else f"{self.file}:{line}"
        where = f"{place}: {key}" if key else place
        super().__init__(f"{where}: {problem}; {remedy}")
