"""Dependency resolution on small universes."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.formats.alpine.dependency import parse, parse_all
from tools.formats.alpine.index import IndexPackage
from tools.packages.alpine.resolve import ResolveError, Universe, offers, resolve

BASE = """
musl 1.2.5-r1 p:so:libc.musl.so.1=1
busybox 1.37-r0 D:so:libc.musl.so.1 p:cmd:busybox=1.37-r0
busybox-binsh 1.37-r0 D:busybox=1.37-r0 p:/bin/sh,cmd:sh=1.37-r0 k:100
dash-binsh 0.5-r0 D:dash p:/bin/sh,cmd:sh=0.5-r0 k:60
dash 0.5-r0 D:so:libc.musl.so.1
baselayout 3-r0 D:baselayout-data=3-r0,/bin/sh
baselayout-data 3-r0
zlib 1.3-r0 D:so:libc.musl.so.1 p:so:libz.so.1=1.3
zlib-ng 2.0-r0 D:so:libc.musl.so.1 p:so:libz.so.1=1.2
openssl 3.5-r0 p:so:libssl.so.3=3
ssl_client 1.37-r0 D:so:libssl.so.3 i:busybox=1.37-r0,openssl
editor-a 1-r0 p:editor
editor-b 1-r0 p:editor
"""


def packages(text: str) -> list[IndexPackage]:
    """A package a line: name, version, then D: p: i: with commas, k: and r: (repository)."""
    found = []
    for line in text.split("\n"):
        if not line.strip():
            continue
        name, version, *rest = line.split()
        more = {word[0]: word[2:] for word in rest}
        lists = [parse_all(more.get(letter, "").replace(",", " ")) for letter in "Dpi"]
        found.append(
            IndexPackage(
                name, version, "x86_64", f"{name}-{version}", 1, "", 0, lists[0], lists[1],
                lists[2], int(more.get("k", "0")), int(more.get("r", "0")),
            )
        )  # fmt: skip
    return found


def solve(text: str, world: str, below: str = "") -> list[str]:
    universe = Universe(packages(text))
    present = [universe.named(name)[0] for name in below.split()]
    found = resolve(universe, parse_all(world), present)
    return [f"{package.name}-{package.version}" for package in found]


def test_dependencies_come_along() -> None:
    assert solve(BASE, "baselayout") == [
        "baselayout-3-r0", "baselayout-data-3-r0", "busybox-1.37-r0", "busybox-binsh-1.37-r0",
        "musl-1.2.5-r1",
    ]  # fmt: skip


def test_the_newest_provider_of_a_library_is_taken() -> None:
    assert "zlib-1.3-r0" in solve(BASE + "app 1-r0 D:so:libz.so.1", "app")
    assert "zlib-ng-2.0-r0" in solve(BASE + "app 1-r0 D:so:libz.so.1<1.3", "app")


def test_a_provider_asked_for_by_name_comes_first() -> None:
    found = solve(BASE + "app 1-r0 D:so:libz.so.1", "app zlib-ng")
    assert "zlib-1.3-r0" not in found
    assert "zlib-ng-2.0-r0" in found
    assert solve(BASE, "baselayout dash-binsh") == [
        "baselayout-3-r0", "baselayout-data-3-r0", "dash-0.5-r0", "dash-binsh-0.5-r0",
        "musl-1.2.5-r1",
    ]  # fmt: skip


def test_a_name_without_version_takes_a_decision() -> None:
    with pytest.raises(
        ResolveError, match=r"app needs editor, provided by editor-a, editor-b: name"
    ):
        solve(BASE + "app 1-r0 D:editor", "app")
    assert solve(BASE + "app 1-r0 D:editor", "app editor-b") == ["app-1-r0", "editor-b-1-r0"]
    assert solve(BASE + "app 1-r0 D:editor\nwords 1-r0 D:editor-a", "app words") == [
        "app-1-r0", "editor-a-1-r0", "words-1-r0",
    ]  # fmt: skip


def test_many_may_provide_a_name_without_version() -> None:
    assert solve(BASE, "editor-a editor-b") == ["editor-a-1-r0", "editor-b-1-r0"]
    with pytest.raises(ResolveError, match="both provide so:libz"):
        solve(BASE, "zlib zlib-ng")


def test_packages_that_install_themselves() -> None:
    assert "ssl_client-1.37-r0" in solve(BASE, "busybox openssl")
    assert "ssl_client-1.37-r0" not in solve(BASE, "busybox")
    # Also when the last of the conditions is in a later layer; and not if someone doesn't want it.
    assert solve(BASE, "openssl", below="musl busybox") == ["openssl-3.5-r0", "ssl_client-1.37-r0"]
    assert solve(BASE, "busybox openssl !ssl_client") == [
        "busybox-1.37-r0", "musl-1.2.5-r1", "openssl-3.5-r0",
    ]  # fmt: skip
    assert solve("a 1\nb 1 i:a,!c\nc 1", "a") == ["a-1", "b-1"]
    assert solve("a 1\nb 1 i:a,!c\nc 1", "a c") == ["a-1", "c-1"]


def test_versions_are_chosen_together() -> None:
    text = "a 1 D:b\nb 2\nb 1\nc 1 D:b<2"
    assert solve(text, "a") == ["a-1", "b-2"]
    assert solve(text, "a c") == ["a-1", "b-1", "c-1"]
    # The newest needs what isn't there.
    assert solve("a 2 D:nothing\na 1", "a") == ["a-1"]
    # Two levels back: b-2 leads to d-1, which e doesn't take.
    deep = "a 1 D:b,e\nb 2 D:c\nb 1\nc 1 D:d=1\nd 1\nd 2\ne 1 D:d=2"
    assert solve(deep, "a") == ["a-1", "b-1", "d-2", "e-1"]


def test_conflicts() -> None:
    text = "a 1 D:!b\nb 2\nb 1\nc 1 D:!b<2"
    with pytest.raises(ResolveError, match=r"a conflicts with b \(!b\)"):
        solve(text, "a b")
    assert solve(text, "b c") == ["b-2", "c-1"]
    with pytest.raises(ResolveError, match="conflicts"):
        solve(text, "b=1 c")
    # A package may refuse the others that provide what it provides itself.
    assert solve("x 1 D:!thing p:thing=1", "x") == ["x-1"]


def test_the_first_repository_is_preferred_at_equal_versions() -> None:
    (package,) = resolve(Universe(packages("a 1 r:1\na 1 r:0\na 0 r:0")), parse_all("a"))
    assert package.repository == 0


@pytest.mark.parametrize(
    ("world", "message"),
    [
        ("nothing", "the package set needs nothing, which nothing provides"),
        ("a>2", "the package set needs a>2: a 1 isn't"),
        ("b", "b needs gone, which nothing provides"),
    ],
)
def test_what_cannot_be_is_explained(world: str, message: str) -> None:
    with pytest.raises(ResolveError, match=message):
        solve("a 1\nb 1 D:gone", world)


def test_a_later_layer_keeps_what_is_there() -> None:
    assert solve("a 1 D:b\nb 1\nb 2\n", "a", below="b") == ["a-1"]
    with pytest.raises(ResolveError, match="b is 2 already"):
        solve("a 1 D:b<2\nb 1\nb 2", "a", below="b")


names = st.sampled_from(["a", "b", "c", "d", "e"])
atoms = st.builds(
    lambda conflict, name, op: conflict + name + op,
    st.sampled_from(["", "", "", "", "!"]),
    names,
    st.sampled_from(["", "", "=1", ">1", "<2"]),
)
rows = st.tuples(
    names,
    st.sampled_from(["1", "2"]),
    st.lists(atoms, max_size=3),
    st.lists(st.sampled_from(["so:x=1", "so:y=2", "virtual"]), max_size=1),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(rows, min_size=1, max_size=8, unique_by=lambda row: row[:2]), names)
def test_a_solution_is_one_and_none_is_missed(
    table: list[tuple[str, str, list[str], list[str]]], wanted: str
) -> None:
    listed = packages("\n".join(f"{n} {v} D:{','.join(d)} p:{','.join(p)}" for n, v, d, p in table))

    def holds(chosen: tuple[IndexPackage, ...]) -> bool:
        if len({p.name for p in chosen}) != len(chosen):
            return False
        offered = [(p, *offer) for p in chosen for offer in offers(p)]
        for (p, name, version), (q, other, second) in itertools.combinations(offered, 2):
            if p is not q and name == other and (version or second):
                return False
        for package in chosen:
            for need in package.depends:
                there = any(
                    need.accepts(v) for p, n, v in offered
                    if n == need.name and not (need.conflict and p is package)
                )  # fmt: skip
                if there == need.conflict:
                    return False
        return any(name == wanted for _, name, _ in offered)

    systems = (
        chosen
        for size in range(1, len(listed) + 1)
        for chosen in itertools.combinations(listed, size)
    )
    try:
        found = resolve(Universe(listed), [parse(wanted)])
    except ResolveError:
        assert not any(holds(chosen) for chosen in systems)
    else:
        assert holds(tuple(found))
