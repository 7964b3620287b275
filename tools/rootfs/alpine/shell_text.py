"""What a shell runs of a script: its text without lines that are comments, and blank ones.

Reviews hold for that, so that a version in a comment asks for no new one. A line that begins with
`#` is a comment only if no text from above reaches into it. So this is for scripts each line of
which stands for itself. One with here-documents, quotes over several lines and the like is taken as
it is, and so is one for another interpreter than sh.
"""

from __future__ import annotations

import re

_SHELL = re.compile(r"#! ?/bin/(?:sh|ash|busybox a?sh)(?: -[a-z]+)?\n")
# What could make a line reach into the next, or isn't told apart here.
_UNCLEAR = re.compile(r"<<|\(\(|\$'|\r|\0|\\$|[\v\f\x85\u2028\u2029]")


def run_text(script: bytes) -> bytes:
    """The text that a review holds for: without comments, or as it is."""
    try:
        text = script.decode()
    except UnicodeDecodeError:
        return script
    shell = _SHELL.match(text)
    if shell is None:
        return script
    lines = [line for line in text[shell.end() :].split("\n") if line.strip(" \t")]
    code = [line for line in lines if not line.lstrip(" \t").startswith("#")]
    if not all(_stands_for_itself(line) for line in code):
        return script
    return (shell[0] + "".join(f"{line}\n" for line in code)).encode()


def _stands_for_itself(line: str) -> bool:
    """Whether quotes, substitutions and expansions that begin in a line end in it."""
    if _UNCLEAR.search(line) or line.count("`") % 2:
        return False
    closed = all(
        _closes(line[match.end() :], match[1], {"(": ")", "{": "}"}[match[1]])
        for match in re.finditer(r"\$([({])", line)
    )
    return closed and not _open_quote(line)


def _closes(rest: str, opening: str, closing: str) -> bool:
    """Whether a substitution or expansion ends in the rest of its line."""
    depth = 1
    for char in rest:
        # In an expansion a quoted brace ends nothing, and what follows is no code.
        if closing == "}" and char in "'\"\\`":
            return False
        depth += (char == opening) - (char == closing)
        if depth == 0:
            return True
    return False


def _open_quote(line: str) -> str:
    """The quote in which the line ends, if it does."""
    quote = ""
    at = 0
    while at < len(line):
        char = line[at]
        if char == "\\" and quote != "'":
            at += 1
        elif quote:
            quote = "" if char == quote else quote
        elif char in "'\"":
            quote = char
        at += 1
    return quote
