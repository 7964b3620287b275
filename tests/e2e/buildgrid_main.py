"""BuildGrid's command line, `bgd`, with the tool interpreter and the pinned packages.

BUILDGRID_SITE names the folder with a folder of each package. It is one input: as runfiles, the
packages' 4,000 files would each be a link in each test that starts this.
"""

import os
import sys
from importlib import import_module
from pathlib import Path

if __name__ == "__main__":
    sys.path[1:1] = [str(path) for path in sorted(Path(os.environ["BUILDGRID_SITE"]).iterdir())]
    # By name: type checkers have no BuildGrid at hand.
    import_module("buildgrid.server.app.cli").cli()
