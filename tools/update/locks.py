"""Locking every suite and architecture anew, each by itself; one that fails keeps no other back."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tools.packages.debian import lock_debian, lockfile
from tools.packages.debian.lock_debian import LOCKS, Job, JobResult
from tools.packages.debian.lockfile import Lock
from tools.packages.debian.mirrors import Mirror
from tools.update.packages import Change, compare, older

# What an error is told with; all of it is on standard error.
_LINES = 2


@dataclass(frozen=True)
class Narrowed:
    """What is to be locked: empty is all of it."""

    suites: Sequence[str] = ()
    archs: Sequence[str] = ()
    pockets: Sequence[str] = ()

    def __bool__(self) -> bool:
        """Whether anything is left out."""
        return bool(self.suites or self.archs or self.pockets)


@dataclass(frozen=True)
class Renewed:
    """A lock as it would be now.

    Attributes:
        name: as in the file's name.
        old: None where there is none, or it is damaged.
        changes: of packages, by name.
        less: why a part of the archive was left out that was not available; else empty.
        back: packages that would go back to an older version, which nobody has accepted; then the
            lock stays as it is.
    """

    name: str
    old: Lock | None
    new: Lock
    changes: tuple[Change, ...] = ()
    less: str = ""
    back: tuple[Change, ...] = ()

    @property
    def suite(self) -> str:
        """The suite."""
        return self.new.suite

    @property
    def written(self) -> bool:
        """Whether the file is to change."""
        return self.old != self.new and not self.back


@dataclass(frozen=True)
class Failed:
    """A lock that could not be renewed.

    Attributes:
        why: its first lines.
        content: whether that is because a locked version has other bytes now.
    """

    suite: str
    name: str
    why: str
    content: bool


def jobs(root: Path, mirrors: Sequence[Mirror], narrowed: Narrowed) -> list[Job]:
    """What is to be locked, by the catalog of the checkout.

    Raises:
        CatalogError: the catalog is at fault.
        ResolveError: ``narrowed`` names what isn't in it.
    """
    # Nothing can be installed without main.
    pockets = ("main", *narrowed.pockets) if narrowed.pockets else lockfile.POCKETS
    return lock_debian.plan_jobs(
        root, mirrors, suites=narrowed.suites, archs=narrowed.archs, pockets=pockets
    )


def _again(job: Job, result: JobResult) -> Job | None:
    """A failed job, for what its lock has of the archive: a mirror may lack the rest."""
    if result.after is not None or result.content_changed or result.before is None:
        return None
    pockets = result.before.pockets
    return replace(job, pockets=pockets) if set(pockets) < set(job.pockets) else None


def renew(
    root: Path, asked: Sequence[Job], keyring: Path, accepted: Sequence[str]
) -> list[Renewed | Failed]:
    """Lock all that is asked; says on stderr how far it is. Writes nothing."""
    folder = root / LOCKS
    first = lock_debian.lock_all(asked, keyring, folder, write=False, accepted=accepted)
    less = {
        result.name: job
        for one, result in zip(asked, first, strict=True)
        if (job := _again(one, result)) is not None
    }
    second: dict[str, JobResult] = {}
    if less:
        print("once more, with what those locks have of the archive:", file=sys.stderr)
        results = lock_debian.lock_all(
            list(less.values()), keyring, folder, write=False, accepted=accepted
        )
        second = {result.name: result for result in results}
    return [_outcome(result, second.get(result.name), accepted) for result in first]


def _outcome(
    result: JobResult, again: JobResult | None, accepted: Sequence[str]
) -> Renewed | Failed:
    best = result if again is None else again
    if best.after is None:
        print(f"{result.name}: {result.error}", file=sys.stderr)
        return Failed(result.suite, result.name, _short(result.error), best.content_changed)
    changes = tuple(compare(best.before, best.after))
    back = tuple(older(changes, accepted))
    less = "" if again is None else _short(result.error)
    return Renewed(best.name, best.before, best.after, changes, less, back)


def _short(error: str) -> str:
    lines = [line.strip() for line in error.splitlines() if line.strip()]
    return "\n".join([*lines[:_LINES], *(["…"] if len(lines) > _LINES else [])])


def files(results: Sequence[Renewed | Failed]) -> Mapping[str, str]:
    """The new text of each lock file that changes, by its path in the checkout."""
    return {
        f"{LOCKS}/{one.name}.lock": one.new.text()
        for one in results
        if isinstance(one, Renewed) and one.written
    }
