"""What the engine's process tells the runner: notes in memory that only these two have.

The image has no way to it: it is no file with a name, and no command of the image gets its
descriptor. So what is noted here can be trusted, unlike any text in a test's output.
"""

import json
import os
import secrets
from dataclasses import dataclass, field


@dataclass
class Notes:
    """All that was noted: why the engine could not serve, its own faults, skips and remarks."""

    failed: str | None = None
    faults: list[str] = field(default_factory=list)
    skips: dict[str, str] = field(default_factory=dict)  # token -> reason
    remarks: list[str] = field(default_factory=list)  # each once


class Channel:
    """Made before the engine's process is forked; it writes, the runner reads."""

    def __init__(self) -> None:
        self._file = os.memfd_create("notes")

    def _note(self, kind: str, text: str, **more: str) -> None:
        line = json.dumps({"kind": kind, "text": text, **more}) + "\n"
        raw = line.encode()
        while raw:
            raw = raw[os.write(self._file, raw) :]

    def fail(self, reason: str) -> None:
        """The image can't be served at all."""
        self._note("failed", reason)

    def fault(self, text: str) -> None:
        """The engine itself went wrong, so that no result counts."""
        self._note("fault", text)

    def remark(self, text: str) -> None:
        """What a reader of the log has to know."""
        self._note("remark", text)

    def skip(self, reason: str) -> str:
        """A request can't be met on this host; the answer is a token that nobody can guess.

        An error that has the token in it is this skip, and no other error is one.
        """
        token = secrets.token_hex(16)
        self._note("skip", reason, token=token)
        return token

    def read(self) -> Notes:
        """What has been noted so far."""
        raw = os.pread(self._file, os.fstat(self._file).st_size, 0)
        notes = Notes()
        for line in raw.decode().splitlines():
            note = json.loads(line)
            if note["kind"] == "failed":
                notes.failed = note["text"]
            elif note["kind"] == "fault":
                notes.faults.append(note["text"])
            elif note["kind"] == "remark":
                if note["text"] not in notes.remarks:
                    notes.remarks.append(note["text"])
            else:
                notes.skips[note["token"]] = note["text"]
        return notes

    def close(self) -> None:
        """Forget the notes."""
        os.close(self._file)
