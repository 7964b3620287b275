"""Keeping the catalog current: new releases of CPython and Debian, and ends of support."""
