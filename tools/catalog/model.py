"""What a catalog holds, as plain values. Loading and checking is in load.py."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tools.catalog import tags
from tools.catalog.tags import Release

# docker-library's images put this in front of the base image's own PATH.
PATH = "/usr/local/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True)
class Minor:
    """What all releases of a minor version have in common.

    Attributes:
        name: such as ``3.14``.
        aliases: further base tags of the newest release.
        env: variables every image sets, besides PATH, PYTHON_VERSION, PYTHON_SHA256.
        eol: last day of security fixes.
        suites: only these have it; all if None.
        free_threaded: whether each release is also built without the global interpreter lock.
        wheels: what images have beside pip, as ``name==version``.
        sample: on which platforms of the sample `bazel test //...` tests its images: ``all`` of
            them, the first ``one``, or on none if None.
    """

    name: str
    aliases: tuple[str, ...]
    env: Mapping[str, str]
    eol: datetime.date
    suites: tuple[str, ...] | None
    free_threaded: bool = False
    wheels: tuple[str, ...] = ()
    sample: str | None = None


@dataclass(frozen=True)
class Source:
    """Templates of a release's source archive; see catalog/versions.yaml."""

    url: str
    pool: str
    strip_prefix: str


@dataclass(frozen=True)
class Version:
    """One CPython release to build; its free-threaded build is another Version.

    Attributes:
        release: its number, and whether it is the free-threaded build.
        minor: what it has in common with others.
        sha256: of the source archive.
        released: the day all times in the image carry.
        source: where the archive comes from.
    """

    release: Release
    minor: Minor
    sha256: str
    released: datetime.date
    source: Source

    @property
    def name(self) -> str:
        """The release as text, ``3.14.7``, or ``3.14.7t`` of its free-threaded build."""
        return str(self.release)

    @property
    def sample(self) -> str | None:
        """On which platforms `bazel test //...` tests its images: as Minor.sample."""
        return None if self.release.free_threaded else self.minor.sample

    @property
    def epoch(self) -> int:
        """Seconds since 1970 of the release day's start (UTC): every time in the image."""
        return (self.released - datetime.date(1970, 1, 1)).days * 86400

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
class OciPlatform:
    """The platform of an image index entry."""

    os: str
    architecture: str
    variant: str | None


@dataclass(frozen=True)
class Compile:
    """How CPython is compiled on a platform; fields as in catalog/platforms.yaml."""

    frame_pointers: tuple[str, ...]
    lto: bool
    profile: str | None


@dataclass(frozen=True)
class Platform:
    """A platform images are built for; fields as in catalog/platforms.yaml."""

    name: str
    oci: OciPlatform
    docker: str
    debian: str
    triplet: str
    gnu: str
    bits: int
    endian: str
    compile: Compile
    aliases: tuple[str, ...]
    sample: bool


@dataclass(frozen=True)
class Suite:
    """A Debian suite; fields as in catalog/suites.yaml."""

    name: str
    release: str
    point_release: str | None
    platforms: tuple[str, ...]
    security: tuple[str, ...]
    eol: datetime.date
    package_sets: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Variant:
    """A kind of image every suite has; fields as in catalog/variants.yaml."""

    name: str
    tag: str
    base: str
    root: str
    layers: tuple[str, ...]
    strip: bool
    suites: tuple[str, ...] | None
    sample: str | None

    def on(self, suite: str) -> str:
        """The variant's name in tags for ``suite``, such as ``slim-trixie``."""
        return self.tag.format(suite=suite)


@dataclass(frozen=True)
class Image:
    """One image: a release on a suite in a variant, for all of the suite's platforms.

    Attributes:
        name: the first simple tag; no other image has it.
        tags: simple tags, then shared ones, in the algebra's order; all are this image's alone.
        is_default: whether the image is the default suite's, so that tags without a suite are its.
        sample: the platforms for which `bazel test //...` tests it.
    """

    name: str
    version: Version
    suite: Suite
    variant: Variant
    platforms: tuple[str, ...]
    tags: tuple[str, ...]
    is_default: bool
    sample: tuple[str, ...]


@dataclass(frozen=True)
class Catalog:
    """The whole catalog; mappings keep the files' order, versions run from newest to oldest.

    ``wheels`` is the SHA-256 of each wheel that a minor version's ``wheels`` may name.
    """

    versions: Mapping[str, Version]
    minors: Mapping[str, Minor]
    suites: Mapping[str, Suite]
    platforms: Mapping[str, Platform]
    variants: Mapping[str, Variant]
    wheels: Mapping[str, str]

    def newest(self) -> dict[str, Version]:
        """For every label (``3.14``, ``3.15-rc``) its newest release."""
        found: dict[str, Version] = {}
        for version in self.versions.values():
            held = found.setdefault(version.release.label, version)
            if held.release.order < version.release.order:
                found[version.release.label] = version
        return found

    def combinations(self, version: Version) -> list[tuple[Suite, Variant]]:
        """The (suite, variant) pairs a release is built in, in the order pages list them."""
        return [
            (suite, variant)
            for suite in self.suites.values()
            for variant in self.variants.values()
            if (version.minor.suites is None or suite.name in version.minor.suites)
            and (variant.suites is None or suite.name in variant.suites)
        ]

    def images(self) -> list[Image]:
        """Every image of the catalog, newest release first."""
        newest = self.newest()
        made: list[Image] = []
        sampled: set[str] = set()
        for version in self.versions.values():
            pairs = self.combinations(version)
            names = [variant.on(suite.name) for suite, variant in pairs]
            bases = tags.base_tags(
                version.release,
                version.minor.aliases,
                newest=newest[version.release.label] is version,
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
        if variant.sample is None or not version.sample:
            return ()
        platforms = tuple(name for name in suite.platforms if self.platforms[name].sample)
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
        platforms=suite.platforms,
        tags=(*simple, *shared),
        is_default=suite.name == tags.default_suite(names),
        sample=sample,
    )
