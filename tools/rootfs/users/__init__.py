"""Adds users to root file systems."""
