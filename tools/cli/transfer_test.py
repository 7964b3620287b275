"""What is shown of bytes on their way, on a terminal and elsewhere."""

from __future__ import annotations

import io

from tools.cli.transfer import Transfer


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_has_a_bar() -> None:
    out = Terminal()
    transfer = Transfer(out)
    transfer.expect(4_000_000)
    transfer.advance(1_000_000)
    transfer.line("pushed x")
    assert "pushed x\n" in out.getvalue()
    assert out.getvalue().endswith("[########                      ] 1.0 MB of 4.0 MB")
    transfer.close()
    assert out.getvalue().endswith("\r\x1b[K")


def test_elsewhere_there_are_only_lines() -> None:
    out = io.StringIO()
    transfer = Transfer(out)
    transfer.expect(10)
    transfer.advance(10)
    transfer.line("pushed x")
    transfer.close()
    assert out.getvalue() == "pushed x\n"


def test_a_terminal_has_the_number_where_nobody_tells_the_total() -> None:
    out = Terminal()
    transfer = Transfer(out)
    transfer.expect(0)
    assert out.getvalue() == ""
    transfer.advance(1_500_000)
    assert out.getvalue() == "\r\x1b[K1.5 MB"
