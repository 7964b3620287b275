"""A library with a file."""

from pathlib import Path

WORD = (Path(__file__).parent / "first.txt").read_text(encoding="utf-8").strip()
