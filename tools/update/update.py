"""Brings the catalog up to date: new releases of CPython and Debian, ends of support.

And what is recorded of the Bazel modules that MODULE.bazel files name.
"""

from __future__ import annotations

import argparse
import datetime
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import ParamSpec, TypeVar

from tools.catalog import load
from tools.catalog.errors import CatalogError
from tools.catalog.model import Catalog
from tools.catalog.tags import Release
from tools.debian import lock, mirrors, resolve
from tools.generate import command, outputs
from tools.modules import facts
from tools.modules.facts import Facts, FactsError
from tools.update import debian, modules, plan, python_org
from tools.update.candidate import Candidate, MismatchError, Verified, agreed, verify
from tools.update.edit import Suites, Versions
from tools.update.fetch import Fetcher, UnreachableError
from tools.update.plan import Plan

Answer = TypeVar("Answer")
Parameters = ParamSpec("Parameters")

_ERRORS = (CatalogError, FactsError, MismatchError)


class Update:
    """One run: asks the sources, plans, and applies the plan."""

    def __init__(self, asked: argparse.Namespace, root: Path) -> None:
        self._asked = asked
        self._root = root
        self._fetcher = Fetcher(sys.stderr)
        self._catalog: Catalog = load.load(root / "catalog", Path("catalog"))
        self._facts: Facts = facts.load(root)
        self.plan = Plan()
        self._answers = 0

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
            self.plan.skipped.append(f"{source}: {error}")
            return otherwise
        self._answers += question != self._archive
        return answer

    def _from_python_org(self) -> list[Candidate]:
        site = self._asked.python_org.rstrip("/")
        known = python_org.releases(site, self._fetcher)
        wanted: dict[Release, tuple[Release, str, datetime.date | None]] = {}
        heads = plan.heads(self._catalog)
        best: dict[str, Release] = {}
        for release in known:
            if best.setdefault(release.minor, release).order < release.order:
                best[release.minor] = release
        oldest = min(version.release.order for version in heads.values())
        for minor, newest in best.items():
            chosen = [newest] if newest.order > oldest else []
            if minor in heads:
                chosen = plan.newer(heads[minor].release, list(known))
            for release in chosen:
                wanted[release] = (release, *known[release])
        return python_org.candidates(site, wanted.values(), self._fetcher)

    def _archive(self) -> debian.Archive | None:
        given = [self._asked.mirror] if self._asked.mirror else []
        keyring = None if self._asked.unsigned else resolve.find_keyring(self._asked.keyring)
        return debian.Archive(mirrors.find_mirrors(given)[0].main, keyring)

    def _debian(self, suites: Suites) -> list[Candidate]:
        nowhere: debian.Archive | None = None
        archive = self._ask("Debian", nowhere, self._archive)
        if archive is None:
            return []
        files: list[debian.SourceFile] = []
        nothing: dict[str, str] = {}
        for suite in self._asked.debian_suite:
            files += self._ask(f"Debian {suite}", [], debian.sources, archive, suite, self._fetcher)
        for suite in self._catalog.suites:
            fields = self._ask(
                f"Debian {suite}", nothing, debian.release, archive, suite, self._fetcher
            )
            plan.point_release(self._catalog, suite, fields.get("Version", ""), suites, self.plan)
        never: dict[str, datetime.date] = {}
        ends = self._ask(
            "Debian's ends of support",
            never,
            debian.ends_of_life,
            archive,
            files,
            self._fetcher,
            self._asked.distro_info,
        )
        plan.debian_ends(self._catalog, ends, suites, self.plan)
        return debian.candidates(archive, files)

    def _modules(self) -> Facts:
        """What is known of Bazel modules, as the registry has it now; as it was when that fails."""
        renewed = self._ask(
            "Bazel's module registry",
            self._facts,
            modules.renewed,
            self._root,
            self._asked.registry,
            self._asked.today,
            self._fetcher,
        )
        self.plan.changes += modules.news(self._facts, renewed)
        return renewed

    def _check(self, offers: list[Candidate]) -> Verified:
        """Verify a release; for --check it's enough that its source is there."""
        if not self._asked.check:
            return verify(offers, self._fetcher)
        for offer in offers:
            if self._fetcher.exists(offer.url):
                day = offer.released or self._asked.today
                return Verified(offer.release, offer.sha256, day, (offer.origin,))
        raise UnreachableError(f"{offers[-1].url} can't be fetched")

    def prepare(self) -> dict[Path, str]:
        """Ask all sources; the files that change, with their new text.

        Raises:
            CatalogError: the catalog is at fault, before or after the changes.
            FactsError: what is recorded of Bazel modules can't be read.
            MismatchError: sources disagree, or a source archive isn't what was promised.
            UnreachableError: no source could be reached.
        """
        versions = Versions(self._root / "catalog" / "versions.yaml")
        suites = Suites(self._root / "catalog" / "suites.yaml")
        offered = list(self._ask("python.org", [], self._from_python_org))
        offered += self._debian(suites)
        never: dict[str, str] = {}
        ends = self._ask(
            "CPython's release cycle",
            never,
            python_org.ends_of_life,
            self._asked.peps.rstrip("/"),
            self._fetcher,
        )
        recorded = self._modules()
        if not self._answers:
            raise UnreachableError("no source could be reached: " + "; ".join(self.plan.skipped))
        plan.releases(
            self._catalog,
            agreed(offered),
            versions,
            self._check,
            self.plan,
            add=self._asked.add,
            keep=self._asked.keep,
        )
        plan.python_ends(self._catalog, ends, versions, self.plan)
        changed = {file.file: file.text() for file in (versions, suites) if file.changed}
        plan.outlived(self._validated(changed), self._asked.today, self.plan)
        if recorded != self._facts:
            changed[self._root / facts.FILE] = recorded.text()
        return changed

    def _validated(self, changed: dict[Path, str]) -> Catalog:
        """The catalog as it will be; an error in it stops everything before anything is written."""
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(folder, "catalog")
            shutil.copytree(self._root / "catalog", copy)
            for file, text in changed.items():
                (copy / file.name).write_text(text, encoding="utf-8")
            return load.load(copy, Path("catalog"))

    def apply(self, changed: dict[Path, str]) -> list[str]:
        """Write what changes, renew locks and generated files; the paths that changed."""
        for file, text in changed.items():
            command.write(file, text)
        written = [file.relative_to(self._root).as_posix() for file in changed]
        if changed:
            written += outputs.refresh(self._root)
        if self.plan.relock and not self._asked.no_locks:
            arguments = [f"--root={self._root}", *(f"--suite={one}" for one in self.plan.relock)]
            if self._asked.mirror:
                arguments.append(f"--mirror={self._asked.mirror}")
            if lock.main(arguments) == 0:
                written.append("third_party/debian")
            else:
                self.plan.skipped.append("the locks: `./bazelw run //tools:lock` says why")
        return written


def _nothing(found: Plan) -> str:
    return "Nothing new was found.\n" if found.skipped else "Everything is up to date.\n"


def summary(found: Plan, written: list[str]) -> str:
    """The run in Markdown, for a pull request."""
    parts = ["## Catalog update\n\n"]
    parts.append("".join(f"- {one}\n" for one in found.changes) or _nothing(found))
    for title, lines in (
        ("To decide", found.decisions),
        ("Not checked", found.skipped),
        ("Files", [f"`{name}`" for name in written]),
    ):
        if lines:
            parts.append(f"\n### {title}\n\n" + "".join(f"- {line}\n" for line in lines))
    return "".join(parts)


def _day(text: str) -> datetime.date:
    return datetime.date.fromisoformat(text)


def _options() -> argparse.ArgumentParser:
    options = command.parser(
        "update",
        "Look for new releases of CPython and Debian and for changed ends of support, verify\n"
        "what is found, edit the catalog, renew locks and generated files, and print a summary\n"
        "for a pull request. What can't be reached is left as it is and named in the summary.",
        "--check\n--add 3.15\n--mirror http://mirror.example/debian --no-locks",
    )
    options.add_argument(
        "--check", action="store_true", help="change nothing; exit status 1 if there is news"
    )
    options.add_argument(
        "--add", action="append", default=[], metavar="MINOR", help="begin to build a minor version"
    )
    options.add_argument(
        "--keep", action="store_true", help="keep the rows of superseded patch releases"
    )
    options.add_argument("--no-locks", action="store_true", help="don't renew the Debian locks")
    options.add_argument(
        "--python-org", default=python_org.SITE, metavar="URL", help="a mirror of python.org"
    )
    options.add_argument("--peps", default=python_org.PEPS, metavar="URL", help=argparse.SUPPRESS)
    options.add_argument("--registry", metavar="URL", help="a mirror of Bazel's module registry")
    options.add_argument(
        "--mirror",
        metavar="URL",
        help="a Debian mirror (default: this machine's, else a public one)",
    )
    options.add_argument(
        "--debian-suite",
        action="append",
        metavar="SUITE",
        help="where to look for CPython sources (default: sid and testing)",
    )
    options.add_argument("--keyring", metavar="FILE", help="Debian's public keys")
    options.add_argument(
        "--unsigned", action="store_true", help="take the mirror's word: it is your own"
    )
    options.add_argument(
        "--distro-info",
        type=Path,
        default=Path("/usr/share/distro-info/debian.csv"),
        help=argparse.SUPPRESS,
    )
    options.add_argument("--today", type=_day, default=None, help=argparse.SUPPRESS)
    return options


def main(arguments: list[str] | None = None) -> int:
    """The command line: 0 done, 1 --check found news, 2 an error and nothing was changed."""
    asked = _options().parse_args(arguments)
    asked.today = asked.today or datetime.datetime.now(datetime.UTC).date()
    asked.debian_suite = asked.debian_suite or ["testing", "sid"]
    news: list[str] = []

    def text() -> str:
        run = Update(asked, command.checkout())
        changed = run.prepare()
        news.extend(run.plan.changes)
        return summary(run.plan, [] if asked.check else run.apply(changed))

    status = command.run(text, None, (*_ERRORS, UnreachableError))
    return status or int(asked.check and bool(news))


if __name__ == "__main__":
    sys.exit(main())
