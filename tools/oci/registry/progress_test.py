"""What a push tells, on a terminal and elsewhere."""

from __future__ import annotations

import io

from tools.oci.registry.progress import Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_has_a_bar() -> None:
    out = Terminal()
    progress = Progress(out)
    progress.expect(4_000_000)
    progress.advance(1_000_000)
    progress.line("pushed x")
    assert "pushed x\n" in out.getvalue()
    assert out.getvalue().endswith("[########                      ] 1.0 MB of 4.0 MB")
    progress.close()
    assert out.getvalue().endswith("\r\x1b[K")


def test_elsewhere_there_are_only_lines() -> None:
    out = io.StringIO()
    progress = Progress(out)
    progress.expect(10)
    progress.advance(10)
    progress.line("pushed x")
    progress.close()
    assert out.getvalue() == "pushed x\n"
