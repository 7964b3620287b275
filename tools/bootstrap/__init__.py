"""What ./bazelw does: find or provision Bazel, then become it (see docs/bootstrap.md)."""
