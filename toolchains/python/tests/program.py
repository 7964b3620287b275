"""Prints what it was given, and where it runs."""

import json
import sys

from second import TWICE

if __name__ == "__main__":
    print(json.dumps({"argv": sys.argv[1:], "executable": sys.executable, "twice": TWICE}))
