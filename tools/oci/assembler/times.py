"""When an image was created: a time of RFC 3339, given or the newest of what is inside."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

from tools.oci.assembler.spec import OciError

# The annotation; empty where it is to be the time of the image it is about.
CREATED: Final = "org.opencontainers.image.created"
UNKNOWN: Final = "1970-01-01T00:00:00Z"
_RFC3339: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", re.ASCII)


def check(created: str, source: object = "created") -> str:
    """Return `created` where it is a time of RFC 3339; else OciError naming `source`."""
    _moment(created, source)
    return created


def newest(times: Iterable[str], source: object = "created") -> str:
    """Return the newest of some times as it is written there; UNKNOWN of none."""
    return max((UNKNOWN, *times), key=lambda time: _moment(time, source))


def of_seconds(seconds: int, source: object) -> str:
    """Return seconds since 1970 as a time; OciError naming `source` beyond the year 9999."""
    try:
        moment = datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        raise OciError(
            f"{source}: something in it is of the time {seconds}, thousands of years from now; "
            "tell the image when it was `created`"
        ) from None
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def annotated(
    annotations: dict[str, str], times: Iterable[str], source: object = "created"
) -> dict[str, str]:
    """Return the annotations, in which an empty CREATED becomes the newest of `times`."""
    if annotations.get(CREATED) == "":
        return {**annotations, CREATED: newest(times, source)}
    return annotations


def _moment(time: str, source: object) -> datetime:
    if _RFC3339.fullmatch(time):
        try:
            return datetime.fromisoformat(time)
        except ValueError:
            pass
    raise OciError(f"{source}: {time!r} is not a time of the form YYYY-MM-DDTHH:MM:SSZ")
