"""A year of maintenance, played against servers on loopback.

python.org, the registry of Bazel modules and Debian's archive (tests/e2e/future_archive.py) go
through what a year brings; `//tools:update` and `//tools:lock` follow. After each step everything
loads and can be analysed, the unit tests of the catalog and the locks pass, generated files are
current, and an image that compiles nothing is built. The steps are in the order of time: each
begins where the one before ended.

The checkout is for two platforms, which spares the other architectures' locks.
"""

from __future__ import annotations

import dataclasses
import datetime
import os
import re
import shlex
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.e2e import future_archive
from tests.e2e.future_archive import FutureArchive
from tools.catalog import load
from tools.catalog.lifecycle import roles
from tools.catalog.model import Catalog
from tools.modules import facts
from tools.packages.debian.archive_fixtures import Signer
from tools.testing.checkout import Checkout, Result, scratch
from tools.update import fake_sources
from tools.update.fake_sources import Sources

PLATFORMS = ("amd64", "arm64")
# No release of CPython has had so high a number.
PATCH = 97
CHANGED, NOTHING, FAILED = 1, 0, 2
# What a new version of a package does in its postinst besides.
SCRIPT = "\ntouch /var/lib/future\n"


@dataclasses.dataclass
class World:
    """The checkout under maintenance, and the servers it asks.

    Attributes:
        checkout: the checkout.
        archive: Debian's.
        sources: what python.org, the PEPs' site and the module registry answer.
        debian: the address of Debian's archive.
        others: the address of the others.
        today: the day it is.
    """

    checkout: Checkout
    archive: FutureArchive
    sources: Sources
    debian: str
    others: str
    today: datetime.date

    @property
    def environment(self) -> dict[str, str]:
        """Of everything that is run: packages and CPython's sources come from these servers."""
        return {"DEBIAN_MIRROR": self.debian, "PYTHON_MIRROR": f"{self.others}/ftp/python"}

    def catalog(self) -> Catalog:
        """As a closed network has it."""
        return load.load(self.checkout.path / "catalog", Path("catalog"), sources=load.MIRRORED)

    def bazel(self, *words: str) -> Result:
        return self.checkout.bazel(*words, environment=self.environment)

    def on(self, day: str) -> None:
        """Let it be another day; what the archive has by then is published."""
        self.today = datetime.date.fromisoformat(day)
        self.archive.publish(datetime.datetime.combine(self.today, datetime.time(), datetime.UTC))

    def update(self, *words: str) -> Result:
        """Run `//tools:update` on this day."""
        return self.bazel(
            "run",
            "--noshow_progress",
            "//tools:update",
            "--",
            f"--today={self.today}",
            f"--mirror={self.debian}",
            f"--keyring={self.archive.keyring}",
            f"--python-org={self.others}",
            f"--peps={self.others}",
            f"--registry={self.others}",
            f"--distro-info={self.checkout.path.parent / 'debian.csv'}",
            f"--bazel=./bazelw --output_base={self.checkout.output_base}",
            *words,
        )

    def lock(self, *words: str) -> Result:
        """Run `//tools:lock`."""
        where = (f"--mirror={self.debian}", f"--keyring={self.archive.keyring}")
        return self.bazel("run", "--noshow_progress", "//tools:lock", "--", *where, *words)

    def release(self, version: str) -> None:
        """Let python.org publish a release, and Debian package it."""
        content = fake_sources.source(version)
        self.sources.python_org(version, str(self.today), content)
        minor = ".".join(version.split(".")[:2])
        debian = re.sub(r"(\d)(a|b|rc)", r"\1~\2", version)
        self.archive.add_source(f"python{minor}", f"python{minor}_{debian}.orig.tar.xz", content)
        self.on(str(self.today))

    def images(self) -> str:
        """All targets of //images."""
        return self.bazel("query", "//images:all").output

    def check(self) -> None:
        """Everything loads and is analysed, and an image of packages only is built."""
        for words in (
            ("query", "--noshow_progress", "//..."),
            ("build", "--nobuild", "--keep_going", "//..."),
            ("run", "//tools:generate", "--", "--check"),
            ("build", f"//images/debian:{roles(self.catalog())['suite']}-slim_amd64"),
        ):
            result = self.bazel(*words)
            assert result.status == 0, f"{words}: {result.errors}"


def two_platforms(checkout: Checkout) -> None:
    """Take all other platforms out of the catalog, and their locks."""
    file = checkout.path / "catalog" / "suites.yaml"
    text = file.read_text()
    listed = {
        one for names in re.findall(r"platforms: \[(.*?)\]", text) for one in names.split(", ")
    }
    others = "|".join(sorted(listed - set(PLATFORMS)))
    # Their compiler flags.
    text = re.sub(rf"(?m)^ +(?:{others}): .*\n", "", text)
    text = re.sub(
        r"(platforms|security): \[([^\]]*)\]",
        lambda match: (
            f"{match[1]}: [{', '.join(p for p in match[2].split(', ') if p in PLATFORMS)}]"
        ),
        text,
    )
    file.write_text(text)
    for lock in (checkout.path / "third_party" / "debian").rglob("*.lock"):
        if lock.stem.partition("_")[2] not in PLATFORMS:
            lock.unlink()


def debian_csv(path: Path, catalog: Catalog) -> None:
    """The ends of support that Debian tells, as the catalog has them."""
    rows = [
        f"{suite.release},{name.title()},{name},2020-01-01,2021-01-01,{suite.eol}"
        for name, suite in catalog.suites.items()
    ]
    path.write_text("version,codename,series,created,release,eol\n" + "\n".join(rows) + "\n")


def release_cycle(sources: Sources, catalog: Catalog, **more: str) -> None:
    """Let the PEPs' site say when minor versions end: those of the catalog, and `more`."""
    ends = {version.minor.name: str(version.minor.eol) for version in catalog.versions.values()}
    cycle = {minor: {"end_of_life": end} for minor, end in {**ends, **more}.items()}
    sources.put_json("/api/release-cycle.json", cycle)


def today_as_it_is(sources: Sources, checkout: Checkout, catalog: Catalog) -> None:
    """Let the servers say what the catalog has."""
    release_cycle(sources, catalog)
    sources.put_json("/api/v2/downloads/release/?is_published=true", [])
    for name, module in facts.load(checkout.path).modules.items():
        sources.module(name, list(module.versions), dict(module.yanked))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with ExitStack() as stack:
        checkout = stack.enter_context(scratch("time_machine"))
        two_platforms(checkout)
        # The update tests what it has done; a busy machine is no reason to fail.
        (checkout.path / ".bazelrc.user").write_text("test --test_timeout=900\n")
        catalog = load.load(checkout.path / "catalog", Path("catalog"))
        today = catalog.as_of or datetime.date.today()
        folder = checkout.path.parent
        signer = Signer(folder / "gpg")
        archive = FutureArchive(folder / "archive", signer, datetime.datetime.now(datetime.UTC))
        for name, suite in catalog.suites.items():
            platforms = [catalog.platforms[one].debian for one in suite.platforms]
            archive.add_suite(name, suite.point_release or "", platforms)
        sources = Sources()
        debian_csv(folder / "debian.csv", catalog)
        today_as_it_is(sources, checkout, catalog)
        made = World(
            checkout,
            archive,
            sources,
            stack.enter_context(future_archive.serve(archive)),
            stack.enter_context(fake_sources.serve(sources)),
            today,
        )
        made.on(str(today))
        generated = made.bazel("run", "//tools:generate")
        assert generated.status == 0, generated.errors
        yield made


def suite_and_minor(world: World) -> tuple[str, str]:
    part = roles(world.catalog())
    return part["suite"], part["minor"]


def packages(lock: Path) -> dict[str, str]:
    """Versions of a lock's packages."""
    lines = (line.split() for line in lock.read_text().splitlines() if not line.startswith("#"))
    return {words[0]: words[1] for words in lines if len(words) == 7}


def is_openssl(package: str) -> bool:
    """Whether a package is OpenSSL's library: libssl3, libssl3t64."""
    return re.fullmatch(r"libssl\d\w*", package) is not None


def build_lock(world: World, suite: str) -> Path:
    return world.checkout.path / "third_party" / "debian" / "build" / f"{suite}_amd64.lock"


def lock_of(world: World, suite: str, arch: str = "amd64") -> Path:
    return world.checkout.path / "third_party" / "debian" / f"{suite}_{arch}.lock"


def test_today_everything_that_moved_since_is_locked(world: World) -> None:
    result = world.update()
    assert result.status in {CHANGED, NOTHING}, result.output
    again = world.update()
    assert again.status == NOTHING, again.output
    world.check()


def test_patch_releases_and_security_updates_replace_todays(world: World) -> None:
    suite, minor = suite_and_minor(world)
    world.on("2026-12-15")
    final = [version for version in world.catalog().versions.values() if not version.archived]
    for label in {one.minor.name for one in final if not one.release.prerelease}:
        world.release(f"{label}.{PATCH}")
    version = world.archive.update(suite, "tzdata")
    world.on("2026-12-16")
    result = world.update()
    assert result.status == CHANGED, result.output
    assert packages(lock_of(world, suite))["tzdata"] == version
    assert f"{minor}.{PATCH}" in world.catalog().versions
    assert f"//images:{minor}.{PATCH}-slim\n" in world.images()
    world.check()
    assert world.update().status == NOTHING


def test_a_point_release_moves_packages_without_changing_them(world: World) -> None:
    suite, _ = suite_and_minor(world)
    before = packages(lock_of(world, suite))
    number = world.catalog().suites[suite].point_release or ""
    major, _, last = number.partition(".")
    world.archive.point_release(suite, f"{major}.{int(last) + 1}")
    world.on("2027-01-09")
    result = world.update()
    assert result.status == CHANGED, result.output
    assert world.catalog().suites[suite].point_release == f"{major}.{int(last) + 1}"
    assert packages(lock_of(world, suite)) == before
    # Their lines stay as they are: builds look for the same bytes in both archives.
    world.check()


def next_minor(world: World) -> str:
    """The minor version after the newest in the catalog."""
    newest = next(iter(world.catalog().versions.values())).minor.name
    major, _, number = newest.partition(".")
    return f"{major}.{int(number) + 1}"


def test_a_minor_begins_with_a_pre_release(world: World) -> None:
    world.on("2027-05-20")
    minor = next_minor(world)
    release_cycle(world.sources, world.catalog(), **{minor: "2032-10-31"})
    world.release(f"{minor}.0b1")
    result = world.update()
    assert result.status == CHANGED, result.output
    assert f"--add {minor}" in result.output
    assert world.update("--add", minor).status == CHANGED
    assert f"{minor}.0b1" in world.catalog().versions
    assert roles(world.catalog())["minor"] != minor
    world.check()


def test_its_final_release_takes_over_the_aliases(world: World) -> None:
    world.on("2027-10-06")
    newest = next(iter(world.catalog().versions.values()))
    assert newest.release.prerelease
    final = f"{newest.minor.name}.0"
    world.release(final)
    result = world.update()
    assert result.status == CHANGED, result.output
    assert roles(world.catalog())["minor"] == newest.minor.name
    built = world.bazel("query", "--output=build", "//images:latest")
    assert f'"//images:{final}' in built.output
    world.check()


def test_a_minor_that_has_ended_leaves_what_is_published(world: World) -> None:
    published = [one for one in world.catalog().versions.values() if not one.archived]
    oldest = min(published, key=lambda one: one.minor.eol)
    world.on(str(max(oldest.minor.eol, world.today) + datetime.timedelta(days=1)))
    result = world.update()
    assert result.status == CHANGED, result.output
    assert world.catalog().versions[oldest.name].archived
    world.check()


def test_an_announced_release_that_nobody_has_is_news(world: World) -> None:
    world.on("2027-12-01")
    _, minor = suite_and_minor(world)
    before = world.catalog().versions.keys()
    world.sources.python_org(f"{minor}.1", str(world.today), fake_sources.source(f"{minor}.1"))
    del world.sources.files[f"/ftp/python/{minor}.1/Python-{minor}.1.tar.xz"]
    result = world.update()
    assert result.status == CHANGED, result.output
    assert f"{minor}.1" in result.output
    assert "404" in result.output
    assert world.catalog().versions.keys() == before


def test_an_inconsistent_index_costs_only_its_own_lock(world: World) -> None:
    suite, _ = suite_and_minor(world)
    arm64 = packages(lock_of(world, suite, "arm64"))
    version = world.archive.update(suite, "tzdata")
    world.archive.break_index(f"{suite}-security", "arm64")
    world.on(str(world.today + datetime.timedelta(days=7)))
    result = world.update()
    assert result.status == FAILED, result.output
    assert f"lock of {suite}_arm64" in result.output
    assert packages(lock_of(world, suite))["tzdata"] == version
    assert packages(lock_of(world, suite, "arm64")) == arm64
    world.check()
    world.archive.break_index(f"{suite}-security", "arm64", broken=False)
    world.on(str(world.today + datetime.timedelta(days=1)))
    assert world.update().status == CHANGED
    assert packages(lock_of(world, suite, "arm64"))["tzdata"] == version


def commands(text: str) -> list[list[str]]:
    """The command lines of this project in a message, without its first word."""
    return [shlex.split(line)[1:] for line in re.findall(r"\./bazelw [^`\n]*[^`\n.;,]", text)]


def test_a_changed_script_stops_images_until_someone_has_read_it(world: World) -> None:
    suite, _ = suite_and_minor(world)
    image = f"//images/debian:{suite}-slim_amd64"
    world.archive.update(suite, "base-passwd", scripts={"postinst": SCRIPT})
    world.on(str(world.today + datetime.timedelta(days=7)))
    assert world.update().status == CHANGED
    stopped = world.bazel("build", image)
    assert stopped.status != 0
    printed = stopped.output.replace(
        "$(./bazelw info output_base)", str(world.checkout.output_base)
    )
    show = next(line for line in commands(printed) if "//tools/rootfs:review" in line)
    shown = world.bazel(*show)
    assert "+touch /var/lib/future" in shown.output, shown.output
    record = next(line for line in commands(shown.output) if any("--record" in w for w in line))
    assert world.bazel(*record).status == 0
    world.check()


def test_a_package_of_the_tools_that_is_gone_is_replaced_without_bazel(world: World) -> None:
    suite, _ = suite_and_minor(world)
    # The library, which the tools' Python needs; libssl-dev is for compiles alone.
    library = next(name for name in packages(build_lock(world, suite)) if is_openssl(name))
    # A version that only this archive has: the real mirrors have all others.
    world.archive.update(suite, library)
    world.on(str(world.today + datetime.timedelta(days=7)))
    assert world.lock("--build", f"--suite={suite}", "--arch=amd64").status == 0
    world.check()
    world.archive.vanish(suite, library)
    world.on(str(world.today + datetime.timedelta(days=7)))
    stranger = dataclasses.replace(
        world,
        checkout=dataclasses.replace(
            world.checkout,
            output_base=world.checkout.path.parent / "stranger",
            flags=[f"--repository_cache={world.checkout.path.parent / 'repository_cache'}"],
        ),
    )
    image = f"//images/debian:{suite}-slim_amd64"
    stopped = stranger.bazel("build", "--nobuild", image)
    assert stopped.status != 0
    assert library in stopped.output
    (cure, *_) = [line for line in commands(stopped.output) if line[0] == "--bazelw-lock"]
    done = subprocess.run(
        ["./bazelw", *cure, f"--keyring={world.archive.keyring}"],
        cwd=world.checkout.path,
        env={**os.environ, **world.environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    built = stranger.bazel("build", image)
    stranger.bazel("shutdown")
    assert built.status == 0, built.output
