"""What programs say of themselves: started by `--help`, as `bazel run` would start them."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

# By label, as people type it: the program, and what Bazel adds to it.
PROGRAMS: dict[str, list[str]] = json.loads(os.environ["PROGRAMS"])
# Rules give these to programs; nobody types them.
_GIVEN = re.compile(
    r"--(?:buildifier|lock-name|pip|plan|repository-file|ruff|selection|tags-file)\b"
)


def typed(label: str) -> str:
    """The label in its shortest form: //bench for //bench:bench."""
    package, _, name = label.partition(":")
    return package if package.rpartition("/")[2] == name else label


@pytest.mark.parametrize("label", PROGRAMS)
def test_help_names_the_command(label: str) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    program, *arguments = PROGRAMS[label]
    done = subprocess.run(
        [str(Path(program).absolute()), *arguments, "--help"],
        env={**environment, "RUNFILES_DIR": os.environ["TEST_SRCDIR"], "COLUMNS": "80"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    command = f"./bazelw run {typed(label)} --"
    assert done.stdout.startswith(f"usage: {command} "), done.stdout[:200]
    assert ".py" not in done.stdout.split("\n\n")[0]
    assert not _GIVEN.search(done.stdout), _GIVEN.findall(done.stdout)
