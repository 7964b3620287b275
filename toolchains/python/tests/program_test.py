"""Check that a test, and a program it starts, run on the tool interpreter, not on PATH's."""

import json
import os
import subprocess
import sys
from pathlib import Path

from second import TWICE


def main() -> None:
    """Check this test's own surroundings, then those of the program."""
    assert TWICE == "hello hello"
    assert sys.argv[1] == os.environ["PROGRAM"], sys.argv
    assert "tool_python" in sys.executable, sys.executable
    assert not any("dist-packages" in folder for folder in sys.path), sys.path

    # No word of the program's arguments is read by a shell, and no python3 of PATH is used.
    arguments = ["two words", "$HOME", "*", ""]
    empty = Path(os.environ["TEST_TMPDIR"]) / "empty"
    empty.mkdir()
    result = subprocess.run(
        [Path(sys.argv[1]).absolute(), *arguments],
        env={"PATH": f"{empty}:/usr/bin:/bin"},
        cwd=empty,
        check=True,
        capture_output=True,
        text=True,
    )
    said = json.loads(result.stdout)
    assert said["argv"] == arguments, said
    assert said["twice"] == TWICE, said
    assert "tool_python" in said["executable"], said


if __name__ == "__main__":
    main()
