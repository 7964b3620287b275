"""What names may look like in files without a schema: versions.json, and templates of images.

Each is a pattern for `yamlfile.Value.matching`, what it is in words, and a remedy.
"""

from __future__ import annotations

from typing import Final

# PEP 440's canonical form, without an epoch.
PEP440: Final = (
    r"[0-9]+(\.[0-9]+)*((a|b|rc)[0-9]+)?(\.post[0-9]+)?(\.dev[0-9]+)?(\+[a-z0-9]+(\.[a-z0-9]+)*)?",
    "a version of a Python package (PEP 440)",
    "write it as the package index does",
)
VARIANT: Final = (
    r"(windows/)?[a-z][a-z0-9.-]*",
    "a variant",
    "write a suite, <variant>-<suite> such as slim-trixie, alpine<version> or windows/NAME",
)
IMAGE: Final = (
    r"[a-z0-9]+(([._-]+|/|:[0-9]+/)[a-z0-9]+)*(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?",
    "an image",
    "write it like debian:trixie-slim",
)
