"""WWW-Authenticate: real ones, broken ones, and how long those take that are meant to take long."""

from __future__ import annotations

import contextlib
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.net import challenge, limits
from tools.net.net_errors import PolicyError


@pytest.mark.parametrize(
    ("header", "found"),
    [
        (
            'Bearer realm="https://a/t?x=1,2",service="s", Basic realm="b c"',
            {
                "bearer": {"realm": "https://a/t?x=1,2", "service": "s"},
                "basic": {"realm": "b c"},
            },
        ),
        # Without quotes, with blanks, with words between; the first of two counts.
        (
            "Negotiate, BEARER realm = https://a/b ,, Service=x, bearer realm=evil",
            {"negotiate": {}, "bearer": {"realm": "https://a/b", "service": "x"}},
        ),
        (r'Basic realm="a \"b\" \\"', {"basic": {"realm": r'a "b" \ '.strip()}}),
        ("NTLM TlRMTVNTUAAC==, Basic", {"ntlm": {}, "basic": {}}),
        ("", {}),
    ],
)
def test_challenges(header: str, found: dict[str, dict[str, str]]) -> None:
    assert challenge.parse(header) == found


LONG = limits.HEADER


@pytest.mark.parametrize(
    "header",
    [
        "a" * LONG,
        "a " * (LONG // 2),
        "a," * (LONG // 2),
        "a=" * (LONG // 2),
        'a="' * (LONG // 3),
        "Bearer " + " " * (LONG - 8) + "=",
        'Bearer realm="' + "\\" * (LONG - 20),
        'Bearer realm="' + '\\"' * (LONG // 2 - 20),
        "\t" * (LONG - 1) + '"',
        'Bearer realm="' + "x" * (16 << 10),
    ],
    ids=lambda header: header[:12],
)
def test_time_is_linear(header: str) -> None:
    began = time.monotonic()
    try:
        challenge.parse(header)
    except PolicyError as error:
        assert len(str(error)) < 500
    assert time.monotonic() - began < 0.5


@given(st.text(alphabet=st.characters(max_codepoint=255)) | st.text(alphabet='Ba=", \\\t'))
def test_no_other_error(header: str) -> None:
    with contextlib.suppress(PolicyError):
        challenge.parse(header)
