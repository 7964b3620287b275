"""The few shell commands whose arguments are read out of maintainer scripts."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass

from tools.rootfs.rootfs_error import RootfsError


@dataclass(frozen=True, slots=True)
class Alternative:
    """One ``update-alternatives --install`` call.

    Attributes:
        link: the generic name, such as ``/usr/bin/awk``.
        name: the name of the group, such as ``awk``.
        path: what is offered for it, such as ``/usr/bin/mawk``.
        priority: the highest one wins in automatic mode.
        slaves: (link, name, path) of what follows the master.
    """

    link: str
    name: str
    path: str
    priority: int
    slaves: tuple[tuple[str, str, str], ...]


def alternatives_in(script: str, where: str) -> list[Alternative]:
    """Every ``update-alternatives --install`` of a script.

    Arguments must be literal: a call whose arguments come from shell variables is an error, as is
    one with options that aren't known. `where` names the script in messages.
    """
    joined = script.replace("\\\n", " ")
    found: list[Alternative] = []
    for line in joined.split("\n"):
        match = re.search(r"\bupdate-alternatives(?:\s+--quiet)?\s+(--install\s.*)$", line)
        if match is None or line.lstrip().startswith("#"):
            continue
        command = re.split(r"\|\||&&|[;>]", match[1])[0]
        words = shlex.split(command, comments=True)
        if len(words) < 5 or "$" in command or "`" in command:
            raise _unreadable(where, line)
        _, link, name, path, priority, *rest = words
        slaves: list[tuple[str, str, str]] = []
        while rest:
            option, *rest = rest
            if option != "--slave" or len(rest) < 3:
                raise _unreadable(where, line)
            slaves.append((rest[0], rest[1], rest[2]))
            rest = rest[3:]
        try:
            found.append(Alternative(link, name, path, int(priority), tuple(slaves)))
        except ValueError:
            raise _unreadable(where, line) from None
    return found


def _unreadable(where: str, line: str) -> RootfsError:
    return RootfsError(
        where,
        f"can't tell what this call does: {line.strip()!r}",
        "Teach tools/rootfs/debian/shell.py to read it, or give the script an effect of its own.",
    )


_HEREDOC = re.compile(
    r"""^[ \t]*cat\s*>\s*"?(?:\$DPKG_ROOT)?(?P<path>/[\w./-]+)"?\s*"""
    r"<<(?P<dash>-?)'?(?P<end>\w+)'?\n"
    r"(?P<text>.*?)^(?P<lead>\t*)(?P=end)$",
    re.MULTILINE | re.DOTALL,
)


def heredocs_in(script: str) -> dict[str, str]:
    """Files written by ``cat > FILE <<END`` with a literal path, by that path.

    Texts must be literal too: parameter or command substitution isn't carried out.
    """
    found: dict[str, str] = {}
    for match in _HEREDOC.finditer(script):
        text = match["text"]
        if match["dash"]:
            text = re.sub(r"^\t+", "", text, flags=re.MULTILINE)
        found[match["path"]] = text
    return found
