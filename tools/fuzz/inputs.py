"""Hostile inputs: valid ones with damage, and how many of them a test tries.

A reader of foreign bytes gives a result or raises its one error, within seconds. That is all these
tests ask; the readers' own tests say which.
"""

from __future__ import annotations

import os
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

# $FUZZ_EXAMPLES raises it at night. The same inputs every time: a push isn't to fail by chance.
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "1000"))
SECONDS = 20.0
hostile = settings(
    max_examples=EXAMPLES,
    derandomize="FUZZ_EXAMPLES" not in os.environ,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
# For what takes a tenth of a second and more each.
hostile_few = settings(hostile, max_examples=max(EXAMPLES // 10, 50))
# Numbers that headers are wrong with.
_NUMBERS = (
    b"-1",
    b"0",
    b"99999999999",
    b"\xff" * 8,
    b"\x80" + b"\xff" * 7,
    b"",
    b" ",
    b"1e9",
    b"\0",
)
_TEXTS = (
    b"../../x", b"/etc/passwd", b"\n", b"\0", b"\xff\xfe", b"\x1b[2J", b"." * 5000, b"a/b", b".",
    "\u202e".encode(), b"\r\nX: y", b"[" * 3000, b"{" * 3000, b"&a [*a]", b"NaN", b"null", b"[]",
    b"{}",
)  # fmt: skip
# Of the documents that are read.
_KEYS = (
    "manifests", "config", "layers", "digest", "size", "mediaType", "annotations", "rootfs",
    "diff_ids", "history", "platform", "Env", "releases", "status", "fixed_version", "version",
    "variants", "components", "purl", "metadata", "statements", "timestamp", "products",
    "@context", "setuptools", "checksums", "packages", "pkg", "secfixes",
)  # fmt: skip


@st.composite
def damaged(draw: st.DrawFn, whole: st.SearchStrategy[bytes]) -> bytes:
    """One of the whole inputs with up to four damages: flips, cuts, repeats, other numbers."""
    data = draw(whole)
    for _ in range(draw(st.integers(1, 4))):
        data = _damage(draw, data)
    return data


def _damage(draw: st.DrawFn, data: bytes) -> bytes:
    at = draw(st.integers(0, max(len(data) - 1, 0)))
    match draw(st.integers(0, 6)):
        case 0:
            return data[:at]
        case 1:
            flipped = data[at : at + 1] and bytes([data[at] ^ 1 << draw(st.integers(0, 7))])
            return data[:at] + flipped + data[at + 1 :]
        case 2:
            length = draw(st.integers(1, 600))
            return data[:at] + data[at + length :]
        case 3:
            length = draw(st.integers(1, 600))
            return data[: at + length] + data[at:]
        case 4:
            number = draw(st.sampled_from(_NUMBERS))
            return data[:at] + number + data[at + len(number) :]
        case 5:
            return data[:at] + draw(st.sampled_from(_TEXTS)) + data[at:]
        case _:
            value = draw(st.integers(0, 2**64 - 1))
            return data[:at] + struct.pack("<Q", value)[: draw(st.integers(1, 8))] + data[at + 8 :]


@contextmanager
def in_time() -> Iterator[None]:
    """Fails where what's within takes longer than any input is worth."""
    before = time.monotonic()
    yield
    taken = time.monotonic() - before
    assert taken < SECONDS, f"took {taken:.1f} seconds"


def json_like() -> st.SearchStrategy[object]:
    """Values JSON has, keys among them that readers know."""
    keys = st.sampled_from(_KEYS)
    # Halves of characters, too: JSON can escape them, and UTF-8 has none.
    text = st.text(st.characters(), max_size=20)
    leaves = st.none() | st.booleans() | st.integers() | st.floats() | text | keys
    return st.recursive(
        leaves, lambda below: st.lists(below, max_size=4) | st.dictionaries(keys, below, max_size=5)
    )
