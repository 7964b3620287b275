"""A family: a set of images published together, on one date or continuously.

Nothing here knows any particular family; what one is comes from catalog/families/<name>.yaml.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from tools.catalog import tags
from tools.catalog.model import Patch
from tools.catalog.platforms import Architecture
from tools.catalog.tags import Release

WINDOWS_ARCHITECTURE = "windows-amd64"


def base_of(variant: str, bases: Iterable[str]) -> str:
    """Which of the bases a variant lies on: ``trixie`` of ``slim-trixie``, whatever its kind.

    Itself, if there is none.
    """
    found = [base for base in bases if variant == base or variant.endswith(f"-{base}")]
    return max(found, key=len, default=variant)


@dataclass(frozen=True)
class FamilyRelease:
    """One release of a family.

    Attributes:
        release: its number.
        aliases: further base tags.
        variants: what it is built on, in page order; the first of a kind is that kind's default.
        without: architectures it isn't built for although its bases are.
        commits: per variant, and under "" for all others, the commit its Dockerfile came from.
        sha256: of the source archive, or None where nobody published one.
        windows_sha256: of the Windows installer, likewise.
        setuptools: the version installed beside pip, or None.
        revision: how often its source was patched here; 0 if it isn't.
        patches: of its source, in their order.
    """

    release: Release
    aliases: tuple[str, ...]
    variants: tuple[str, ...]
    without: tuple[str, ...]
    commits: Mapping[str, str]
    sha256: str | None
    windows_sha256: str | None
    setuptools: str | None
    revision: int = 0
    patches: tuple[Patch, ...] = ()

    @property
    def name(self) -> str:
        """The release as text."""
        return str(self.release)


@dataclass(frozen=True)
class Target:
    """What a page says of one variant: its distribution, whether it's published, or unstable.

    ``base`` is the image it starts from, where its name doesn't tell.
    """

    distribution: str
    built: bool
    unstable: bool
    base: str | None


@dataclass(frozen=True)
class Build:
    """What the images of a family that this repository builds are made of.

    Attributes:
        variant: the variant of catalog/variants.yaml that they have the layers of.
        env: all variables besides PATH.
        cmd: the container's default command.
        sample: ``TAG_ARCHITECTURE`` of those that `bazel test //...` tests.
    """

    variant: str
    env: Mapping[str, str]
    cmd: tuple[str, ...]
    sample: tuple[str, ...]


@dataclass(frozen=True)
class Entry:
    """One image of a family: what a manifest and a page say of it."""

    release: FamilyRelease
    variant: str
    tags: tuple[str, ...]
    shared_tags: tuple[str, ...]
    architectures: tuple[str, ...]
    directory: str
    commit: str | None
    constraint: str | None
    builder: str | None
    url: str | None

    @property
    def name(self) -> str:
        """The first tag; no other image has it."""
        return self.tags[0]


@dataclass(frozen=True)
class Group:
    """Tags that all name the same images of several systems."""

    tags: tuple[str, ...]
    entries: tuple[Entry, ...]


@dataclass(frozen=True)
class Family:
    """A published set of images; fields as in catalog/family.schema.json.

    ``pages`` has the architectures as pages name them. ``build`` is None where //images/<name>
    doesn't build them.
    """

    name: str
    title: str
    image: str
    scheme: str
    page: str
    maintainers: tuple[str, ...]
    git_repo: str | None
    dockerfile_url: str | None
    slim_directory: str | None
    builder: str | None
    windows_builder: str | None
    default: str | None
    architectures: Mapping[str, tuple[str, ...]]
    pages: Mapping[str, Architecture]
    targets: Mapping[str, Target]
    releases: tuple[FamilyRelease, ...]
    build: Build | None = None

    def _base(self, variant: str) -> str:
        return base_of(variant, self.architectures)

    def _architectures(self, release: FamilyRelease, variant: str) -> tuple[str, ...]:
        if variant.startswith(tags.WINDOWS):
            return (WINDOWS_ARCHITECTURE,)
        listed = self.architectures[self._base(variant)]
        return tuple(sorted(name for name in listed if name not in release.without))

    def _directory(self, release: FamilyRelease, variant: str) -> str:
        place = variant
        if self.slim_directory is not None and variant.startswith("slim-"):
            place = self.slim_directory.format(suite=variant.removeprefix("slim-"))
        return f"{release.release.label}/{place}"

    def _tags(
        self, release: FamilyRelease, variant: str, newest: bool
    ) -> tuple[list[str], list[str]]:
        if self.scheme == "targets":
            return tags.target_tags(
                release.release,
                release.aliases,
                variant,
                default=variant == self.default,
                revision=release.revision,
            )
        revision = 0 if variant.startswith(tags.WINDOWS) else release.revision
        bases = tags.base_tags(release.release, release.aliases, newest=newest, revision=revision)
        return (
            tags.simple_tags(bases, variant, release.variants),
            tags.shared_tags(bases, variant, release.variants),
        )

    def _entry(self, release: FamilyRelease, variant: str, newest: bool) -> Entry:
        simple, shared = self._tags(release, variant, newest)
        windows = variant.startswith(tags.WINDOWS)
        directory = self._directory(release, variant)
        commit = release.commits.get(variant, release.commits.get(""))
        url = None
        if self.dockerfile_url is not None:
            url = self.dockerfile_url.format(commit=commit, directory=directory)
        return Entry(
            release=release,
            variant=variant,
            tags=tuple(simple),
            shared_tags=tuple(shared),
            architectures=self._architectures(release, variant),
            directory=directory,
            commit=commit,
            constraint=tags.name(variant) if windows else None,
            builder=self.windows_builder if windows else None,
            url=url,
        )

    def entries(self, architecture: str | None = None) -> list[Entry]:
        """Every image in manifest order, or only those for one architecture."""
        seen: set[str] = set()
        made: list[Entry] = []
        for release in self.releases:
            newest = release.release.label not in seen
            seen.add(release.release.label)
            made += [self._entry(release, variant, newest) for variant in release.variants]
        return [
            entry for entry in made if architecture is None or architecture in entry.architectures
        ]

    def published(self, architecture: str | None = None) -> list[Entry]:
        """The images people can pull: targets that aren't built are left out."""
        return [
            entry
            for entry in self.entries(architecture)
            if entry.variant not in self.targets or self.targets[entry.variant].built
        ]

    def supported(self) -> list[str]:
        """All architectures any published image has, sorted."""
        return sorted({name for entry in self.published() for name in entry.architectures})


def groups(entries: Sequence[Entry], architecture: str | None = None) -> list[Group]:
    """Shared tags grouped by the images they name, in order of appearance.

    Groups come from all ``entries``; with an architecture a group then keeps only its images for
    it, and a group without any disappears.
    """
    named: dict[str, list[Entry]] = {}
    for entry in entries:
        for tag in entry.shared_tags:
            named.setdefault(tag, []).append(entry)
    together: dict[tuple[str, ...], list[str]] = {}
    for tag, members in named.items():
        together.setdefault(tuple(entry.name for entry in members), []).append(tag)
    made: list[Group] = []
    for shared in together.values():
        kept = [
            entry
            for entry in named[shared[0]]
            if architecture is None or architecture in entry.architectures
        ]
        if kept:
            made.append(Group(tuple(shared), tuple(kept)))
    return made
