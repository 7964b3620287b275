"""A family as plain lines, for tests and for people comparing two of them.

One block per image, its directory first::

    3.14/trixie
      tags 3.14.6-trixie 3.14-trixie 3-trixie trixie
      shared 3.14.6 3.14 3 latest
      architectures amd64 arm32v5 ...
      commit 7914d06b...
      constraint windowsservercore-ltsc2025     # Windows only
      builder classic                           # where it isn't the family's

Missing lines are facts the image hasn't.
"""

from __future__ import annotations

from collections.abc import Iterable

from tools.catalog.family import Entry


def blocks(entries: Iterable[Entry]) -> str:
    """The entries' blocks, separated by empty lines."""
    made: list[str] = []
    for entry in entries:
        rows = [
            ("tags", " ".join(entry.tags)),
            ("shared", " ".join(entry.shared_tags)),
            ("architectures", " ".join(entry.architectures)),
            ("commit", entry.commit or ""),
            ("constraint", entry.constraint or ""),
            ("builder", entry.builder or ""),
        ]
        made.append(
            "\n".join([entry.directory, *(f"  {key} {text}" for key, text in rows if text)])
        )
    return "\n\n".join(made) + "\n"
