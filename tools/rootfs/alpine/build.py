"""Computes the Alpine layer a spec describes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.rootfs import layer
from tools.rootfs.alpine.database import write_database
from tools.rootfs.alpine.effects import EFFECTS
from tools.rootfs.alpine.package import Package, load_packages
from tools.rootfs.alpine.scripts import load_table, review
from tools.rootfs.alpine.select import select_packages
from tools.rootfs.alpine.spec import Spec
from tools.rootfs.alpine.system import System, install
from tools.rootfs.tree import Entry, Tree, newest

TABLE = Path(__file__).with_name("scripts.toml")
_SETTINGS = "container settings"


@dataclass(frozen=True, slots=True)
class Result:
    """A computed layer: the whole system it ends in, and the entries it adds."""

    system: System
    layer: dict[str, Entry]


def build(spec: Spec, table_path: Path = TABLE) -> Result:
    """Compute the layer. Raises RootfsError."""
    table = load_table(table_path, EFFECTS)
    system = System(Tree(0, {}), spec.arch)
    needed: set[str] = set()

    def add(packages: Sequence[Package], epoch: int | None) -> None:
        first = not system.packages
        own = [package.time for package in packages if package.name not in system.packages]
        system.tree.begin(newest(epoch, own, system.tree.epoch))
        before = _entries(system)
        added = install(system, packages)
        rules = review(added, table, f"tools/rootfs/alpine/{table_path.name}")
        for rule in rules.values():
            needed.update(rule.effects)
        # A trigger runs when anything is added below its directories. Effects give the same again
        # where there's nothing new, so all of those that any package needs are applied each time.
        for name, effect in EFFECTS.items():
            if name in needed:
                effect(system)
        write_database(system)
        if first:
            _configure(system, spec)
        system.tree.finish()
        system.tree.keep_times(before)

    below: dict[str, Entry] = {}
    for package_set, epoch in spec.below:
        add(load_packages(package_set, spec.arch.name), epoch)
        below = _entries(system)
    for package_set in spec.add:
        add(load_packages(package_set, spec.arch.name), spec.epoch)
    if spec.select is not None:
        candidates = load_packages(spec.select.candidates, spec.arch.name)
        add(select_packages(system, candidates, spec.select.programs), spec.epoch)
    return Result(system, layer.layer_of(below, _entries(system)))


def _configure(system: System, spec: Spec) -> None:
    """What Alpine's own root file systems have on top of their packages."""
    tree = system.tree
    text = "".join(f"{url}\n" for url in spec.repositories)
    tree.put("etc/apk/repositories", text, source=_SETTINGS)
    shadow = tree.get("etc/shadow")
    if shadow is not None:
        # Nobody logs in as root without a password.
        locked = re.sub(r"^root::", "root:*:", tree.read_text("etc/shadow"), flags=re.MULTILINE)
        tree.put(
            "etc/shadow", locked, source=_SETTINGS, mode=shadow.mode, uid=shadow.uid, gid=shadow.gid
        )


def _entries(system: System) -> dict[str, Entry]:
    return {"": system.tree.root, **system.tree.entries}


def installed(system: System) -> str:
    """JSON: all packages of the system by name."""
    return layer.installed(
        layer.Installed(
            name=package.name,
            version=package.version,
            architecture=package.apk.one("arch"),
            requested=package.name in system.requested,
            source=package.apk.one("origin", package.name),
            source_version=package.version,
        )
        for package in system.packages.values()
    )
