"""Read a prebuilt.json for the module extension: print it with this module's recipe, as JSON.

The recipe and its files are those of this checkout.

    PYTHONPATH=<module> python3 -m tools.prebuilt.check --root <module> --file FILE --shown LABEL

A file that is wrong prints one message and exits with status 2.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from tools.prebuilt import recipe
from tools.prebuilt.listing import PrebuiltError, read


def main(argv: list[str] | None = None) -> int:
    """The command line; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--root", type=Path, required=True, help="the module's folder")
    parser.add_argument("--file", type=Path, required=True, help="the file")
    parser.add_argument("--shown", required=True, help="what messages call it")
    args = parser.parse_args(argv)
    try:
        listed = read(args.file, args.shown)
    except PrebuiltError as error:
        print(error, file=sys.stderr)
        return 2
    files = [path.as_posix() for path in recipe.files(args.root)]
    own = {"files": files, "recipe": recipe.digest(args.root)}
    json.dump({"listed": listed, **own}, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
