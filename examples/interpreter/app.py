"""An application that has to know its interpreter."""

import ssl
import sys


def about() -> str:
    """Return the interpreter's version and its TLS library."""
    return f"Python {sys.version.split()[0]}, {ssl.OPENSSL_VERSION}"
