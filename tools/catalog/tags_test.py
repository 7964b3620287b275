"""The algebra's examples, and what must hold for every family there could be."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.catalog import tags

# The same examples every time, however slow the machine.
settings.register_profile("fixed", deadline=None, derandomize=True)
settings.load_profile("fixed")

VARIANTS = [
    "trixie",
    "slim-trixie",
    "bookworm",
    "slim-bookworm",
    "alpine3.24",
    "alpine3.23",
    "windows/windowsservercore-ltsc2025",
    "windows/windowsservercore-ltsc2022",
    "windows/nanoserver-1809",
]

# Hardened ones, and one of another workspace.
KINDS = ("distroless-debug", "distroless-dev", "distroless", "slim-nonroot", "nonroot", "acme")
HARDENED = [f"{kind}-{suite}" for kind in KINDS for suite in ("trixie", "bookworm")]

releases = st.builds(
    tags.Release,
    st.just(3),
    st.integers(7, 20),
    st.integers(0, 30),
    st.sampled_from([None, "a", "b", "rc"]),
    st.integers(1, 9),
    st.booleans(),
).map(lambda made: made if made.stage else dataclasses.replace(made, serial=0))
variants = st.lists(st.sampled_from(VARIANTS), min_size=1, unique=True)
families = st.lists(
    st.tuples(releases, variants), min_size=1, max_size=6, unique_by=lambda row: row[0].label
)


def family(rows: list[tuple[tags.Release, list[str]]]) -> list[tuple[str, list[str], list[str]]]:
    """(variant, simple, shared tags) of all images; the first final release is 3 and latest.

    A free-threaded build comes with its release's aliases, as it does from a catalog.
    """
    final = next((one for one, _ in rows if not one.prerelease and not one.free_threaded), None)
    bases = {
        number: tags.base_tags(
            number, ["3", "latest"] if number is final or number.free_threaded else []
        )
        for number, _ in rows
    }
    return [
        (
            variant,
            tags.simple_tags(bases[number], variant, listed),
            tags.shared_tags(bases[number], variant, listed),
        )
        for number, listed in rows
        for variant in listed
    ]


@given(families)
def test_no_simple_tag_is_twice_and_none_is_also_shared(
    rows: list[tuple[tags.Release, list[str]]],
) -> None:
    images = family(rows)
    simple = [tag for _, own, _ in images for tag in own]
    assert len(simple) == len(set(simple))
    assert not set(simple) & {tag for _, _, shared in images for tag in shared}


@given(families)
def test_every_tag_fits_the_grammar_and_none_begins_with_latest(
    rows: list[tuple[tags.Release, list[str]]],
) -> None:
    for _, simple, shared in family(rows):
        for tag in simple + shared:
            assert tags.valid(tag)
            assert not tag.startswith("latest-")


@given(releases, variants)
def test_a_simple_tag_names_its_variant_in_full_or_by_its_kind(
    number: tags.Release, listed: list[str]
) -> None:
    bases = tags.base_tags(number)
    for variant in listed:
        made = tags.simple_tags(bases, variant, listed)
        own = [f"{base}-{tags.name(variant)}" for base in bases]
        assert made[: len(own)] == own
        kind = "slim" if variant.startswith("slim-") else "alpine"
        assert made[len(own) :] in ([], [f"{base}-{kind}" for base in bases])


@given(releases, variants)
def test_only_one_variant_of_a_kind_is_the_default(number: tags.Release, listed: list[str]) -> None:
    bases = tags.base_tags(number)
    for kind in ("slim", "alpine"):
        holders = [
            variant
            for variant in listed
            if f"{number}-{kind}" in tags.simple_tags(bases, variant, listed)
        ]
        assert len(holders) <= 1
        if kind == "alpine" and any(variant.startswith("alpine") for variant in listed):
            assert holders == [tags.default_alpine(listed)]


@given(releases, variants)
def test_bare_tags_are_shared_by_one_suite_and_all_server_cores(
    number: tags.Release, listed: list[str]
) -> None:
    bases = tags.base_tags(number)
    holders = {
        variant for variant in listed if str(number) in tags.shared_tags(bases, variant, listed)
    }
    cores = {variant for variant in listed if variant.startswith("windows/windowsservercore")}
    assert cores <= holders
    assert holders - cores <= {tags.default_suite(listed)}


@given(families, st.lists(st.sampled_from(HARDENED), unique=True))
def test_hardened_variants_change_no_tag_of_another_and_share_none(
    rows: list[tuple[tags.Release, list[str]]], added: list[str]
) -> None:
    """No tag of docker-library's means anything else than there, whatever hardened ones exist."""
    plain = family(rows)
    both = family([(number, [*added, *listed]) for number, listed in rows])
    assert [image for image in both if image[0] not in HARDENED] == plain
    theirs = {tag for _, simple, shared in plain for tag in simple + shared}
    for variant, simple, shared in both:
        if variant in HARDENED:
            assert not shared
            assert not theirs & set(simple)
            kind = tags.kind(variant)
            assert all(tag == kind or f"-{kind}" in f"-{tag}" for tag in simple)


@given(releases, variants)
def test_no_tag_of_docker_librarys_algebra_is_of_a_hardened_kind(
    number: tags.Release, listed: list[str]
) -> None:
    """Also not of a variant that another family of the same algebra could have."""
    bases = tags.base_tags(number, ["3", "latest"])
    ours = {
        tag for variant in HARDENED for tag in tags.simple_tags(bases, variant, [*listed, variant])
    }
    for variant in listed:
        assert not ours & set(tags.simple_tags(bases, variant, listed))
        assert not ours & set(tags.shared_tags(bases, variant, listed))


@given(releases, st.sampled_from(HARDENED), variants)
def test_a_hardened_variant_of_the_default_suite_is_named_by_its_kind_too(
    number: tags.Release, variant: str, listed: list[str]
) -> None:
    bases = tags.base_tags(number)
    kind = tags.kind(variant)
    made = tags.simple_tags(bases, variant, [variant, *listed])
    assert made[: len(bases)] == [f"{base}-{variant}" for base in bases]
    short = [f"{base}-{kind}" for base in bases]
    default = variant == f"{kind}-{tags.default_suite(listed)}"
    assert made[len(bases) :] == (short if default else [])


@given(releases)
def test_only_an_ordinary_final_release_has_aliases(number: tags.Release) -> None:
    bases = tags.base_tags(number, ["3", "latest"])
    flag = "t" if number.free_threaded else ""
    if number.prerelease:
        assert bases == [f"{number.number}{flag}", f"{number.minor}{flag}-rc"]
    elif number.free_threaded:
        assert bases == [f"{number.base}t", f"{number.minor}t"]
    else:
        assert bases == [number.base, number.minor, "3", "latest"]


@given(releases, variants)
def test_a_free_threaded_build_has_no_tag_of_the_ordinary_one(
    number: tags.Release, listed: list[str]
) -> None:
    def every(release: tags.Release) -> set[str]:
        bases = tags.base_tags(release, ["3", "latest"])
        return {
            tag
            for variant in listed
            for made in (tags.simple_tags, tags.shared_tags)
            for tag in made(bases, variant, listed)
        }

    threaded = every(dataclasses.replace(number, free_threaded=True))
    assert not threaded & every(dataclasses.replace(number, free_threaded=False))
    for tag in threaded:
        assert tag.startswith((f"{number.number}t", f"{number.minor}t"))


@given(releases)
def test_a_release_is_written_as_it_is_read(number: tags.Release) -> None:
    assert tags.release(str(number)) == number


@given(releases, releases)
def test_order_puts_pre_releases_below_their_final_release(
    one: tags.Release, two: tags.Release
) -> None:
    final = tags.release(one.base)
    assert one.order <= final.order
    assert (one.order == two.order) == (one == two)


@pytest.mark.parametrize(
    "text", ["3.14", "3.14.07", "3.14.7-rc1", "v3.14.7", "3.14.7rc", "3.14.7tt", "t", ""]
)
def test_what_is_no_release_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"release|zeros"):
        tags.release(text)


def test_the_docstrings_examples() -> None:
    listed = VARIANTS
    bases = tags.base_tags(tags.release("3.14.7"), ["3", "latest"])
    assert tags.simple_tags(bases, "slim-trixie", listed) == [
        "3.14.7-slim-trixie",
        "3.14-slim-trixie",
        "3-slim-trixie",
        "slim-trixie",
        "3.14.7-slim",
        "3.14-slim",
        "3-slim",
        "slim",
    ]
    assert tags.simple_tags(bases, "alpine3.24", listed)[4:] == [
        "3.14.7-alpine",
        "3.14-alpine",
        "3-alpine",
        "alpine",
    ]
    assert tags.shared_tags(bases, "windows/nanoserver-1809", listed) == [
        "3.14.7-nanoserver",
        "3.14-nanoserver",
        "3-nanoserver",
        "nanoserver",
    ]
    assert tags.shared_tags(bases, "trixie", listed) == bases
    assert tags.shared_tags(bases, "slim-trixie", listed) == []
    assert tags.simple_tags(bases, "slim-trixie", ["slim-trixie"])[4] == "3.14.7-slim"


def test_a_tag_claimed_twice_is_found() -> None:
    assert tags.repeated([("a", ["x", "y"]), ("b", ["z", "y"])]) == ("y", "a", "b")
    assert tags.repeated([("a", ["x"]), ("b", ["y"])]) is None


@given(families, st.integers(1, 99))
def test_a_revision_adds_tags_and_changes_none(
    rows: list[tuple[tags.Release, list[str]]], revision: int
) -> None:
    """Whatever docker-library's tags are, those of a patched release are the same and some more."""
    for number, listed in rows:
        for newest in (True, False):
            plain = tags.base_tags(number, ["3", "latest"], newest=newest)
            bases = tags.base_tags(number, ["3", "latest"], newest=newest, revision=revision)
            for variant in listed:
                for made in (tags.simple_tags, tags.shared_tags):
                    before, after = made(plain, variant, listed), made(bases, variant, listed)
                    added = [tag for tag in after if tag not in before]
                    assert [tag for tag in after if tag not in added] == before
                    # The release's own number is in each: what is added names this revision alone.
                    own = f"{number}-r{revision}"
                    assert all(tag == own or tag.startswith(f"{own}-") for tag in added)
                    named = [tag for tag in before if tag == str(number)]
                    named += [tag for tag in before if tag.startswith(f"{number}-")]
                    assert len(added) == len(named)


@given(families, st.integers(1, 99))
def test_no_tag_of_a_family_has_the_form_of_a_revision(
    rows: list[tuple[tags.Release, list[str]]], revision: int
) -> None:
    every = {tag for _, simple, shared in family(rows) for tag in simple + shared}
    for number, _ in rows:
        own = f"{number}-r{revision}"
        assert not [tag for tag in every if tag == own or tag.startswith(f"{own}-")]


@given(releases, st.integers(1, 99))
def test_the_second_scheme_s_revision(number: tags.Release, revision: int) -> None:
    plain = tags.target_tags(number, ["latest"], "trixie", default=True)
    made = tags.target_tags(number, ["latest"], "trixie", default=True, revision=revision)
    own = f"{number}-r{revision}"
    added = [
        [tag for tag in after if tag not in before]
        for before, after in zip(plain, made, strict=True)
    ]
    assert added == [[f"{own}-trixie"], [own]]
    assert [[tag for tag in after if own not in tag] for after in made] == list(plain)
