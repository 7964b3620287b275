"""Patches of CPython's source: reading them, applying them, and finding them upstream."""
