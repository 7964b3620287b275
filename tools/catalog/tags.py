"""The tag algebra: which tags an image of a published family has, exactly.

Terms
    release     one CPython release, ``3.14.7`` or ``3.15.0rc1``; with ``t`` appended, its
                free-threaded build: ``3.14.7t``, ``3.15.0rc1t``.
    label       what a family calls a release line: the minor version, ``3.14``, with ``t`` for
                free-threaded builds and ``-rc`` while the release is a pre-release: ``3.14t``,
                ``3.15-rc``, ``3.15t-rc``.
    variant     what a release is built on: a suite (``trixie``), a slim suite (``slim-trixie``), a
                one of another kind (``distroless-trixie``), an Alpine version (``alpine3.23``) or
                a Windows base (``windows/windowsservercore-ltsc2025``; its name is the part after
                the slash). The last dash of ``KIND-SUITE`` ends the kind: suites have none.

Rules
    1. Base tags of a release are, in this order: the release, its revision, its label, the label's
       aliases (``3``, ``latest``). A pre-release and a free-threaded build have no aliases. The
       revision, ``3.13.15-r1``, is that of a release whose source is patched here; without patches
       there is none, and none on Windows, whose images have python.org's own build.
    2. The default suite is the first variant that is a suite, without a kind; in a
       family without such a variant, the first slim one's suite. The default Alpine is the first
       Alpine variant.
    3. Simple tags of an image are its base tags with ``-`` and the variant's name appended. A slim
       variant of the default suite has all of them again with ``-slim``, the default Alpine with
       ``-alpine``. ``latest-`` at the front is dropped: ``latest-slim`` is ``slim``.
    4. Shared tags name a group of images, one per operating system and version of it. Images on
       windowsservercore and nanoserver share base tags with ``-windowsservercore`` and
       ``-nanoserver`` (``latest-`` dropped); after those, images on windowsservercore and the
       image on the default suite share the bare base tags.
    5. Variants of other kinds than slim, which docker-library hasn't, are hardened ones and those
       that another workspace adds. Their tags are those of a slim variant with the kind
       instead of ``slim``: ``3.14-distroless-trixie`` and, on the default suite,
       ``3.14-distroless``. They decide on no default, and no tag of another variant is other with
       them or without.
    6. A simple tag belongs to one image of the family, a shared tag to no image as simple tag.
    7. A tag matches ``[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}``.

A second scheme, ``targets``, is that of families which name the minor version first: an image's
simple tags are ``<minor>-<target>`` and ``<release>-<target>``; the default target's images are
also ``<minor>``, ``<release>`` and the release's aliases. A revision follows the release, as above.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_RELEASE = re.compile(r"([0-9]{1,9})\.([0-9]{1,9})\.([0-9]{1,9})(?:(a|b|rc)([0-9]{1,9}))?(t)?")
GRAMMAR = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}"
_STAGE = {"a": 0, "b": 1, "rc": 2, None: 3}

WINDOWS = "windows/"
_WINDOWS_SHARED = ("windowsservercore", "nanoserver")
_ALPINE = "alpine"
_SLIM = "slim"


@dataclass(frozen=True)
class Release:
    """A CPython release number taken apart; ``stage`` is a, b, rc or None for a final one.

    ``free_threaded`` says that the build without the global interpreter lock is meant.
    """

    major: int
    minor_number: int
    patch: int
    stage: str | None
    serial: int
    free_threaded: bool = False

    @property
    def minor(self) -> str:
        """``3.14``."""
        return f"{self.major}.{self.minor_number}"

    @property
    def base(self) -> str:
        """The release without its pre-release suffix, ``3.15.0``."""
        return f"{self.minor}.{self.patch}"

    @property
    def label(self) -> str:
        """``3.14``, or ``3.15-rc`` of a pre-release; ``3.14t``, ``3.15t-rc`` if free-threaded."""
        return self.minor + self._flag + ("-rc" if self.prerelease else "")

    @property
    def prerelease(self) -> bool:
        """Whether this is an alpha, beta or release candidate."""
        return self.stage is not None

    @property
    def order(self) -> tuple[int, int, int, int, int, bool]:
        """A key that sorts from oldest to newest, a free-threaded build below the other one."""
        stage = _STAGE[self.stage]
        ordinary = not self.free_threaded
        return (self.major, self.minor_number, self.patch, stage, self.serial, ordinary)

    @property
    def number(self) -> str:
        """The release as python.org writes it, however it is built."""
        return self.base + (f"{self.stage}{self.serial}" if self.stage else "")

    @property
    def _flag(self) -> str:
        return "t" if self.free_threaded else ""

    def __str__(self) -> str:
        """The release's number, with ``t`` if free-threaded."""
        return self.number + self._flag


def release(text: str) -> Release:
    """Take ``text`` apart; ValueError when it's no release number."""
    match = _RELEASE.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not a CPython release such as 3.14.7 or 3.15.0rc1")
    major, minor, patch, stage, serial, threaded = match.groups()
    made = Release(int(major), int(minor), int(patch), stage, int(serial or 0), bool(threaded))
    if str(made) != text:
        raise ValueError(f"{text!r} has leading zeros, write {made}")
    return made


def valid(tag: str) -> bool:
    """Whether ``tag`` fits the grammar of image tags."""
    return re.fullmatch(GRAMMAR, tag) is not None


def revised(name: str, revision: int) -> str:
    """A release with its revision, ``3.13.15-r1``; itself if that is 0, of one without patches."""
    return f"{name}-r{revision}" if revision else name


def base_tags(
    number: Release, aliases: Iterable[str] = (), *, newest: bool = True, revision: int = 0
) -> list[str]:
    """Rule 1. A release that isn't the ``newest`` of its label has only its own number."""
    own = list(dict.fromkeys([str(number), revised(str(number), revision)]))
    if not newest:
        return own
    plain = not number.prerelease and not number.free_threaded
    return [*own, number.label, *(aliases if plain else ())]


def name(variant: str) -> str:
    """The variant's part of a tag: ``windows/nanoserver-1809`` is ``nanoserver-1809``."""
    return variant.removeprefix(WINDOWS)


def kind(variant: str) -> str | None:
    """The kind of a variant on a suite: ``slim`` of ``slim-trixie``, "" of ``trixie``.

    None of those on Alpine and Windows.
    """
    if variant.startswith((_ALPINE, WINDOWS)):
        return None
    return variant.rpartition("-")[0]


def additional(variant: str) -> bool:
    """Whether docker-library has no variants of that kind."""
    return kind(variant) not in (None, "", _SLIM)


def default_suite(variants: Sequence[str]) -> str | None:
    """Rule 2's default suite among ``variants``."""
    plain = [variant for variant in variants if kind(variant) == ""]
    slim = [variant.removeprefix("slim-") for variant in variants if kind(variant) == _SLIM]
    return next(iter(plain + slim), None)


def default_alpine(variants: Sequence[str]) -> str | None:
    """Rule 2's default Alpine among ``variants``."""
    return next((variant for variant in variants if variant.startswith(_ALPINE)), None)


def _appended(bases: Iterable[str], suffix: str) -> list[str]:
    return [f"{base}-{suffix}".removeprefix("latest-") for base in bases]


def simple_tags(bases: Sequence[str], variant: str, variants: Sequence[str]) -> list[str]:
    """Rule 3: the tags of this image alone; ``variants`` are all of the release's."""
    tags = _appended(bases, name(variant))
    suite = default_suite(variants)
    own = kind(variant)
    if own and variant == f"{own}-{suite}":
        tags += _appended(bases, own)
    if variant == default_alpine(variants):
        tags += _appended(bases, _ALPINE)
    return tags


def shared_tags(bases: Sequence[str], variant: str, variants: Sequence[str]) -> list[str]:
    """Rule 4: the tags this image shares with those of other operating systems."""
    tags: list[str] = []
    windows = variant.startswith(WINDOWS)
    for group in _WINDOWS_SHARED:
        if windows and name(variant).startswith(group):
            tags += _appended(bases, group)
    on_server_core = windows and name(variant).startswith("windowsservercore")
    if on_server_core or (kind(variant) == "" and variant == default_suite(variants)):
        tags += bases
    return tags


def target_tags(
    number: Release, aliases: Iterable[str], target: str, *, default: bool, revision: int = 0
) -> tuple[list[str], list[str]]:
    """The second scheme's (simple, shared) tags of a release on a target."""
    bases = [number.label, *base_tags(number, newest=False, revision=revision)]
    return _appended(bases, target), [*bases, *aliases] if default else []


def repeated(tag_lists: Iterable[tuple[str, Iterable[str]]]) -> tuple[str, str, str] | None:
    """The first tag two owners claim, as (tag, first owner, second owner); None if there's none."""
    owners: dict[str, str] = {}
    for owner, tags in tag_lists:
        for tag in tags:
            if tag in owners:
                return tag, owners[tag], owner
            owners[tag] = owner
    return None
