"""update-alternatives: what scripts register, and the links and state it makes of that."""

from __future__ import annotations

from tools.rootfs.debian.scripts import ReviewedScript
from tools.rootfs.debian.shell import Alternative, alternatives_in
from tools.rootfs.debian.system import System

_SOURCE = "update-alternatives"
_LINKS = "etc/alternatives"
_STATE = "var/lib/dpkg/alternatives"


def alternatives(system: System, script: ReviewedScript) -> None:
    """Register the alternatives of the script's own text."""
    where = f"{script.script.name} of {script.script.package}"
    register(system, alternatives_in(script.script.text, where))


def register(system: System, found: list[Alternative]) -> None:
    """Add choices to their groups and make each group's links, in automatic mode."""
    for alternative in found:
        group = system.alternatives.setdefault(alternative.name, [])
        group.append(alternative)
        _write(system, group)


def _write(system: System, group: list[Alternative]) -> None:
    tree = system.tree
    best = max(group, key=lambda choice: choice.priority)
    slave_links = {name: link for choice in group for link, name, _ in choice.slaves}
    lines = ["auto", best.link]
    for name in sorted(slave_links):
        lines += [name, slave_links[name]]
    lines.append("")
    for choice in sorted(group, key=lambda choice: choice.path):
        paths = {name: path for _, name, path in choice.slaves}
        lines += [choice.path, str(choice.priority)]
        lines += [paths.get(name, "") for name in sorted(slave_links)]
    lines.append("")
    tree.put(f"{_STATE}/{best.name}", "".join(f"{line}\n" for line in lines), source=_SOURCE)
    _link(system, best.link, best.name, best.path)
    for link, name, path in best.slaves:
        # A slave that isn't there is passed over, as update-alternatives does.
        if tree.resolve(path) is not None:
            _link(system, link, name, path)


def _link(system: System, link: str, name: str, path: str) -> None:
    system.tree.symlink(f"{_LINKS}/{name}", path, source=_SOURCE)
    system.tree.symlink(link, f"/{_LINKS}/{name}", source=_SOURCE)
