"""What the central registry is told about this module: .bcr/metadata.template.json."""

from __future__ import annotations

from pathlib import Path

from tools.release.version import ReleaseError, read
from tools.text import strict_json

_FILE = ".bcr/metadata.template.json"
# What nobody can know but who publishes: their repository, and who answers for the module there.
_TO_FILL_IN = ("OWNER", "REPO", "MAINTAINER", "EMAIL", "LOGIN")


def check(root: Path) -> None:
    """Raise ReleaseError if something in the registry's metadata is still to be filled in."""
    try:
        left, count = _holes(read(root / _FILE))
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise ReleaseError(
            f"{_FILE}: not the metadata of a module ({error!r}); begin with the one of git"
        ) from None
    if left or not count:
        raise ReleaseError(
            f"{_FILE}: fill in {', '.join(left) or 'a maintainer'}; "
            "the registry asks its maintainers about every version"
        )


def _holes(text: str) -> tuple[list[str], int]:
    """Return what is still to be filled in, and the number of maintainers."""
    metadata = strict_json.parse(text)
    maintainers = metadata["maintainers"]
    words = [metadata["homepage"], *metadata["repository"]]
    words += [str(value) for maintainer in maintainers for value in maintainer.values()]
    left = [word for word in words if any(hole in word for hole in _TO_FILL_IN)]
    left += [
        f"github_user_id {m['github_user_id']}" for m in maintainers if not m["github_user_id"]
    ]
    return left, len(maintainers)
