"""The checked-in locks against the catalog: every set locked, every requested name there."""

from pathlib import Path

import pytest

from tools.debian import lockfile, package_sets
from tools.debian.lock import LOCKS

PLAN = package_sets.load(Path("catalog"))
ALL = [(suite, arch) for suite, archs in PLAN.archs.items() for arch in archs]


def test_one_lock_per_suite_and_architecture() -> None:
    found = sorted(path.name for path in LOCKS.glob("*.lock"))
    assert found == sorted(f"{suite}_{arch}.lock" for suite, arch in ALL), (
        "catalog and third_party/debian differ: ./bazelw run //tools:lock"
    )


@pytest.mark.parametrize(("suite", "arch"), ALL)
def test_lock_has_what_the_catalog_asks_for(suite: str, arch: str) -> None:
    path = LOCKS / f"{suite}_{arch}.lock"
    lock = lockfile.read(path)
    assert path.read_text() == lock.text(), "edited by hand?"
    sets = {s.name: s for s in PLAN.sets_for(suite, arch)}
    assert lock.set_names() == tuple(sorted(sets)), "stale: ./bazelw run //tools:lock"
    for name, package_set in sets.items():
        packages = lock.in_set(name)
        requested = {p.name for p in packages if p.sets[name]}
        # minbase counts as automatically installed; see catalog/package_sets.yaml
        assert requested == (set() if package_set.minbase else set(package_set.packages))
        assert set(package_set.packages) <= {p.name for p in packages}
        if package_set.above:
            below = {p.name for p in lock.in_set(package_set.above)}
            # What is there already is listed again only if it's asked for here by name.
            assert below & {p.name for p in packages} <= requested


# What the base of some architectures has besides that of amd64, or lacks.
DIFFERENT_BASE = {
    ("trixie", "armel"): {"libatomic1"},
    ("trixie", "riscv64"): {"libseccomp2"},
}


@pytest.mark.parametrize(("suite", "arch"), ALL)
def test_same_base_on_every_architecture(suite: str, arch: str) -> None:
    names = {p.name for p in lockfile.read(LOCKS / f"{suite}_{arch}.lock").in_set("base")}
    usual = {p.name for p in lockfile.read(LOCKS / f"{suite}_amd64.lock").in_set("base")}
    assert names ^ usual == DIFFERENT_BASE.get((suite, arch), set())


@pytest.mark.parametrize(("suite", "count"), [("bookworm", 88), ("trixie", 78)])
def test_base_is_as_large_as_the_official_image(suite: str, count: int) -> None:
    names = [p.name for p in lockfile.read(LOCKS / f"{suite}_amd64.lock").in_set("base")]
    assert len(names) == count
    assert not {"perl", "usrmerge", "systemd"} & set(names)


def test_one_version_has_one_content() -> None:
    """Whatever the lock, suite or day: a package's version and architecture mean the same bytes."""
    seen: dict[tuple[str, str, str], dict[str, list[str]]] = {}
    for path in sorted(LOCKS.rglob("*.lock")):
        for package in lockfile.read(path).packages:
            contents = seen.setdefault((package.name, package.version, package.arch), {})
            contents.setdefault(package.sha256, []).append(path.name)
    assert not {key: contents for key, contents in seen.items() if len(contents) > 1}
