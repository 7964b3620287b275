"""What Bazel's execution log says of each action that ran, or whose result a cache had."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Spawn:
    """One action: what it is, where its result came from, and the key caches know it by."""

    label: str
    mnemonic: str
    runner: str  # "remote cache hit", "linux-sandbox", "remote" ...
    key: str

    @property
    def cached(self) -> bool:
        """Whether it didn't run."""
        return self.runner in ("remote cache hit", "disk cache hit")


def read(file: Path) -> list[Spawn]:
    """Return the actions in a file of `--execution_log_json_file`."""
    return [
        Spawn(
            entry.get("targetLabel", ""),
            entry["mnemonic"],
            entry["runner"],
            entry.get("digest", {}).get("hash", ""),
        )
        for entry in _objects(file.read_text(encoding="utf-8"))
    ]


def _objects(text: str) -> Iterator[dict[str, Any]]:
    """The JSON objects in `text`, which has one after the other."""
    decoder = json.JSONDecoder()
    start = 0
    while (start := text.find("{", start)) >= 0:
        value, start = decoder.raw_decode(text, start)
        yield value
