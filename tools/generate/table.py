"""README.md's table of images: a row for each index, and what is known of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from tools.catalog import alpine, family_images, family_load, fixtures, load, results, tags, windows
from tools.catalog.model import Catalog, Image, Version
from tools.catalog.results import FAILED, Results
from tools.inputs.inputs import Inputs

# What a status says; the words README.md explains.
RUN = "built and run here"
OLDER = "built and run at an older lock"
FIXTURE = "fixture-proved"
REAL = "run on real bytes:"
PAGE = "published family page only"
DECLARED = "declared only"


def _named(words: str, found: Sequence[str], whole: Sequence[str]) -> str:
    """``words``, and for which platforms they hold unless for all."""
    return words if len(found) == len(whole) else f"{words}: {', '.join(found)}"


def status(
    known: Results,
    target: str,
    platforms: Sequence[str],
    *,
    proved: bool,
    published: bool,
    real: str = "",
    inputs: Mapping[str, str | None] | None = None,
    earlier: Mapping[str, str] | None = None,
) -> str:
    """What is known of an index: the strongest that holds.

    Args:
        known: what is recorded.
        target: the index, ``//images:3.14.7-slim-trixie``.
        platforms: all that it has; those that ran are named unless all did.
        proved: whether the fixtures of its kind have passed.
        real: the real bytes that the kind has been proved on besides.
        published: whether a published family has an image of that kind.
        inputs: by platform, what an image is made of today; without an entry that isn't asked.
        earlier: the same index of earlier releases, newest first, by release.
    """
    today = inputs or {}
    passed = [name for name in platforms if name in known.tested(target)]
    older = [name for name in passed if today.get(name) not in (None, known.inputs(target, name))]
    now = [name for name in passed if name not in older]
    failed = [name for name in platforms if known.state(target, name) == FAILED]
    said = [
        _named(words, found, platforms) for words, found in ((RUN, now), (OLDER, older)) if found
    ]
    if failed:
        said.append(f"failed: {', '.join(failed)}")
    for release, other in (earlier or {}).items() if not said else ():
        ran = [name for name in platforms if name in known.tested(other)]
        if ran:
            return _named(f"{RUN} as {release}", ran, platforms)
    fixture = f"{FIXTURE}; {REAL} {real}" if real else FIXTURE
    return "; ".join(said) or (fixture if proved else PAGE if published else DECLARED)


def _earlier(catalog: Catalog, version: Version, target: str) -> dict[str, str]:
    """The same index of earlier releases of the minor version, newest first, by release."""
    return {
        other.name: target.replace(f":{version.name}-", f":{other.name}-")
        for other in catalog.versions.values()
        if other.minor.name == version.minor.name
        and other.release.free_threaded == version.release.free_threaded
        and other.release.order < version.release.order
    }


def _row(target: str, others: Iterable[str], platforms: str, said: str) -> str:
    return f"| `{target}` | {', '.join(f'`{tag}`' for tag in others)} | {platforms} | {said} |"


def has_setup_py(minor: str) -> bool:
    """Whether a setup.py builds a minor version's modules, which takes rules of its own."""
    major, _, number = minor.partition(".")
    return (int(major), int(number)) < (3, 12)


def alpine_kind(minor: str) -> str:
    """The kind of fixture that proves a minor version on Alpine."""
    return fixtures.ALPINE_SETUP_PY if has_setup_py(minor) else fixtures.ALPINE


def _shown(catalog: Catalog) -> list[Image]:
    """The images with a row: all that docker-library has too, then the newest hardened ones.

    docs/images.md has the other hardened ones, of all releases and suites.
    """
    images = catalog.images()
    return [image for image in images if not image.variant.hardened] + [
        image
        for image in images
        if image.variant.hardened and tags.hardened(image.variant.tag) in image.tags
    ]


def _official(root: Path, catalog: Catalog, known: Results) -> list[str]:
    """Rows of //images: Debian, Windows, Alpine."""
    folder, shown = root / "catalog", Path("catalog")
    tests = fixtures.read(folder, shown)
    inputs = Inputs(root, catalog)
    rows: list[str] = []
    for image in _shown(catalog):
        target = f"//images:{image.name}"
        said = status(
            known,
            target,
            image.platforms,
            proved=False,
            published=not (image.version.release.free_threaded or image.variant.hardened),
            inputs={name: inputs.of(image, name) for name in image.platforms},
            earlier=_earlier(catalog, image.version, target),
        )
        rows.append(_row(target, image.tags[1:], ", ".join(image.platforms), said))
    on_windows, on_alpine = windows.read(folder, shown), alpine.read(folder, shown)
    for other in windows.images(catalog, on_windows)[0] if on_windows else []:
        target = f"//images:{other.name}"
        said = status(
            known,
            target,
            ["windows"],
            proved=tests.proved(fixtures.WINDOWS, known),
            real=tests.run_on(fixtures.WINDOWS, known),
            published=True,
        )
        rows.append(_row(target, other.tags[1:], "windows/amd64, once locked", said))
    for found in alpine.images(catalog, on_alpine) if on_alpine else []:
        if found.archived:
            continue
        target = f"//images:{found.name}"
        platforms = list(found.release.architectures)
        kind = alpine_kind(found.version.release.minor)
        said = status(
            known,
            target,
            platforms,
            proved=tests.proved(kind, known),
            real=tests.run_on(kind, known),
            published=True,
        )
        rows.append(_row(target, found.tags[1:], f"{', '.join(platforms)}, once locked", said))
    return rows


def _families(root: Path, catalog: Catalog, known: Results) -> list[str]:
    """Rows of the other families that are built, in the order of their pages."""
    folder, shown = root / "catalog", Path("catalog")
    on_ubuntu = fixtures.read(folder, shown).proved(fixtures.UBUNTU, known)
    inputs = Inputs(root, catalog)
    rows: list[str] = []
    for family in family_load.built(folder, shown):
        for image in family_images.images(family, catalog):
            target = f"//images/{family.name}:{image.name}"
            said = status(
                known,
                target,
                image.platforms,
                proved=False,
                published=True,
                inputs={name: inputs.of(image, name, family.build) for name in image.platforms},
                earlier=_earlier(catalog, image.version, target),
            )
            rows.append(_row(target, image.tags[1:], ", ".join(image.platforms), said))
        for lacking in family_images.missing(family, catalog):
            target = f"//images/{family.name}:{lacking.name}"
            minor = catalog.versions[lacking.release].release.minor
            # The fixture compiles no version with a setup.py.
            proved = on_ubuntu and not has_setup_py(minor)
            said = status(known, target, lacking.platforms, proved=proved, published=True)
            platforms = f"{', '.join(lacking.platforms)}, once locked"
            rows.append(_row(target, lacking.tags[1:], platforms, said))
    return rows


def table(root: Path) -> str:
    """The table, in Markdown.

    Raises:
        CatalogError: the catalog is at fault, or its results.
    """
    catalog = load.load(root / "catalog", Path("catalog"))
    known = results.read(root / "catalog", Path("catalog"))
    head = ["| Target | Also | Platforms | Status |", "|---|---|---|---|"]
    return "\n".join([*head, *_official(root, catalog, known), *_families(root, catalog, known)])
