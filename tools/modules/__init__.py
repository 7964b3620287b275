"""The Bazel modules that this repository names, against what the central registry has."""
