"""The form in which a layer's listing is checked in.

Sizes and digests are kept below /etc only, where most of what is computed lies. So a security
update of a package changes the lines of files that come and go, not one for each file.
"""

from __future__ import annotations

import re

_FILE = re.compile(r"^(f \d{4} \d+:\d+) \d+ [0-9a-f]{64} (/(?!etc/).*)$", re.MULTILINE)


def condense(listing: str) -> str:
    """A listing of tools.rootfs (its `listing` output) in the form that is checked in."""
    return _FILE.sub(r"\1 \2", listing)
