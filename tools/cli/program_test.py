"""A program ends with its status, or one line."""

from __future__ import annotations

import pytest

from tools.cli import program


class FaultError(Exception):
    """One that is expected."""


def ended(work: Exception | type[BaseException] | int) -> int:
    def run() -> int:
        if isinstance(work, int):
            return work
        raise work

    return program.run(run, "push", (FaultError,), "pushing again goes on from here")


@pytest.mark.parametrize(
    ("work", "status", "said"),
    [
        (0, 0, ""),
        (3, 3, ""),
        (FaultError("no such\nthing\x1b[2J"), 1, r"push: no such\x0athing\x1b[2J"),
        (OSError(28, "No space left on device"), 1, "push: [Errno 28] No space left on device"),
        (KeyboardInterrupt, 130, "push: interrupted; pushing again goes on from here"),
    ],
)
def test_how_it_ends(
    capsys: pytest.CaptureFixture[str],
    work: Exception | type[BaseException] | int,
    status: int,
    said: str,
) -> None:
    assert ended(work) == status
    assert capsys.readouterr() == ("", f"{said}\n" if said else "")


def test_what_nobody_expects_is_no_one_liner() -> None:
    with pytest.raises(ZeroDivisionError):
        ended(ZeroDivisionError())
