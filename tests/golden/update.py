"""Writes the golden listings anew.

    ./bazelw run //tests/golden:update

Look at the difference before committing it: it is what the change does to the images.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.golden.golden import condense, summarise

_FORMS = ("--golden", "--summary")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program. Arguments: a golden file's path and its listings' paths, for each."""
    parser = argparse.ArgumentParser(
        prog="./bazelw run //tests/golden:update --", description="Write the golden listings anew."
    )
    for option in _FORMS:
        parser.add_argument(option, nargs="+", action="append", default=[], help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    top = os.environ.get("BUILD_WORKSPACE_DIRECTORY")
    if top is None:
        print("run it with Bazel: ./bazelw run //tests/golden:update", file=sys.stderr)
        return 2
    jobs = [(condense, *files) for files in options.golden]
    jobs += [(summarise, *files) for files in options.summary]
    for form, golden, *listings in jobs:
        text = "".join(form(Path(path).read_text("utf-8")) for path in listings)
        path = Path(top) / golden
        changed = not path.exists() or path.read_text("utf-8") != text
        path.write_text(text, "utf-8")
        print(f"{golden}: {'written' if changed else 'unchanged'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
