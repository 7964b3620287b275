"""Run pytest on the test files given as arguments, the way `bazel test` expects.

`--test_env=WITHOUT_PROGRAMS="skopeo umoci"` names programs of the machine that the tests are not to
find, which shows what they do on a machine that hasn't them.
"""

import os
import signal
import sys
import tempfile
from pathlib import Path

import pytest

from tools.testing.programs import without


class _SlowMachines:
    """A plugin of pytest: how fast this machine is at the moment is not what tests are about."""

    def pytest_configure(self) -> None:
        # Imported here, after pytest's own preparations for it.
        from hypothesis import HealthCheck, settings

        slow = [HealthCheck.too_slow]
        settings.register_profile("slow machines", deadline=None, suppress_health_check=slow)
        settings.load_profile("slow machines")


def main() -> int:
    """Return pytest's exit status; a run that collected no test is a failure."""
    arguments = ["-q", "-p", "no:cacheprovider", "--import-mode=importlib", "-rs"]
    if report := os.environ.get("XML_OUTPUT_FILE"):
        arguments.append(f"--junitxml={report}")
    if pattern := os.environ.get("TESTBRIDGE_TEST_ONLY"):
        arguments += ["-k", pattern]
    # A background job of a shell ignores Ctrl-C, and so would all that tests start from there.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    scratch = Path(tempfile.mkdtemp(dir=os.environ.get("TEST_TMPDIR")))
    # Hypothesis keeps its examples in the working folder otherwise, which is not ours to write.
    os.environ["HYPOTHESIS_STORAGE_DIRECTORY"] = str(scratch)
    if names := os.environ.get("WITHOUT_PROGRAMS", "").split():
        os.environ["PATH"] = without(names, os.environ["PATH"], scratch)
    return int(pytest.main(arguments + sys.argv[1:], plugins=[_SlowMachines()]))


if __name__ == "__main__":
    sys.exit(main())
