"""Run pytest on the test files given as arguments, the way `bazel test` expects."""

import os
import sys
import tempfile

import pytest


def main() -> int:
    """Return pytest's exit status; a run that collected no test is a failure."""
    arguments = ["-q", "-p", "no:cacheprovider", "--import-mode=importlib", "-rs"]
    if report := os.environ.get("XML_OUTPUT_FILE"):
        arguments.append(f"--junitxml={report}")
    if pattern := os.environ.get("TESTBRIDGE_TEST_ONLY"):
        arguments += ["-k", pattern]
    # Hypothesis keeps its examples in the working folder otherwise, which is not ours to write.
    os.environ["HYPOTHESIS_STORAGE_DIRECTORY"] = tempfile.mkdtemp(dir=os.environ.get("TEST_TMPDIR"))
    return int(pytest.main(arguments + sys.argv[1:]))


if __name__ == "__main__":
    sys.exit(main())
