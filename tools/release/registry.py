"""What the central registry is told about this module: .bcr/metadata.template.json."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tools.release.version import ReleaseError

_FILE = ".bcr/metadata.template.json"
# What nobody can know but who publishes: their repository, and who answers for the module there.
_TO_FILL_IN = ("OWNER", "REPO", "MAINTAINER", "EMAIL", "LOGIN")


def check(root: Path) -> None:
    """Raise ReleaseError if something in the registry's metadata is still to be filled in."""
    metadata: dict[str, Any] = json.loads((root / _FILE).read_text(encoding="utf-8"))
    maintainers = metadata["maintainers"]
    words = [metadata["homepage"], *metadata["repository"]]
    words += [str(value) for maintainer in maintainers for value in maintainer.values()]
    left = [word for word in words if any(hole in word for hole in _TO_FILL_IN)]
    left += [
        f"github_user_id {m['github_user_id']}" for m in maintainers if not m["github_user_id"]
    ]
    if left or not maintainers:
        raise ReleaseError(
            f"{_FILE}: fill in {', '.join(left) or 'a maintainer'}; "
            "the registry asks its maintainers about every version"
        )
