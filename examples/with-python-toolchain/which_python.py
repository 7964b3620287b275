"""Say which Python runs this."""

import sys


def prefix() -> str:
    """Return the folder that the interpreter is installed below."""
    return sys.base_prefix


if __name__ == "__main__":
    print(prefix())
