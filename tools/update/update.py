"""Bring the catalog and the locks up to date, as one transaction with a plan.

New releases of CPython and Debian, newer packages, ends of support, and what is recorded of the
Bazel modules that MODULE.bazel files name.
"""

from __future__ import annotations

import argparse
import datetime
import os
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from types import FrameType

from tools.catalog import load
from tools.catalog.catalog_error import CatalogError
from tools.catalog.model import Catalog
from tools.cli import command
from tools.modules import facts
from tools.modules.facts import FactsError
from tools.packages.debian import lock_debian, lockfile, mirrors, resolve
from tools.packages.debian.lock_debian import LOCKS, Job
from tools.packages.debian.mirrors import Mirror
from tools.packages.lines import LockError
from tools.pages.apidocs.page import StarlarkError
from tools.update import (
    candidate,
    checks,
    effects,
    locks,
    modules,
    options,
    other_locks,
    plan,
    security,
    summary,
    transaction,
    tree,
)
from tools.update.candidate import Candidate, Verified
from tools.update.edit import Edited, Suites, Versions, Windows
from tools.update.fetch import Fetcher, UnreachableError
from tools.update.locks import Failed, Narrowed, Renewed
from tools.update.other_locks import Others
from tools.update.packages import Change
from tools.update.plan import Check, Plan
from tools.update.sources import Found, Sources
from tools.update.summary import Report
from tools.update.transaction import TransactionError

_ERRORS = (
    CatalogError,
    FactsError,
    StarlarkError,
    TransactionError,
    UnreachableError,
    checks.BrokenError,
    resolve.ResolveError,
)
TRACKER = "DEBIAN_SECURITY_TRACKER"


class Update:
    """One run: ask the sources, lock, plan, do, check."""

    def __init__(self, asked: argparse.Namespace, root: Path) -> None:
        self._asked = asked
        self._root = root
        self._fetcher = Fetcher(asked.stream)
        self._narrowed = Narrowed(asked.suite, asked.arch, asked.pocket)
        self._catalog: Catalog = load.load(root / "catalog", Path("catalog"))
        self._facts = facts.load(root)
        self._results: list[Renewed | Failed] = []
        self._others = Others()
        self._unlocked = ""  # why nothing could be locked
        self._verified: dict[str, Verified | Exception] = {}

    def _say(self, text: str) -> None:
        print(text, file=self._asked.stream, flush=True)

    def _found(self) -> Found:
        sources = Sources(self._asked, self._root, self._catalog, self._facts)
        if not self._narrowed:
            return sources.everything()
        # A part of a suite is no point release.
        part = self._asked.arch or self._asked.pocket
        return sources.suites([] if part else self._asked.suite)

    def _jobs(self) -> list[Job]:
        """What is to be locked. Raises ResolveError if the command line names what there isn't."""
        if self._asked.no_locks and not self._narrowed:
            return []
        made = locks.jobs(self._root, self._mirrors(), self._narrowed)
        return [] if self._asked.no_locks else made

    def _mirrors(self) -> list[Mirror]:
        return mirrors.find_mirrors([self._asked.mirror] if self._asked.mirror else [])

    def _lock(self, asked: Sequence[Job]) -> None:
        """Resolve all that is to be locked."""
        try:
            resolve.require_apt()
            keyring = resolve.find_keyring(self._asked.keyring)
        except resolve.ResolveError as error:
            self._unlocked = str(error)
            return
        self._results = locks.renew(self._root, asked, keyring, self._asked.accept)
        if not self._narrowed:
            self._others = other_locks.renew(self._root, self._asked.accept)

    @cached_property
    def _known(self) -> dict[str, lockfile.Lock | LockError]:
        """The locks that there are, by path in the checkout; of a damaged one what is wrong."""
        known: dict[str, lockfile.Lock | LockError] = {}
        for file in sorted((self._root / LOCKS).rglob("*.lock")):
            name = file.relative_to(self._root).as_posix()
            try:
                known[name] = lockfile.read(file)
            except LockError as error:
                known[name] = error
        return known

    @property
    def _renewed(self) -> list[Renewed]:
        """The locks that change."""
        return [one for one in self._results if isinstance(one, Renewed) and one.written]

    def _verify(self, offers: list[Candidate]) -> Verified:
        """As candidate.verify, but each source is fetched once."""
        name = str(offers[0].release)
        if name not in self._verified:
            try:
                self._verified[name] = candidate.verify(offers, self._fetcher)
            except (UnreachableError, candidate.MismatchError) as error:
                self._verified[name] = error
        known = self._verified[name]
        if isinstance(known, Exception):
            raise known
        return known

    def _there(self, offers: list[Candidate]) -> Verified:
        return candidate.there(offers, self._asked.today, self._fetcher)

    def _draft(self, found: Found, check: Check) -> tuple[Plan, tree.Files]:
        """The plan, and the files that it changes; ``check`` says whether a release is available.

        Raises:
            CatalogError: --add names what can't be added, or a file of the catalog is at fault.
        """
        made = Plan(skipped=list(found.skipped))
        versions = Versions(self._root / "catalog" / "versions.yaml")
        suites = Suites(self._root / "catalog" / "suites.yaml")
        if not self._narrowed:
            wishes = plan.Wishes(
                self._asked.today, self._asked.add, self._asked.declare, self._asked.keep
            )
            offers = candidate.by_release(found.offers)
            rows = plan.Releases(self._catalog, offers, versions, made, wishes)
            rows.run(check, found.python_ends)
            plan.python_ends(self._catalog, found.python_ends, versions, made)
            plan.debian_ends(self._catalog, found.debian_ends, suites, made)
            plan.long_term(
                self._catalog,
                found.debian_ends,
                found.supported,
                self._asked.today,
                suites,
                made,
            )
        for suite, number in found.point_releases.items():
            plan.point_release(
                self._catalog, suite, number, suites, made, locked=self._locked(suite)
            )
        after = tree.catalog(self._root, self._edited(versions, suites))
        plan.day(after, self._asked.today, versions, made)
        windows = Windows(self._root / "catalog" / "windows.yaml")
        plan.windows_files(self._catalog, after, found.windows, windows, made)
        files: dict[str, str | None] = {**self._edited(versions, suites, windows)}
        self._plan_locks(made)
        files.update(locks.files(self._results))
        files.update(self._others.files)
        if self._results and not self._narrowed:
            gone = [path.as_posix() for path in lock_debian.orphans(self._root)]
            made.changes += [f"{name} is of nothing in the catalog: removed" for name in gone]
            files.update(dict.fromkeys(gone))
        made.failures += [
            str(error)
            for name, error in self._known.items()
            if isinstance(error, LockError) and name not in files
        ]
        made.changes += modules.news(self._facts, found.facts)
        if found.facts != self._facts:
            files[str(facts.FILE)] = found.facts.text()
        tree.catalog(self._root, files)
        return made, files

    def _edited(self, *files: Edited) -> dict[str, str]:
        """The new text of those that change, by path in the checkout."""
        return {
            file.file.relative_to(self._root).as_posix(): file.text()
            for file in files
            if file.changed
        }

    def _locked(self, suite: str) -> bool:
        """Whether all locks of a suite were made today, from all parts of the archive."""
        ours = [one for one in self._results if one.suite == suite]
        whole = bool(ours) and not self._asked.arch and not self._asked.pocket
        return whole and all(
            isinstance(one, Renewed) and not one.less and not one.back for one in ours
        )

    def _plan_locks(self, made: Plan) -> None:
        if self._unlocked:
            made.failures.append(f"locks: {self._unlocked}")
        changes = [change for one in self._renewed for change in one.changes]
        if self._renewed:
            made.changes.append(summary.locked(changes, [one.name for one in self._renewed]))
        for one in self._results:
            if isinstance(one, Failed):
                if one.content:
                    made.alarms.append(summary.content(one))
                else:
                    made.failures.append(f"lock of {one.name}: {one.why}")
                continue
            made.alarms.extend(summary.back(change) for change in one.back)
            if one.less:
                parts = ", ".join(one.new.pockets)
                made.failures.append(f"lock of {one.name}: only {parts} were available: {one.less}")
        made.changes += self._others.changes
        made.alarms += self._others.alarms
        made.failures += self._others.failures

    def _numbers(
        self, changes: Sequence[Change], made: Plan
    ) -> tuple[dict[security.Key, frozenset[str]], list[str]]:
        """CVE numbers of what newer packages mend; a source that fails only lacks its own."""
        found, unread = security.from_changelogs(changes, self._mirrors(), self._fetcher)
        data = os.environ.get(TRACKER, "")
        if data and changes:
            try:
                found = security.merged(found, security.from_tracker(changes, data))
            except security.CvesError as error:
                made.skipped.append(f"Debian's security tracker: {error}")
        return found, unread

    def _report(self, made: Plan, files: tree.Files, *, done: bool) -> Report:
        changes = [change for one in self._renewed for change in one.changes]
        numbers, unread = self._numbers(changes, made)
        every = [lock for lock in self._known.values() if isinstance(lock, lockfile.Lock)]
        after = tree.catalog(self._root, files)
        meant = effects.work_out(self._catalog, after, self._renewed, every)
        everywhere = effects.everywhere(after)
        return Report(made, changes, numbers, everywhere, unread, meant, done=done)

    def run(self) -> tuple[str, int]:
        """All of it: the text for a pull request, and the exit status."""
        asked = self._jobs()
        found = self._found()
        if asked:
            self._lock(asked)
        made, files = self._draft(found, self._there)
        report = self._report(made, files, done=False)
        if self._asked.check or not files:
            return summary.render(report), made.status
        self._say("the plan:")
        self._say("\n".join(f"  - {line}" for line in made.changes))
        # Now the sources themselves, which are large.
        made, files = self._draft(found, self._verify)
        files = {**files, **tree.generated(self._root, files)}
        self._apply(files)
        try:
            self._checked(checks.test)
        except checks.BrokenError as error:
            made.failures.append(str(error))
        return summary.render(
            replace(report, plan=made, written=sorted(files), done=True)
        ), made.status

    def _checked(self, check: Callable[[Path, Sequence[str]], None]) -> None:
        if not self._asked.unchecked:
            check(self._root, self._asked.bazel)

    def _apply(self, files: tree.Files) -> None:
        """Replace the files; undo it if the checkout doesn't load then.

        Raises:
            TransactionError: they can't be written.
            BrokenError: it doesn't load.
        """
        with transaction.begin(self._root) as change:
            change.replace(files)
            try:
                self._checked(checks.load)
            except checks.BrokenError as error:
                raise checks.BrokenError(
                    f"what was found breaks the checkout, so every file is as it was: {error}"
                ) from None
            change.keep()


def _ended(number: int, frame: FrameType | None) -> None:
    """A signal's handler: leave as after an error, so that what is half done is undone."""
    del frame
    raise SystemExit(128 + number)


def main(arguments: list[str] | None = None) -> int:
    """The command line: 0 nothing to do, 1 changes or news, 2 a failure."""
    asked = options.parser().parse_args(arguments)
    asked.stream = sys.stderr
    asked.today = asked.today or datetime.datetime.now(datetime.UTC).date()
    asked.debian_suite = asked.debian_suite or ["testing", "sid"]
    status: list[int] = []

    def text() -> str:
        said, code = Update(asked, command.checkout()).run()
        status.append(code)
        return said

    before = signal.signal(signal.SIGTERM, _ended)
    try:
        return command.run(text, None, _ERRORS) or status[0]
    finally:
        signal.signal(signal.SIGTERM, before)


if __name__ == "__main__":
    sys.exit(main())
