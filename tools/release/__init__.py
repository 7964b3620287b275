"""Releases of this repository as a Bazel module: its version, and the archive people fetch."""
