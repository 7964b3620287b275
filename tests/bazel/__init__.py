"""Tests of which Bazels this repository builds with."""
