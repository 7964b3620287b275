import io
import re

from tools.cli.progress import Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_plain_lines_without_terminal() -> None:
    stream = io.StringIO()
    progress = Progress(stream, ["a", "long"])
    progress.show("a", "working")
    progress.show("long", "ready", final=True)
    first, second = stream.getvalue().splitlines()
    assert first == "a     working"
    assert re.fullmatch(r"long  ready \(\d+\.\d s\)", second)


def test_terminal_redraws_in_place() -> None:
    stream = Terminal()
    progress = Progress(stream, ["a", "b"])
    progress.show("a", "one")
    progress.show("b", "two")
    drawn = stream.getvalue()
    assert drawn == "a  one\x1b[K\nb  waiting\x1b[K\n\x1b[2Fa  one\x1b[K\nb  two\x1b[K\n"
