"""The checked-in locks against the catalog: every set locked, every requested name there."""

from pathlib import Path

import pytest

from tools.catalog import load as catalog
from tools.packages.debian import lockfile, package_sets
from tools.packages.debian.lock_debian import LOCKS, plan_jobs, wanted
from tools.packages.debian.lockfile import Lock

CATALOG = catalog.load(Path("catalog"))
PLAN = package_sets.load(Path("catalog"))
ALL = [(suite, arch) for suite, archs in PLAN.archs.items() for arch in archs]
REMEDY = {False: "./bazelw run //tools:lock", True: "./bazelw run //tools:lock -- --build"}


def path_of(suite: str, arch: str, *, build: bool = False) -> Path:
    return LOCKS / Lock(suite, arch, "", build=build).path


def test_one_lock_and_one_build_lock_per_suite_and_architecture() -> None:
    expected = [path_of(suite, arch, build=build) for suite, arch in ALL for build in REMEDY]
    assert sorted(LOCKS.rglob("*.lock")) == sorted(expected), (
        f"catalog and third_party/debian differ: {REMEDY[False]}"
    )


@pytest.mark.parametrize("build", REMEDY)
@pytest.mark.parametrize(("suite", "arch"), ALL)
def test_lock_has_what_the_catalog_asks_for(suite: str, arch: str, *, build: bool) -> None:
    path = path_of(suite, arch, build=build)
    lock = lockfile.read(path)
    assert path.read_text() == lock.text(), "edited by hand?"
    sets = {s.name: s for s in PLAN.sets_for(suite, arch, build=build)}
    assert lock.set_names() == tuple(sorted(sets)), f"stale: {REMEDY[build]}"
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


# What the base of some architectures may have besides that of amd64, or lack.
DIFFERENT_BASE = {"armel": {"libatomic1"}, "riscv64": {"libseccomp2"}}


@pytest.mark.parametrize(("suite", "arch"), ALL)
def test_same_base_on_every_architecture(suite: str, arch: str) -> None:
    names = {p.name for p in lockfile.read(path_of(suite, arch)).in_set("base")}
    usual = {p.name for p in lockfile.read(path_of(suite, "amd64")).in_set("base")}
    assert names ^ usual <= DIFFERENT_BASE.get(arch, set())


# How many packages debian:<suite> has on amd64.
OFFICIAL = {"bookworm": 88, "trixie": 78}


@pytest.mark.parametrize(
    ("suite", "count"), [(suite, OFFICIAL[suite]) for suite in PLAN.archs if suite in OFFICIAL]
)
def test_base_is_as_large_as_the_official_image(suite: str, count: int) -> None:
    names = [p.name for p in lockfile.read(path_of(suite, "amd64")).in_set("base")]
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


@pytest.mark.parametrize(("suite", "arch"), ALL)
def test_libraries_have_no_package_to_compile_with(suite: str, arch: str) -> None:
    lock = lockfile.read(path_of(suite, arch))
    tools = {"binutils", "dpkg-dev", "gcc", "make", "perl", "pkgconf"}
    names = {p.name for p in lock.in_set("libraries")}
    assert [name for name in sorted(names) if name.endswith("-dev") or name in tools] == []


@pytest.mark.parametrize(("suite", "arch"), ALL)
def test_no_layer_of_an_image_is_a_set_of_a_build_lock(suite: str, arch: str) -> None:
    build = lockfile.read(path_of(suite, arch, build=True)).set_names()
    images = lockfile.read(path_of(suite, arch)).set_names()
    layers = {
        layer
        for variant in CATALOG.variants.values()
        if variant.suites is None or suite in variant.suites
        for layer in variant.layers
    }
    assert layers <= set(images)
    assert set(images).isdisjoint(build)


def test_build_locks_that_are_there_are_renewed_only_on_purpose() -> None:
    usual = {job.name for job in plan_jobs(Path(), [])}
    assert usual == {f"{suite}_{arch}" for suite, arch in ALL}
    everything = {job.name for job in plan_jobs(Path(), [], build=True)}
    assert everything == usual | {f"build/{name}" for name in usual}
    # Of a suite that is new, they are made with the others.
    assert {
        job.name for job in wanted(plan_jobs(Path(), [], build=True), Path("/"), build=False)
    } == (everything)


def test_one_suite_has_all_tools() -> None:
    """//toolchains/cc:build_sets.bzl takes the suite that has the interpreter."""
    tools = {
        "build_sysroot", "cc_musl", "debug_tools", "emulator", "hosttools", "musl", "oci_tools",
        "python",
    }  # fmt: skip
    found = {
        suite: tools & set(lockfile.read(path_of(suite, "amd64", build=True)).set_names())
        for suite in PLAN.archs
    }
    assert [names for names in found.values() if names] == [tools]
