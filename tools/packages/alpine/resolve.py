"""Dependency resolution: which packages make a system that has what was asked for.

As for apk, the newest provider of a name is taken, then the one of the highest priority, then the
one of the first repository; names without a version may have many providers, and packages with
`install_if` come by themselves. Unlike apk this searches: a choice that leads to a contradiction
is taken back, so that it finds a system where there is one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from tools.formats.alpine import version as versions
from tools.formats.alpine.alpine_error import AlpineError
from tools.formats.alpine.dependency import Dependency
from tools.formats.alpine.index import IndexPackage

# A system of Alpine's takes a few hundred steps; beyond this the indexes can't be right.
_STEPS = 20_000


class ResolveError(AlpineError):
    """There is no such system; the message says which dependency is in the way."""


@dataclass(frozen=True)
class Provider:
    """A package as provider of one name, in a version or (None) in no certain one."""

    package: IndexPackage
    version: str | None

    @cached_property
    def rank(self) -> tuple[object, ...]:
        """Sort key: the provider to take first has the greatest."""
        none: tuple[object, ...] = ()
        return (
            self.version is not None,
            versions.key(self.version) if self.version is not None else none,
            self.package.priority,
            -self.package.repository,
            versions.key(self.package.version),
        )


def offers(package: IndexPackage) -> Iterator[tuple[str, str | None]]:
    """All names a package stands for, its own first, with their versions."""
    yield package.name, package.version
    for provided in package.provides:
        if not provided.conflict:
            yield provided.name, provided.version if provided.operator else None


class Universe:
    """The packages there are.

    Attributes:
        providers: by name, the one to take first at the front.
        triggered: packages that install themselves.
    """

    def __init__(self, packages: Iterable[IndexPackage]) -> None:
        found: dict[str, list[Provider]] = {}
        self.triggered: list[IndexPackage] = []
        # By name last, so that the result never depends on the index's order.
        for package in sorted(packages, key=lambda p: (p.name, p.repository)):
            for name, version in offers(package):
                found.setdefault(name, []).append(Provider(package, version))
            if package.install_if:
                self.triggered.append(package)
        self.providers: Mapping[str, Sequence[Provider]] = {
            name: sorted(providers, key=lambda p: p.rank, reverse=True)
            for name, providers in found.items()
        }

    def named(self, name: str) -> list[IndexPackage]:
        """The packages of that very name, newest first."""
        return [p.package for p in self.providers.get(name, ()) if p.package.name == name]


@dataclass
class _State:
    """A system in the making: what is in it, and what is still to be seen to."""

    chosen: dict[str, IndexPackage] = field(default_factory=dict)
    offered: dict[str, tuple[Provider, ...]] = field(default_factory=dict)
    conflicts: dict[str, tuple[tuple[str, Dependency], ...]] = field(default_factory=dict)
    # (who asks, for what)
    agenda: list[tuple[str, Dependency]] = field(default_factory=list)
    waiting: list[tuple[str, Dependency]] = field(default_factory=list)

    def copy(self) -> _State:
        return _State(
            dict(self.chosen),
            dict(self.offered),
            dict(self.conflicts),
            list(self.agenda),
            list(self.waiting),
        )

    def satisfied(self, dependency: Dependency) -> bool:
        return any(
            dependency.accepts(provider.version)
            for provider in self.offered.get(dependency.name, ())
        )

    def ask(self, who: str, dependencies: Iterable[Dependency]) -> None:
        for dependency in dependencies:
            if dependency.conflict:
                name = dependency.name
                self.conflicts[name] = (*self.conflicts.get(name, ()), (who, dependency))
            else:
                self.agenda.append((who, dependency))

    def add(self, package: IndexPackage) -> None:
        self.chosen[package.name] = package
        for name, version in offers(package):
            self.offered[name] = (*self.offered.get(name, ()), Provider(package, version))
        self.ask(package.name, package.depends)

    def objection(self, package: IndexPackage) -> str:
        """Why the package can't be added; empty if it can."""
        other = self.chosen.get(package.name)
        if other is not None:
            return f"{other.name} is {other.version} already"
        for name, version in offers(package):
            for present in self.offered.get(name, ()):
                # Any number of packages may provide a name without a version.
                if version is not None or present.version is not None:
                    return f"{package.name} and {present.package.name} both provide {name}"
            for who, conflict in self.conflicts.get(name, ()):
                if who != package.name and conflict.accepts(version):
                    return f"{who} conflicts with {package.name} ({conflict})"
        for dependency in package.depends:
            for present in self.offered.get(dependency.name, ()):
                if dependency.conflict and dependency.accepts(present.version):
                    return f"{package.name} conflicts with {present.package.name} ({dependency})"
        for who, dependency in self.agenda:
            if dependency.name == package.name and not dependency.accepts(package.version):
                return f"{who} needs {dependency}, not {package.version}"
        return ""


def resolve(
    universe: Universe,
    world: Iterable[Dependency],
    below: Iterable[IndexPackage] = (),
) -> list[IndexPackage]:
    """The packages to add, sorted by name, so that `world` is satisfied on a system of `below`.

    Raises ResolveError when there is no way, or several and nothing that decides between them.
    """
    state = _State()
    for package in below:
        state.add(package)
    present = set(state.chosen)
    state.ask("the package set", sorted(world, key=str))
    solution = _search(universe, state)
    return [solution.chosen[name] for name in sorted(set(solution.chosen) - present)]


def _search(universe: Universe, state: _State) -> _State:
    # States to return to, each with the providers not tried yet.
    choices: list[tuple[_State, list[IndexPackage]]] = []
    first_problem = ""
    for _ in range(_STEPS):
        problem = ""
        if state.agenda:
            problem = _one(universe, state, choices)
        elif state.waiting:
            who, dependency = state.waiting.pop()
            if not state.satisfied(dependency):
                problem = _undecided(universe, who, dependency)
        else:
            package = _triggered(universe, state)
            if package is None:
                return state
            state.add(package)
        if problem:
            first_problem = first_problem or problem
            if not choices:
                raise ResolveError("dependencies", first_problem)
            saved, others = choices.pop()
            state = saved.copy() if len(others) > 1 else saved
            if len(others) > 1:
                choices.append((saved, others[1:]))
            state.add(others[0])
    raise ResolveError(
        "dependencies", f"no system found in {_STEPS} steps; at first {first_problem}"
    )


def _one(
    universe: Universe, state: _State, choices: list[tuple[_State, list[IndexPackage]]]
) -> str:
    """Sees to the next dependency; returns what's wrong if nothing satisfies it."""
    who, dependency = state.agenda.pop(0)
    if state.satisfied(dependency):
        return ""
    objections: list[str] = []
    possible: list[Provider] = []
    for provider in universe.providers.get(dependency.name, ()):
        if not dependency.accepts(provider.version):
            objections.append(f"{provider.package.name} {provider.package.version} isn't")
            continue
        objection = state.objection(provider.package)
        if objection:
            objections.append(objection)
        else:
            possible.append(provider)
    if not possible:
        detail = f": {'; '.join(objections[:5])}" if objections else ", which nothing provides"
        return f"{who} needs {dependency}{detail}"
    decided = [
        provider.package
        for provider in possible
        # Which of several that offer a name without version is the user's choice, unless they say.
        if provider.version is not None or provider.package.priority
    ]
    if not decided:
        state.waiting.append((who, dependency))
        return ""
    if len(decided) > 1:
        choices.append((state.copy(), decided[1:]))
    state.add(decided[0])
    return ""


def _undecided(universe: Universe, who: str, dependency: Dependency) -> str:
    names = sorted({p.package.name for p in universe.providers.get(dependency.name, ())})
    return (
        f"{who} needs {dependency}, provided by {', '.join(names)}: "
        "name the one to take in the package set"
    )


def _triggered(universe: Universe, state: _State) -> IndexPackage | None:
    """A package to add because all it waits for is there; None if there's none (any more)."""
    for package in universe.triggered:
        if package.name in state.chosen:
            continue
        if all(
            state.satisfied(Dependency(d.name, d.operator, d.version)) != d.conflict
            for d in package.install_if
        ) and not state.objection(package):
            return package
    return None
