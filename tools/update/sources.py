"""What the sources say: each is asked once, and one that can't be reached is left out and named."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ParamSpec, TypeVar

from tools.catalog.model import Catalog
from tools.catalog.tags import Release
from tools.modules.facts import Facts
from tools.packages.debian import mirrors, resolve
from tools.update import debian, modules, plan, python_org
from tools.update.candidate import Candidate
from tools.update.fetch import Fetcher, UnreachableError

Answer = TypeVar("Answer")
Parameters = ParamSpec("Parameters")


@dataclass
class Found:
    """The answers.

    Attributes:
        offers: CPython releases.
        windows: checksums of their files for Windows.
        point_releases: of suites, by name.
        python_ends: of minor versions, ``YYYY-MM`` or ``YYYY-MM-DD``.
        debian_ends: of suites.
        supported: of suites whose regular support is over, what their security archive is for.
        facts: of Bazel modules.
        skipped: what couldn't be asked, and why.
        answers: how many answered.
    """

    facts: Facts
    offers: list[Candidate] = field(default_factory=list)
    windows: dict[Release, dict[str, str]] = field(default_factory=dict)
    point_releases: dict[str, str] = field(default_factory=dict)
    python_ends: dict[str, str] = field(default_factory=dict)
    debian_ends: dict[str, debian.Ends] = field(default_factory=dict)
    supported: dict[str, list[str]] = field(default_factory=dict)
    skipped: list[str] = field(default_factory=list)
    answers: int = 0


class Sources:
    """Asks the sources that a command line names."""

    def __init__(
        self, asked: argparse.Namespace, root: Path, catalog: Catalog, known: Facts
    ) -> None:
        self._asked = asked
        self._root = root
        self._catalog = catalog
        self._fetcher = Fetcher(asked.stream)
        self.found = Found(known)

    def _ask(
        self,
        source: str,
        otherwise: Answer,
        question: Callable[Parameters, Answer],
        *args: Parameters.args,
        **kwargs: Parameters.kwargs,
    ) -> Answer:
        """An answer, or ``otherwise`` and a remark when the source can't be reached."""
        try:
            answer = question(*args, **kwargs)
        except (UnreachableError, resolve.ResolveError) as error:
            self.found.skipped.append(f"{source}: {error}")
            return otherwise
        self.found.answers += question != self._archive
        return answer

    def everything(self) -> Found:
        """Ask them all.

        Raises:
            UnreachableError: none could be reached.
        """
        published = self._ask("python.org", python_org.Published(), self._from_python_org)
        self.found.offers += published.candidates
        self.found.windows = published.windows
        archive = self._debian_archive()
        if archive is not None:
            self._of_debian(archive)
        never: dict[str, str] = {}
        self.found.python_ends = self._ask(
            "CPython's release cycle",
            never,
            python_org.ends_of_life,
            self._asked.peps.rstrip("/"),
            self._fetcher,
        )
        self.found.facts = self._ask(
            "Bazel's module registry",
            self.found.facts,
            modules.renewed,
            self._root,
            self._asked.registry,
            self._asked.today,
            self._fetcher,
        )
        if not self.found.answers:
            why = "; ".join(self.found.skipped)
            raise UnreachableError(f"no source could be reached: {why}")
        return self.found

    def suites(self, names: Collection[str]) -> Found:
        """Ask for the point releases of these suites alone."""
        archive = self._debian_archive() if names else None
        if archive is not None:
            self._point_releases(archive, names)
        return self.found

    def _from_python_org(self) -> python_org.Published:
        site = self._asked.python_org.rstrip("/")
        known = python_org.releases(site, self._fetcher)
        wanted = plan.wanted(self._catalog, list(known))
        rows = [(release, *known[release]) for release in wanted]
        return python_org.published(site, rows, self._fetcher)

    def _archive(self) -> debian.Archive | None:
        given = [self._asked.mirror] if self._asked.mirror else []
        keyring = None if self._asked.unsigned else resolve.find_keyring(self._asked.keyring)
        return debian.Archive(mirrors.find_mirrors(given)[0].main, keyring)

    def _debian_archive(self) -> debian.Archive | None:
        nowhere: debian.Archive | None = None
        return self._ask("Debian", nowhere, self._archive)

    def _point_releases(self, archive: debian.Archive, names: Iterable[str]) -> None:
        nothing: dict[str, str] = {}
        for suite in names:
            fields = self._ask(
                f"Debian {suite}", nothing, debian.release, archive, suite, self._fetcher
            )
            if "Version" in fields:
                self.found.point_releases[suite] = fields["Version"]

    def _of_debian(self, archive: debian.Archive) -> None:
        files: list[debian.SourceFile] = []
        for suite in self._asked.debian_suite:
            files += self._ask(f"Debian {suite}", [], debian.sources, archive, suite, self._fetcher)
        self._point_releases(archive, self._catalog.suites)
        never: dict[str, debian.Ends] = {}
        self.found.debian_ends = self._ask(
            "Debian's ends of support",
            never,
            debian.ends_of_life,
            archive,
            files,
            self._fetcher,
            self._asked.distro_info,
        )
        self.found.offers += debian.candidates(archive, files)
        self._supported()

    def _supported(self) -> None:
        """Ask which architectures are under long-term support, where that begins."""
        given = [self._asked.mirror] if self._asked.mirror else []
        archive = self._ask("Debian", None, self._archive)
        nothing: dict[str, str] = {}
        for name, suite in self._catalog.suites.items():
            ends = self.found.debian_ends.get(name)
            eol = suite.eol if ends is None else ends.eol
            if archive is None or suite.lts is not None or eol >= self._asked.today:
                continue
            security = replace(archive, root=mirrors.find_mirrors(given)[0].security)
            fields = self._ask(
                f"Debian {name}'s security archive",
                nothing,
                debian.release,
                security,
                f"{name}-security",
                self._fetcher,
            )
            if "Architectures" in fields:
                self.found.supported[name] = fields["Architectures"].split()
