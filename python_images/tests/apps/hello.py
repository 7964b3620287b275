"""Say hello, loudly if asked."""

import os
import sys


def main() -> None:
    """Print the greeting of the environment."""
    text = os.environ["GREETING"]
    print(text.upper() if "--loud" in sys.argv else text)
