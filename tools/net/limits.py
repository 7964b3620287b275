"""Limits of everything that comes over HTTP. Tests shrink them."""

from __future__ import annotations

# Seconds without a byte, in either direction.
IDLE = 30.0
# Seconds for a request as a whole; what moves faster than SLOWEST (bytes a second) gets longer.
WHOLE = 60.0
SLOWEST = 16_000
# The same two for requests after which a registry may have to move gigabytes: an upload's end.
COMMIT = 300.0
# No further attempt once a request has taken this many seconds.
RETRYING = 180.0
ATTEMPTS = 5
# Seconds before the second attempt, about; they double with each.
PAUSE = 0.75
# Seconds a server may ask to wait before the next attempt.
LONGEST_PAUSE = 60.0

REDIRECTIONS = 5
# Bytes of an answer's head: status lines, those of `100 Continue` too, and headers.
HEAD = 64 << 10
# Bytes of one header that is taken apart.
HEADER = 8 << 10
# Bytes of an address.
URL = 8 << 10
# Bytes of bodies by kind. What is wrong is told in less; the rest isn't read.
ERROR = 16 << 10
TOKEN = 1 << 20
DOCUMENT = 4 << 20
