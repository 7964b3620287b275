"""The locks of one of Ubuntu's suites against the catalog: every set, every name asked for."""

import os
from pathlib import Path

import pytest

from tools.packages.debian import lockfile, package_sets
from tools.packages.debian.lockfile import Lock
from tools.packages.ubuntu.lock_ubuntu import LOCKS, load_plan

SUITE = os.environ["SUITE"]
PLAN = load_plan(Path("catalog"))
REMEDY = f"stale: ./bazelw run //tools:lock -- {SUITE}"


@pytest.mark.parametrize("build", [False, True])
@pytest.mark.parametrize("arch", os.environ["ARCHS"].split())
def test_lock_has_what_the_catalog_asks_for(arch: str, *, build: bool) -> None:
    path = LOCKS / Lock(SUITE, arch, "", build=build).path
    assert arch in PLAN.halves[SUITE], f"remove {path}"
    lock = lockfile.read(path)
    assert path.read_text() == lock.text(), "edited by hand?"
    sets = {s.name: s for s in package_sets.sets_for(PLAN.suites[SUITE], arch, build=build)}
    assert lock.set_names() == tuple(sorted(sets)), REMEDY
    for name, package_set in sets.items():
        packages = lock.in_set(name)
        requested = {p.name for p in packages if p.sets[name]}
        # minbase counts as automatically installed; see catalog/package_sets.yaml
        assert requested == (set() if package_set.minbase else set(package_set.packages)), REMEDY
