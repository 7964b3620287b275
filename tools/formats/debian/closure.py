"""Which packages others need, by what their control files say they depend on."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

# A package in a field of dependencies: each alternative counts.
_NAME = re.compile(r"(?:^|[,|])\s*([a-z0-9][a-z0-9+.-]+)")
_FIELDS = ("Pre-Depends", "Depends")


def closure(wanted: Iterable[str], controls: Mapping[str, Mapping[str, str]]) -> set[str]:
    """Return the names of packages and of those they depend on, as far as they are among the given.

    Args:
        wanted: names of packages to begin with.
        controls: the control fields of all packages there are, by name.
    """
    found: set[str] = set()
    waiting = [name for name in wanted if name in controls]
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found.add(name)
        for field in _FIELDS:
            needed = _NAME.findall(controls[name].get(field, ""))
            waiting += [other for other in needed if other in controls]
    return found
