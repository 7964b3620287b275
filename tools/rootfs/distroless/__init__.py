"""Distroless root file systems: libraries, data and the package database, and no program."""
