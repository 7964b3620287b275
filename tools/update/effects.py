"""What newer packages and releases mean for building and publishing: images, layers, time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from tools.catalog.model import Catalog
from tools.packages.debian.lockfile import Lock
from tools.update.locks import Renewed

# The set that the layer of CPython's run-time libraries picks from.
_LIBRARIES = "libraries"


@dataclass(frozen=True)
class Layers:
    """Layers of one variant that change.

    Attributes:
        names: the package sets they are made of, bottom first; those above the first that changes
            hold its record in dpkg's database, so they are new, too.
        images: how many Python images have them, of one platform.
        size: of the .debs in these layers, bytes, in all platforms.
    """

    suite: str
    variant: str
    platforms: tuple[str, ...]
    names: tuple[str, ...]
    images: int
    size: int


@dataclass(frozen=True)
class Compile:
    """A build of CPython that is to be made: a release on a suite, for some platforms."""

    release: str
    suite: str
    platforms: tuple[str, ...]


@dataclass(frozen=True)
class Effects:
    """All of it.

    Attributes:
        fetched: bytes of .debs that no lock had before.
    """

    layers: tuple[Layers, ...] = ()
    compiles: tuple[Compile, ...] = ()
    fetched: int = 0

    @property
    def pushed(self) -> int:
        """Bytes of .debs in layers that are to be pushed anew; layers have about that size."""
        return sum(one.size for one in self.layers)


def _size(lock: Lock, names: Iterable[str]) -> int:
    held = set(names)
    return sum(one.size for one in lock.packages if held & set(one.sets))


def _platform(catalog: Catalog, lock: Lock) -> str:
    """The platform of the suite that a lock is for."""
    return next(
        name
        for name in catalog.suites[lock.suite].platforms
        if catalog.platforms[name].debian == lock.arch
    )


def everywhere(catalog: Catalog) -> frozenset[str]:
    """The package sets that all images have packages of."""
    every = [frozenset(variant.layers) for variant in catalog.variants.values()]
    return frozenset.intersection(*every) | {_LIBRARIES}


def layers(catalog: Catalog, renewed: Sequence[Renewed]) -> list[Layers]:
    """The layers that newer locks change."""
    found: dict[tuple[str, str, tuple[str, ...]], dict[str, int]] = {}
    for one in renewed:
        if one.new.build:
            continue
        touched = {name for change in one.changes for name in change.sets}
        for variant in catalog.variants.values():
            if variant.suites is not None and one.new.suite not in variant.suites:
                continue
            sets = (*variant.layers, *variant.above)
            first = next((at for at, name in enumerate(sets) if name in touched), None)
            if first is not None:
                names = sets[first:]
                names += (_LIBRARIES,) if _LIBRARIES in touched else ()
                platforms = found.setdefault((one.new.suite, variant.name, names), {})
                platforms[_platform(catalog, one.new)] = _size(one.new, names)
    counts = _images(catalog)
    return [
        Layers(
            suite,
            variant,
            tuple(sizes),
            names,
            counts.get((suite, variant), 0),
            sum(sizes.values()),
        )
        for (suite, variant, names), sizes in found.items()
    ]


def _images(catalog: Catalog) -> dict[tuple[str, str], int]:
    counts: dict[tuple[str, str], int] = {}
    for image in catalog.images():
        which = image.suite.name, image.variant.name
        counts[which] = counts.get(which, 0) + 1
    return counts


def compiles(before: Catalog, after: Catalog, renewed: Sequence[Renewed]) -> list[Compile]:
    """The builds of CPython that a changed catalog, or a changed build lock, makes new."""
    known = _built(before)
    anew = {one.suite for one in renewed if one.new.build}
    made: list[Compile] = []
    for (release, suite), platforms in _built(after).items():
        had = () if suite in anew else known.get((release, suite), ())
        fresh = tuple(one for one in platforms if one not in had)
        if fresh:
            made.append(Compile(release, suite, fresh))
    return made


def _built(catalog: Catalog) -> Mapping[tuple[str, str], Sequence[str]]:
    """The platforms of each release on each suite; a variant shares another's build."""
    found: dict[tuple[str, str], dict[str, None]] = {}
    for image in catalog.images():
        platforms = found.setdefault((image.version.name, image.suite.name), {})
        platforms.update(dict.fromkeys(image.platforms))
    return {which: list(platforms) for which, platforms in found.items()}


def fetched(renewed: Sequence[Renewed], every: Iterable[Lock]) -> int:
    """Bytes of packages that none of the locks ``every`` had before."""
    known = {package.sha256 for lock in every for package in lock.packages}
    fresh = {
        package.sha256: package.size
        for one in renewed
        for package in one.new.packages
        if package.sha256 not in known
    }
    return sum(fresh.values())


def work_out(
    before: Catalog, after: Catalog, renewed: Sequence[Renewed], every: Iterable[Lock]
) -> Effects:
    """What the changes of catalog and locks mean."""
    return Effects(
        tuple(layers(after, renewed)),
        tuple(compiles(before, after, renewed)),
        fetched(renewed, every),
    )
