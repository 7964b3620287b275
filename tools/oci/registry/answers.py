"""What a registry's answers say."""

from __future__ import annotations

import json
import re
from typing import Final

from tools.net.session import Answer

_DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}")
_SHOWN: Final = 300


def is_good(answer: Answer) -> bool:
    """Whether the request was granted.

    The class, not the code: AWS ECR answers a PATCH with 201, Pulp with 204, Quay the PUT of a
    manifest with 202, where the specification has 202, 202 and 201.
    """
    return 200 <= answer.status < 300


def errors(answer: Answer) -> str:
    """Return what the registry says is wrong, for people."""
    try:
        told = json.loads(answer.body)["errors"]
        text = "; ".join(f"{e.get('code', '')} {e.get('message', '')}".strip() for e in told)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        text = answer.body[:_SHOWN].decode(errors="replace").strip()
    if len(text) > _SHOWN:
        text = text[:_SHOWN] + "…"
    return answer.reason + (f" ({text})" if text else "")


def digest(answer: Answer) -> str:
    """Return the digest in Docker-Content-Digest; "" where there is none, or it isn't one."""
    told = answer.header("Docker-Content-Digest").strip()
    return told if _DIGEST.fullmatch(told) else ""


def reached(answer: Answer) -> int | None:
    """Return how many bytes of an upload the registry says it has; None where it can't be told.

    "0-0" tells nothing: registries say it of one byte and of none.
    """
    found = re.fullmatch(r"(?:bytes[= ])?0-([1-9][0-9]{0,14})", answer.header("Range").strip())
    return int(found[1]) + 1 if found else None


def size(answer: Answer, name: str) -> int | None:
    """Return the positive number of bytes in a header; None where it has none."""
    told = answer.header(name).strip()
    return int(told) if re.fullmatch(r"[1-9][0-9]{0,14}", told) else None
