"""A library that is imported from a folder of its own."""

from toolchains.python.tests.first import WORD

TWICE = f"{WORD} {WORD}"
