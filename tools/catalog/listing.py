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


def facts(entry: Entry) -> dict[str, object]:
    """What there is to say of an image, for programs; facts it hasn't are left out."""
    facts: dict[str, object] = {
        "name": entry.name,
        "release": entry.release.name,
        "variant": entry.variant,
        "tags": list(entry.tags),
        "shared_tags": list(entry.shared_tags),
        "architectures": list(entry.architectures),
    }
    windows = entry.constraint is not None
    optional = {
        "directory": entry.directory,
        "commit": entry.commit,
        "constraint": entry.constraint,
        "sha256": entry.release.windows_sha256 if windows else entry.release.sha256,
    }
    return facts | {key: value for key, value in optional.items() if value}
