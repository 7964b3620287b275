"""Tests of hardened images."""
