"""Says a word that another wheel brings."""

import importlib.resources


def main() -> None:
    """Say it."""
    print(importlib.resources.files("words").joinpath("hello.txt").read_text(encoding="utf-8"))
