"""Check that a tool which is there for two configurations is whole in one of them."""

import os
from pathlib import Path


def main() -> None:
    """Compare where the two files of the tool come from."""
    launcher = Path(os.environ["TOOL"]).resolve()
    library = Path(os.environ["TOOL"]).with_name("library").resolve()
    assert launcher.parent == library.parent, (launcher, library)


if __name__ == "__main__":
    main()
