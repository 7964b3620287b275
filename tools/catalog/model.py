"""What a catalog holds, as plain values. Loading and checking is in load.py."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tools.catalog import tags
from tools.catalog.platforms import Platform
from tools.catalog.tags import Release

# docker-library's images put this in front of the base image's own PATH.
PATH = "/usr/local/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True)
class Minor:
    """What all releases of a minor version have in common.

    Attributes:
        name: such as ``3.14``.
        aliases: further base tags of the newest release; None where the rule of
            tools/catalog/lifecycle.py says which.
        env: variables every image sets, besides PATH, PYTHON_VERSION, PYTHON_SHA256.
        released: the day of the first final release; None until there is one.
        eol: last day of security fixes.
        suites: only these have it; all if None.
        free_threaded: whether each release is also built without the global interpreter lock.
        wheels: what images have beside pip, as ``name==version``.
        sample: on which platforms of the sample `bazel test //...` tests its images: ``all`` of
            them, the first ``one``, or on ``none``; None where the rule says.
    """

    name: str
    aliases: tuple[str, ...] | None
    env: Mapping[str, str]
    released: datetime.date | None
    eol: datetime.date
    suites: tuple[str, ...] | None
    free_threaded: bool = False
    wheels: tuple[str, ...] = ()
    sample: str | None = None

    @property
    def prerelease(self) -> bool:
        """Whether it has no final release yet."""
        return self.released is None


def setup_py(minor: str) -> bool:
    """Whether a setup.py builds the extension modules of a minor version: up to 3.11."""
    major, _, number = minor.partition(".")
    return (int(major), int(number)) < (3, 12)


def _seconds(day: datetime.date) -> int:
    return (day - datetime.date(1970, 1, 1)).days * 86400


@dataclass(frozen=True)
class Source:
    """Templates of a release's source archive; see catalog/versions.yaml."""

    url: str
    pool: str
    strip_prefix: str


# Which file lists patches: versions.yaml, another workspace's like it, or its file of revisions.
CATALOG = "catalog"
VERSIONS = "versions"
REVISIONS = "revisions"


@dataclass(frozen=True)
class Patch:
    """A patch of a release's source.

    Attributes:
        file: its path, from the folder of the file that lists it.
        sha256: of its bytes.
        fixes: the vulnerabilities it fixes, ``CVE-2026-1234``.
        origin: where upstream has the change; empty for one that upstream hasn't.
        folder: where the file that lists it lies.
    """

    file: str
    sha256: str
    fixes: tuple[str, ...]
    origin: str
    folder: Path


@dataclass(frozen=True)
class Revision:
    """What is changed of a release here.

    Attributes:
        number: 1 and up; another set of patches has a higher one.
        day: when it was made, the day all times in its images carry.
        patches: in the order they are applied; at least one.
        listed_in: what the file is that lists them: CATALOG, or one that another workspace adds.
    """

    number: int
    day: datetime.date
    patches: tuple[Patch, ...]
    listed_in: str


@dataclass(frozen=True)
class Version:
    """One CPython release to build; its free-threaded build is another Version.

    Attributes:
        release: its number, and whether it is the free-threaded build.
        minor: what it has in common with others.
        sha256: of the source archive.
        released: the day of the release.
        source: where the archive comes from.
        mirrored: whether mirrors of a closed network have the archive.
        aliases: further base tags of the minor's newest release.
        sample: on which platforms `bazel test //...` tests its images: ``all`` of the sample, the
            first ``one``, or None.
        archived: whether its images are there to be built only. These three follow from the whole
            catalog: tools/catalog/lifecycle.py.
        revision: how its source is patched; None where it isn't.
    """

    release: Release
    minor: Minor
    sha256: str
    released: datetime.date
    source: Source
    mirrored: bool = True
    aliases: tuple[str, ...] = ()
    sample: str | None = None
    archived: bool = False
    revision: Revision | None = None

    @property
    def name(self) -> str:
        """The release as text, ``3.14.7``, or ``3.14.7t`` of its free-threaded build."""
        return str(self.release)

    @property
    def setup_py(self) -> bool:
        """Whether a setup.py builds its extension modules, which takes rules of its own."""
        return setup_py(self.minor.name)

    @property
    def serial(self) -> int:
        """The revision's number; 0 of a release without patches."""
        return self.revision.number if self.revision else 0

    @property
    def revised(self) -> str:
        """The release's number with its revision, if it has one: ``3.13.15-r1``."""
        return tags.revised(self.release.number, self.serial)

    @property
    def day(self) -> datetime.date:
        """The day all times in the image carry: the revision's, or else the release's."""
        return self.revision.day if self.revision else self.released

    @property
    def epoch(self) -> int:
        """Seconds since 1970 of the start of `day` (UTC): every time in the image."""
        return _seconds(self.day)

    @property
    def release_epoch(self) -> int:
        """The same of the release's day: the times in what isn't built from the source."""
        return _seconds(self.released)

    def _fill(self, template: str) -> str:
        stage = f"~{self.release.stage}{self.release.serial}" if self.release.prerelease else ""
        return template.format(
            version=self.release.number,
            base=self.release.base,
            minor=self.release.minor,
            debian=self.release.base + stage,
        )

    @property
    def url(self) -> str:
        """Where python.org has the source."""
        return self._fill(self.source.url)

    @property
    def pool(self) -> str:
        """The same bytes' path on a Debian mirror."""
        return self._fill(self.source.pool)

    @property
    def strip_prefix(self) -> str:
        """The directory everything in the source archive lies in."""
        return self._fill(self.source.strip_prefix)

    @property
    def env(self) -> dict[str, str]:
        """The image's environment in docker-library's order."""
        return {
            "PATH": PATH,
            **self.minor.env,
            "PYTHON_VERSION": self.release.number,
            "PYTHON_SHA256": self.sha256,
        }


@dataclass(frozen=True)
class Lts:
    """Long-term support of a suite: its last day, and the platforms it is for."""

    until: datetime.date
    platforms: tuple[str, ...]


@dataclass(frozen=True)
class BuildFlags:
    """What a suite's dpkg-buildflags says; ``more`` are CFLAGS that come after, by platform."""

    cflags: str
    ldflags: str
    more: Mapping[str, str]


@dataclass(frozen=True)
class Suite:
    """A Debian suite; fields as in catalog/suites.yaml.

    ``published`` are those of ``platforms`` that indexes have; the others can be built. ``ended``
    says that nobody supports the suite any more.
    """

    name: str
    release: str
    point_release: str | None
    platforms: tuple[str, ...]
    security: tuple[str, ...]
    eol: datetime.date
    package_sets: Mapping[str, tuple[str, ...]]
    build_sets: Mapping[str, tuple[str, ...]]
    build_flags: BuildFlags
    lts: Lts | None
    published: tuple[str, ...]
    ended: bool


@dataclass(frozen=True)
class User:
    """Whom images run as; fields as in catalog/variants.yaml, and ``place``, its file and line."""

    name: str
    id: int
    home: str
    place: str


@dataclass(frozen=True)
class Variant:
    """A kind of image every suite has; fields as in catalog/variants.yaml.

    ``added`` says that another workspace adds it. Such a one may have ``packages``: by suite, the
    repository of Debian packages that lie upon all else, by its label where that is known.
    """

    name: str
    tag: str
    base: str
    root: str
    layers: tuple[str, ...]
    strip: bool
    suites: tuple[str, ...] | None
    sample: str | None
    above: tuple[str, ...] = ()
    features: tuple[str, ...] = ()
    user: User | None = None
    path: tuple[str, ...] = ()
    hardened: bool = False
    platforms: tuple[str, ...] | None = None
    packages: Mapping[str, str] = field(default_factory=dict)
    added: bool = False

    @property
    def kind(self) -> str:
        """The part of a tag before the suite: ``slim``, "" of the default variant."""
        return tags.kind(self.tag) or ""

    def on(self, suite: str) -> str:
        """The variant's name in tags for ``suite``, such as ``slim-trixie``."""
        return self.tag.format(suite=suite)

    def among(self, platforms: Sequence[str]) -> tuple[str, ...]:
        """Those of a suite's platforms that it is for."""
        if self.platforms is None:
            return tuple(platforms)
        return tuple(platform for platform in platforms if platform in self.platforms)


@dataclass(frozen=True)
class Image:
    """One image: a release on a suite in a variant, for the platforms that are published.

    Attributes:
        name: the first simple tag; no other image has it.
        platforms: those its index has.
        tags: simple tags, then shared ones, in the algebra's order; all are this image's alone.
        is_default: whether the image is the default suite's, so that tags without a suite are its.
        sample: the platforms for which `bazel test //...` tests it.
        archived: whether it can be built only: nothing publishes, lists or tests it.
        apart: platforms it can be built for that its index leaves out.
    """

    name: str
    version: Version
    suite: Suite
    variant: Variant
    platforms: tuple[str, ...]
    tags: tuple[str, ...]
    is_default: bool
    sample: tuple[str, ...]
    archived: bool = False
    apart: tuple[str, ...] = ()


@dataclass(frozen=True)
class Catalog:
    """The whole catalog; mappings keep the files' order, versions run from newest to oldest.

    ``wheels`` is the SHA-256 of each wheel that a minor version's ``wheels`` may name, ``as_of``
    the day that tells what has ended.
    """

    versions: Mapping[str, Version]
    minors: Mapping[str, Minor]
    suites: Mapping[str, Suite]
    platforms: Mapping[str, Platform]
    variants: Mapping[str, Variant]
    wheels: Mapping[str, str]
    as_of: datetime.date | None = None

    def newest(self) -> dict[str, Version]:
        """For every label (``3.14``, ``3.15-rc``) its newest release."""
        found: dict[str, Version] = {}
        for version in self.versions.values():
            held = found.setdefault(version.release.label, version)
            if held.release.order < version.release.order:
                found[version.release.label] = version
        return found

    def combinations(self, version: Version) -> list[tuple[Suite, Variant]]:
        """The (suite, variant) pairs a release is built in, in the order pages list them.

        Suites that have ended come last, so that none of them is the default one.
        """
        suites = sorted(self.suites.values(), key=lambda suite: suite.ended)
        return [
            (suite, variant)
            for suite in suites
            for variant in self.variants.values()
            if (version.minor.suites is None or suite.name in version.minor.suites)
            and (variant.suites is None or suite.name in variant.suites)
        ]

    @property
    def default_suite(self) -> Suite:
        """The suite whose images have the tags without a suite's name."""
        return min(self.suites.values(), key=lambda suite: suite.ended)

    def images(self) -> list[Image]:
        """Every image that is published, newest release first."""
        return [image for image in self.all_images() if not image.archived]

    def archive(self) -> list[Image]:
        """Every image that can be built and isn't published any more, newest release first."""
        return [image for image in self.all_images() if image.archived]

    def all_images(self) -> list[Image]:
        """Every image that can be built, newest release first."""
        newest = self.newest()
        made: list[Image] = []
        sampled: set[str] = set()
        for version in self.versions.values():
            pairs = self.combinations(version)
            names = [variant.on(suite.name) for suite, variant in pairs]
            bases = tags.base_tags(
                version.release,
                version.aliases,
                newest=newest[version.release.label] is version,
                revision=version.serial,
            )
            for (suite, variant), name in zip(pairs, names, strict=True):
                sample = self._sample(version, suite, variant)
                if variant.sample == "one":
                    sample = sample[: 0 if variant.name in sampled else 1]
                if sample:
                    sampled.add(variant.name)
                made.append(_image(version, suite, variant, bases, name, names, sample))
        return made

    def _sample(self, version: Version, suite: Suite, variant: Variant) -> tuple[str, ...]:
        """The platforms that could be in the sample."""
        if variant.sample is None or not version.sample or suite.ended:
            return ()
        platforms = tuple(
            name for name in variant.among(suite.published) if self.platforms[name].sample
        )
        return platforms[:1] if version.sample == "one" else platforms


def _image(
    version: Version,
    suite: Suite,
    variant: Variant,
    bases: Sequence[str],
    name: str,
    names: Sequence[str],
    sample: tuple[str, ...],
) -> Image:
    simple = tags.simple_tags(bases, name, names)
    shared = tags.shared_tags(bases, name, names)
    return Image(
        name=simple[0],
        version=version,
        suite=suite,
        variant=variant,
        platforms=variant.among(suite.published),
        tags=(*simple, *shared),
        is_default=suite.name == tags.default_suite(names),
        sample=sample,
        archived=version.archived or suite.ended,
        apart=tuple(
            platform
            for platform in variant.among(suite.platforms)
            if platform not in suite.published
        ),
    )
