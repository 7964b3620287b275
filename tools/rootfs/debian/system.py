"""The system that grows layer by layer: unpacks packages and applies what their scripts do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tools.rootfs.arch import USR_MERGED, Arch
from tools.rootfs.command import relock
from tools.rootfs.debian import slim
from tools.rootfs.debian.package import Package, unpack_all
from tools.rootfs.debian.programs import Programs
from tools.rootfs.debian.scripts import ReviewedScript, ScriptTable
from tools.rootfs.debian.shell import Alternative
from tools.rootfs.debian.spec import Sources
from tools.rootfs.rootfs_error import RootfsError
from tools.rootfs.tree import Entry, Tree


@dataclass(frozen=True, slots=True)
class Diversion:
    """dpkg-divert's record: files of other packages at `path` would go to `to` instead."""

    path: str
    to: str
    package: str


@dataclass(frozen=True, slots=True)
class Module:
    """A module of Debian's Python: where programs find it, and the file's time, mode and source."""

    path: str
    mtime: int
    mode: int
    source: bytes


@dataclass(slots=True)
class System:
    """A root file system together with its package database.

    Attributes:
        suite: Debian suite, such as ``bookworm``.
        arch: its architecture.
        tree: the files.
        packages: what is installed, by name.
        requested: names of the packages someone asked for, as apt-mark's manual ones.
        diversions: what dpkg-divert has been told.
        alternatives: choices by the name of their group, in order of registration.
        slim: whether documentation and translations are left out.
        programs: of the build machine; None where nothing needs any.
        modules: those of Debian's Python to be compiled, by the path of the byte code; see
            effects/python.py.
        database_inputs: files that databases were made of, by what their names begin with.
        sources: what apt is to ask, of a new system of Ubuntu's.
    """

    suite: str
    arch: Arch
    tree: Tree
    slim: bool
    packages: dict[str, Package] = field(default_factory=dict)
    requested: set[str] = field(default_factory=set)
    diversions: list[Diversion] = field(default_factory=list)
    alternatives: dict[str, list[Alternative]] = field(default_factory=dict)
    programs: Programs | None = None
    modules: dict[str, Module] = field(default_factory=dict)
    database_inputs: dict[str, tuple[str, ...]] = field(default_factory=dict)
    sources: Sources | None = None

    @property
    def epoch(self) -> int:
        """The time everything the uppermost layer computes carries, in seconds since 1970."""
        return self.tree.epoch


Effect = Callable[[System, ReviewedScript], None]


def new_system(suite: str, arch: Arch, epoch: int, slim_variant: bool) -> System:
    """An empty system with a merged /usr."""
    names = (*USR_MERGED, *arch.lib_links)
    return System(suite, arch, Tree(epoch, {name: f"usr/{name}" for name in names}), slim_variant)


def install(
    system: System,
    packages: Sequence[Package],
    table: ScriptTable,
    effects: dict[str, Effect],
    generated: Effect,
) -> None:
    """Unpack packages into the system and do what their scripts do.

    Effects are applied in the order of `effects`, for packages in order of name; `generated`, last,
    to every script. Into an empty system nothing is left out while unpacking; later packages are
    filtered as dpkg does when its configuration says so.
    """
    first = not system.packages
    packages = _only_new(system, packages)
    reviewed = table.review(packages, system.arch)
    for script in reviewed:
        _divert(system, script)
    unpack_all(packages)
    for package in packages:
        system.packages[package.name] = package
        if package.requested:
            system.requested.add(package.name)
        _unpack(system, package, filtered=system.slim and not first)
    if first:
        _merge_usr(system)
    system.tree.finish()
    for name, effect in effects.items():
        for script in reviewed:
            if script.rule is not None and name in script.rule.effects:
                effect(system, script)
    for script in reviewed:
        _require_no_tmpfiles(system, script)
        generated(system, script)


def _only_new(system: System, packages: Sequence[Package]) -> list[Package]:
    """Leave out what a layer below has; asking for it by name still makes it requested."""
    new: list[Package] = []
    for package in packages:
        below = system.packages.get(package.name)
        if below is None:
            new.append(package)
        elif below.version != package.version:
            raise RootfsError(
                package.name,
                f"is {package.version} here and {below.version} in a layer below",
                relock(
                    "Lock all sets of a suite at once: ./bazelw run //tools:lock",
                    "Lock this layer's packages anew: bazel run their debian_lock",
                ),
            )
        elif package.requested:
            system.requested.add(package.name)
    return new


def _divert(system: System, script: ReviewedScript) -> None:
    if script.rule is None:
        return
    for path, to in script.rule.diversions:
        real = path.replace("@TRIPLET@", system.arch.triplet)
        # As dpkg, by the path in the packages: /lib/a and /usr/lib/a are two.
        owners = [
            package.name
            for package in system.packages.values()
            for file in package.files
            if file.path == real.lstrip("/")
        ]
        if owners:
            raise RootfsError(
                real,
                f"of {owners[0]}, in a layer below, would be moved to {to} by "
                f"{script.script.package}",
                "Put both packages into one layer: a layer can't take away what is below it.",
            )
        system.diversions.append(
            Diversion(real, to.replace("@TRIPLET@", system.arch.triplet), script.script.package)
        )


def _diverted(system: System, package: Package, path: str) -> str:
    """Where a package's file goes: as dpkg does it, its lists keep the path of the package."""
    for diversion in system.diversions:
        if diversion.package != package.name and path == diversion.path.lstrip("/"):
            return diversion.to.lstrip("/")
    return path


def _unpack(system: System, package: Package, *, filtered: bool) -> None:
    for file in package.files:
        if filtered and slim.dpkg_skips(file.path, file.entry.kind):
            continue
        entry = file.entry
        if entry.kind == "hardlink":
            target = system.tree.normalise(_diverted(system, package, entry.target))
            entry = Entry(
                "hardlink", entry.mode, entry.uid, entry.gid, entry.mtime, target,
                source=package.name,
            )  # fmt: skip
        system.tree.add(_diverted(system, package, file.path), entry)


def _merge_usr(system: System) -> None:
    """Links /bin and its like, unless base-files ships the links (as from trixie on)."""
    for name in (*USR_MERGED, *system.arch.lib_links):
        entry = system.tree.get(name)
        if entry is None:
            system.tree.symlink(name, f"usr/{name}", source="merged /usr")
        elif entry.target != f"usr/{name}":
            raise RootfsError(
                f"/{name}", f"is a {entry.kind} of {entry.source}", "Review the merged /usr."
            )


def _require_no_tmpfiles(system: System, script: ReviewedScript) -> None:
    if script.script.snippets.tmpfiles and "usr/bin/systemd-tmpfiles" in system.tree:
        raise RootfsError(
            f"{script.script.name} of {script.script.package}",
            "calls systemd-tmpfiles, which this system has",
            "Creating what tmpfiles.d describes isn't implemented: "
            "see tools/rootfs/debian/system.py.",
        )
