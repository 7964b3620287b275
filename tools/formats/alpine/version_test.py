"""Alpine's version order: known cases, and what any order has to be."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.formats.alpine import version

# Each older than the next.
ORDERED = [
    "0.9", "1_alpha", "1_alpha1", "1_alpha2-r3", "1_beta", "1_pre2", "1_rc1", "1_rc1-r1", "1",
    "1-r0", "1-r1", "1-r10", "1~0abc", "1_cvs1", "1_git20240101", "1_git20240101-r1",
    "1_hg", "1_p0", "1_p1", "1_p1_p2", "1a", "1b", "1.00", "1.009", "1.01", "1.1",
    "1.2_rc1", "1.2", "1.2.0", "1.9", "1.10", "2", "10", "20240101",
]  # fmt: skip


def test_order() -> None:
    for older, newer in itertools.combinations(ORDERED, 2):
        assert version.compare(older, newer) == -1, (older, newer)
        assert version.compare(newer, older) == 1, (older, newer)


@pytest.mark.parametrize("text", ORDERED)
def test_the_known_ones_are_valid(text: str) -> None:
    assert version.valid(text)
    assert version.compare(text, text) == 0


@pytest.mark.parametrize(
    "text",
    ["", "a", "1.", "1..2", "1_foo", "1a2", "1-r", "1-1", "1-r1-r2", "1a_", "1~", "1 ", "1B"],
)
def test_what_is_no_version(text: str) -> None:
    assert not version.valid(text)


@pytest.mark.parametrize(
    ("text", "operator", "wanted", "expected"),
    [
        ("1.2.3-r4", "~", "1.2", True),
        ("1.2.3-r4", "~", "1.2.3", True),
        ("1.20", "~", "1.2", False),
        ("1.2", "~", "1.2.3", False),
        ("1.3", ">~", "1.2", True),
        ("1.2.9", "<~", "1.2", True),
        ("1.3", "<~", "1.2", False),
        ("1.2", "=", "1.2", True),
        ("1.2", "<", "1.2", False),
        ("1.2_rc1", "<", "1.2", True),
        ("1.2-r1", ">=", "1.2-r1", True),
        ("1.2-r1", ">=", "1.2-r2", False),
        ("1.2-r1", ">", "1.2", True),
        ("1.2-r1", "<=", "1.2", False),
    ],
)
def test_operators(text: str, operator: str, wanted: str, expected: bool) -> None:
    assert version.accepts(text, operator, wanted) is expected


numbers = st.integers(0, 12).map(str)
suffixes = st.builds(
    lambda name, number: f"_{name}{number}",
    st.sampled_from(["alpha", "beta", "pre", "rc", "cvs", "svn", "git", "hg", "p"]),
    st.just("") | numbers,
)
versions = st.builds(
    lambda first, more, letter, suffix, revision: first + more + letter + suffix + revision,
    numbers,
    st.lists(numbers.map(".{}".format) | st.sampled_from([".0", ".00", ".01"]), max_size=3).map(
        "".join
    ),
    st.just("") | st.sampled_from("abz"),
    st.lists(suffixes, max_size=2).map("".join),
    st.just("") | numbers.map("-r{}".format),
)


@given(versions, versions, versions)
def test_it_is_a_total_order(a: str, b: str, c: str) -> None:
    assert version.valid(a)
    assert version.compare(a, b) == -version.compare(b, a)
    if version.compare(a, b) <= 0 and version.compare(b, c) <= 0:
        assert version.compare(a, c) <= 0


@given(versions, versions)
def test_equal_versions_are_equal_in_every_way(a: str, b: str) -> None:
    found = version.compare(a, b)
    assert version.accepts(a, "=", b) is (found == 0)
    assert version.accepts(a, "<", b) is (found < 0)
    assert version.accepts(a, ">=", b) is (found >= 0)
    if found == 0:
        # Numbers with leading zeros apart, versions that are equal are written alike.
        assert version.key(a) == version.key(b)


@given(versions, st.sampled_from(["", ".1", "_p1", "-r1"]))
def test_a_version_matches_its_own_beginning(text: str, more: str) -> None:
    if version.valid(text + more):
        assert version.accepts(text + more, "~", text)
