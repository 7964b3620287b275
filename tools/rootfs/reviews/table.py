"""Tables of reviewed scripts as text: where an entry goes, how it is written."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

# Commands that usually change a system.
_CHANGING = re.compile(
    r"\b(add(?:user|group)|group(?:add|mod)|user(?:add|mod)|dpkg-(?:divert|statoverride|trigger)"
    r"|update-[a-z.-]+|pam-auth-update|ucfr?|py3compile|shadowconfig|chown|chmod|ch(?:grp|sh)"
    r"|mkdir|mknod|ln|cp|mv|rm|install|touch|tee|setcap|cat\s*>|systemctl|db_(?:set|input|go))\b"
)
_ENTRY = re.compile(r'\[\["?(?P<package>[^"\]]+?)"?\.(?P<script>[a-z-]+)\]\]')


def changing(text: str) -> list[str]:
    """The commands in a script that usually change a system, sorted."""
    return sorted({" ".join(found.split()) for found in _CHANGING.findall(text)})


def entry(
    package: str, script: str, sha256: str, effects: Sequence[str], why: str, more: str = ""
) -> str:
    """A table's entry for a script; `more` is what stands before the reason, whole lines."""
    key = package if re.fullmatch(r"[\w-]+", package) else f'"{package}"'
    return (
        f"[[{key}.{script}]]\n"
        f'sha256 = "{sha256}"\n'
        f"effects = {json.dumps(list(effects))}\n"
        f"{more}"
        f"why = {json.dumps(why, ensure_ascii=False)}\n"
    )


def inserted(table: str, package: str, script: str, made: str) -> str:
    """The text of a table with an entry more, sorted by package and script."""
    blocks = re.split(r"^(?=\[\[)", table, flags=re.MULTILINE)
    head, entries = blocks[0], blocks[1:]
    at = 0
    for number, block in enumerate(entries, 1):
        match = _ENTRY.match(block)
        if match and (match["package"], match["script"]) <= (package, script):
            at = number
    parts = [part.strip("\n") for part in (head, *entries[:at], made, *entries[at:])]
    return "\n\n".join(part for part in parts if part) + "\n"
