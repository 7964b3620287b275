"""Minors, suites and platforms come and go by their documented rows, and nothing else.

Each test writes the rows of docs/catalog.md#lifecycle and docs/adding-a-suite.md into one copy of
the checkout. Then the generators write their files, every package loads, everything of `//...` can
be analysed, and the tests that read the catalog pass.
"""

from __future__ import annotations

import dataclasses
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.roles import MINOR, OTHER_SUITE, RELEASE, SUITE
from tools.catalog.load import load
from tools.catalog.model import Catalog
from tools.packages.debian import lockfile
from tools.packages.debian.lockfile import Lock
from tools.testing.checkout import Checkout, scratch

VERSIONS = "catalog/versions.yaml"
SUITES = "catalog/suites.yaml"
PLATFORMS = "catalog/platforms.yaml"
ROWS = "\nversions:\n"
MINORS = "\nminors:\n"
# Those that read the catalog of the checkout, not one of their own.
READERS = (
    *(f"//tools/catalog:{name}_test" for name in ("cli", "family", "results", "schema", "ubuntu")),
    "//tools/packages/debian:locks_test",
    "//tools/packages/debian:package_sets_test",
    "//tools/matrix/...",
    "//tools/pages/...",
    "//tools/rootfs/debian:scripts_test",
    "//tools/rootfs/debian:system_test",
)


@pytest.fixture(scope="module", name="kept")
def _kept() -> Iterator[Checkout]:
    with scratch("lifecycle") as copy:
        yield copy


@pytest.fixture(name="checkout")
def _checkout(kept: Checkout, tmp_path: Path) -> Iterator[Checkout]:
    """The copy, put back as it was after the test; its Bazel server goes on."""
    before = tmp_path / "before"
    folders = (
        "catalog",
        "dockerfiles",
        "docs",
        "tests",
        "third_party/debian",
        "tools",
        "toolchains",
    )
    for folder in folders:
        shutil.copytree(kept.path / folder, before / folder)
    shutil.copyfile(kept.path / "README.md", before / "README.md")
    yield kept
    for folder in folders:
        shutil.rmtree(kept.path / folder)
        shutil.copytree(before / folder, kept.path / folder)
    shutil.copyfile(before / "README.md", kept.path / "README.md")


def catalog(checkout: Checkout) -> Catalog:
    """The catalog of the copy, as its Bazel sees it."""
    sources = os.environ.get("PYTHON_IMAGES_SOURCES") or "all"
    return load(checkout.path / "catalog", sources=sources)


def edit(checkout: Checkout, file: str, old: str, new: str) -> None:
    """Replace the first `old`, which must be there."""
    path = checkout.path / file
    text = path.read_text()
    assert old in text, f"{file} has no {old!r}"
    path.write_text(text.replace(old, new, 1))


def drop(checkout: Checkout, file: str, key: str, indent: str = "  ") -> None:
    """Remove an entry of a mapping with all that is below it."""
    path = checkout.path / file
    text = path.read_text()
    pattern = rf'(?m)^{indent}"?{re.escape(key)}"?:.*\n(?:(?:{indent} .*)?\n)*'
    made, count = re.subn(pattern, "", text)
    assert count == 1, f"{file} has {count} entries {key}"
    path.write_text(made)


def holds(checkout: Checkout) -> None:
    """All that has to hold after a change of rows."""
    for command in (
        ("run", "//tools:generate"),
        ("query", "--noshow_progress", "//..."),
        ("build", "--nobuild", "//..."),
        ("test", "--build_tests_only", *READERS),
    ):
        result = checkout.bazel(*command)
        assert result.status == 0, f"{command}: {result.errors}"


def without(lock: Lock, sets: set[str]) -> Lock:
    """The lock as `//tools:lock` writes it once the catalog lacks these sets."""
    packages = [
        dataclasses.replace(
            one, sets={name: asked for name, asked in one.sets.items() if name not in sets}
        )
        for one in lock.packages
    ]
    return dataclasses.replace(lock, packages=tuple(one for one in packages if one.sets))


def declared(checkout: Checkout, *labels: str) -> list[str]:
    """Those of the labels that are targets."""
    result = checkout.bazel(
        "query", "--keep_going", "--noshow_progress", f"set({' '.join(labels)})"
    )
    return [line for line in result.output.splitlines() if line in labels]


def test_a_suite_is_dropped(checkout: Checkout) -> None:
    drop(checkout, SUITES, OTHER_SUITE)
    for lock in (checkout.path / "third_party/debian").rglob(f"{OTHER_SUITE}_*.lock"):
        lock.unlink()
    for listing in (checkout.path / "tests/golden/rootfs").glob(f"{OTHER_SUITE}_*"):
        listing.unlink()
    # A family that has images on it.
    infra7 = "catalog/families/infra7.yaml"
    text = (checkout.path / infra7).read_text()
    text = re.sub(rf"(?m)^  {OTHER_SUITE}: .*\n", "", text)
    text = text.replace(f"{OTHER_SUITE}, ", "").replace(
        f"default: {OTHER_SUITE}", f"default: {SUITE}"
    )
    (checkout.path / infra7).write_text(text)
    holds(checkout)
    gone, left = f"//images:{MINOR}-slim-{OTHER_SUITE}", f"//images:{MINOR}-slim-{SUITE}"
    assert declared(checkout, gone, left) == [left]


def test_a_platform_is_dropped(checkout: Checkout) -> None:
    # One that but one suite has, and Alpine not.
    alone = "mips64le"
    text = (checkout.path / PLATFORMS).read_text()
    (page,) = re.findall(rf"(?m)^  {alone}:\n(?:    .*\n)*?    page: {{(.*)}}$", text)
    drop(checkout, PLATFORMS, alone)
    row = f"  {alone}: {{{page}, platform: linux/{alone}}}\n"
    edit(checkout, PLATFORMS, "\npages:\n", f"\npages:\n{row}")
    text = (checkout.path / SUITES).read_text()
    text = re.sub(rf"(?m)^(    platforms: .*?),? {alone}(?=[,\]])", r"\1", text)
    text = re.sub(rf"(?m)^      cc_{alone}:\n(?:        .*\n)*", "", text)
    (checkout.path / SUITES).write_text(text)
    sets = checkout.path / "catalog/package_sets.yaml"
    sets.write_text(re.sub(rf"(?m)^  cc_{alone}: .*\n", "", sets.read_text()))
    for file in sorted((checkout.path / "third_party/debian").rglob("*.lock")):
        lock = lockfile.read(file)
        if lock.arch == "mips64el":
            file.unlink()
        else:
            lockfile.write(file, without(lock, {f"cc_{alone}"}))
    holds(checkout)


def test_a_minor_version_is_dropped(checkout: Checkout) -> None:
    oldest = list(catalog(checkout).versions.values())[-1].minor.name
    path = checkout.path / VERSIONS
    path.write_text(re.sub(rf"(?m)^  - version: {oldest}\..*\n(?:    .*\n)*", "", path.read_text()))
    holds(checkout)
    assert not declared(checkout, f"//images:{oldest}-slim")


def test_a_minor_version_ends(checkout: Checkout) -> None:
    newest = catalog(checkout).newest()[MINOR]
    edit(checkout, VERSIONS, "\nas_of: ", "\nas_of: 2099-01-01  # ")
    for name in (SUITES, "catalog/ubuntu.yaml"):
        path = checkout.path / name
        path.write_text(re.sub(r"(eol|until): 20", r"\1: 21", path.read_text()))
    path = checkout.path / VERSIONS
    text = path.read_text()
    begin = text.index(f'  "{MINOR}":')
    path.write_text(text[:begin] + text[begin:].replace("eol: 20", "eol: 21", 1))
    holds(checkout)
    (old,) = {one.minor.name for one in catalog(checkout).versions.values() if not one.archived}
    assert old == MINOR
    published = checkout.bazel("query", "--output=build", "//images:publish").output
    assert f'"@@//images:{newest.name}-slim-{SUITE}": ' in published
    assert set(re.findall(r'"@@//images:(\d\.\d+)', published)) == {MINOR}


def test_a_minor_version_is_added(checkout: Checkout) -> None:
    """As `//tools:update -- --add` writes it."""
    number = max(int(name.partition(".")[2]) for name in catalog(checkout).minors) + 1
    added = f"3.{number}"
    edit(
        checkout,
        VERSIONS,
        MINORS,
        f'{MINORS}  "{added}":\n    prerelease: true\n    eol: 2099-10-31\n',
    )
    row = f"  - version: {added}.0a1\n    sha256: {'a' * 64}\n    released: 2026-10-20\n"
    edit(checkout, VERSIONS, ROWS, ROWS + row)
    holds(checkout)
    labels = [f"//images:{added}-rc-slim", "//images:slim"]
    assert declared(checkout, *labels) == labels


def test_a_pre_release_becomes_final(checkout: Checkout) -> None:
    newest = catalog(checkout).newest()[MINOR]
    number = max(int(name.partition(".")[2]) for name in catalog(checkout).minors) + 1
    added = f"3.{number}"
    edit(
        checkout,
        VERSIONS,
        MINORS,
        f'{MINORS}  "{added}":\n    released: 2026-10-09\n    eol: 2099-10-31\n',
    )
    # The source that is there, since the sample's is fetched when it is analysed.
    row = (
        f"  - version: {added}.0\n    sha256: {newest.sha256}\n    released: 2026-10-09\n"
        f"    source: {{url: '{newest.url}', pool: {newest.pool},"
        f" strip_prefix: {newest.strip_prefix}}}\n"
    )
    edit(checkout, VERSIONS, ROWS, ROWS + row)
    holds(checkout)
    latest = checkout.bazel("query", "--output=build", "//images:slim").output
    assert f'actual = "//images:{added}.0-slim-{SUITE}"' in latest
    latest = checkout.bazel("query", "--output=build", "//images/infra7:latest").output
    assert f'actual = "//images/infra7:{added}.0-' in latest
    sampled = checkout.bazel("query", "labels(srcs, //images:matrix_sample)").output
    assert set(re.findall(r"//images:(\d\.\d+)", sampled)) == {added, MINOR}
    assert RELEASE in sampled


def test_a_suite_is_added(checkout: Checkout) -> None:
    """As the one before, whose packages stand for its own."""
    text = (checkout.path / SUITES).read_text()
    begin = text.index(f"  {SUITE}:\n")
    entry = re.match(rf"  {SUITE}:\n(?:    .*\n|\n)*", text[begin:])
    assert entry is not None
    known = catalog(checkout).suites
    # The tools are one suite's.
    sets = {name: {*known[name].package_sets, *known[name].build_sets} for name in known}
    alone = sets[SUITE] - sets[OTHER_SUITE]
    tools = {name for name in alone if name == "cc_musl" or not name.startswith("cc_")}
    added = entry[0].replace(f"  {SUITE}:", "  forky:", 1)
    added = re.sub(rf"(?m)^      ({'|'.join(tools)}):.*\n(?:        .*\n)*", "", added)
    (checkout.path / SUITES).write_text(text + added)
    locks = checkout.path / "third_party/debian"
    for file in sorted(locks.rglob(f"{SUITE}_*.lock")):
        lock = dataclasses.replace(without(lockfile.read(file), tools), suite="forky")
        lockfile.write(locks / lock.path, lock)
    scripts = checkout.path / "tools/rootfs/debian/scripts"
    shutil.copyfile(scripts / f"{SUITE}.toml", scripts / "forky.toml")
    holds(checkout)
    assert declared(checkout, f"//images:{MINOR}-slim-forky_amd64")
