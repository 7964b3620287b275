"""The documentation of the public rules, made from what Bazel extracts."""
