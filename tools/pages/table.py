"""What is known of the images: a row for each index, and a summary with a row for each family."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.catalog import alpine, family_images, family_load, load, proofs, results, windows
from tools.catalog.model import Catalog, Image, Version, setup_py
from tools.catalog.results import FAILED, Results
from tools.inputs.inputs import Inputs

# What a status says; the words docs/status.md explains.
RUN = "built and run here"
OLDER = "built and run at an older lock"
FIXTURE = "fixture-proved"
REAL = "run on real bytes:"
PAGE = "published family page only"
DECLARED = "declared only"

# The rows of the summary, in its order.
FULL = "Debian with compilers"
SLIM = "Debian slim"
FREE_THREADED = "Free-threaded builds"
DISTROLESS = "Debian without a shell"
NONROOT = "Debian without root"
ALPINE = "Alpine"
WINDOWS = "Windows Server Core"
OTHERS = "infra7's images"
SUMMARY = (FULL, SLIM, FREE_THREADED, DISTROLESS, NONROOT, ALPINE, WINDOWS, OTHERS)


@dataclass(frozen=True)
class Row:
    """One index and what is known of it.

    Attributes:
        family: one of SUMMARY.
        target: its label.
        tags: its other tags.
        platforms: all that it has, as people read them.
        said: its status.
        ran: the platforms on which an image of it has passed its tests, of any release.
        locked: whether it can be built; else a lock is missing.
        listed: whether the long table has it: hardened images that nobody has run are in
            docs/images.md, but for the newest.
    """

    family: str
    target: str
    tags: tuple[str, ...]
    platforms: tuple[str, ...]
    said: str
    ran: tuple[str, ...] = ()
    locked: bool = True
    listed: bool = True

    def text(self) -> str:
        """The row of the long table, in Markdown."""
        tags = ", ".join(f"`{tag}`" for tag in self.tags)
        platforms = ", ".join(self.platforms) + ("" if self.locked else ", once locked")
        return f"| `{self.target}` | {tags} | {platforms} | {self.said} |"


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


def alpine_kind(minor: str) -> str:
    """The kind of fixture that proves a minor version on Alpine."""
    return proofs.ALPINE_SETUP_PY if setup_py(minor) else proofs.ALPINE


def _family(image: Image) -> str:
    """The summary's row that an image on Debian belongs to."""
    if image.variant.hardened:
        return NONROOT if image.variant.kind.endswith("nonroot") else DISTROLESS
    if image.version.release.free_threaded:
        return FREE_THREADED
    return SLIM if image.variant.tag.startswith("slim") else FULL


def _ran(known: Results, targets: Iterable[str], platforms: Sequence[str]) -> tuple[str, ...]:
    """The platforms on which any of the indexes has passed its tests."""
    tested = {name for target in targets for name in known.tested(target)}
    return tuple(name for name in platforms if name in tested)


def _debian(root: Path, catalog: Catalog, known: Results) -> list[Row]:
    """Rows of //images on Debian: those docker-library has too, then the hardened ones."""
    inputs = Inputs(root, catalog)
    rows: list[Row] = []
    for image in sorted(catalog.images(), key=lambda image: image.variant.hardened):
        target = f"//images:{image.name}"
        earlier = _earlier(catalog, image.version, target)
        hardened = image.variant.hardened
        said = status(
            known,
            target,
            image.platforms,
            proved=False,
            published=not (image.version.release.free_threaded or hardened),
            inputs={name: inputs.of(image, name) for name in image.platforms},
            earlier=earlier,
        )
        ran = _ran(known, [target, *earlier.values()], image.platforms)
        listed = not hardened or bool(ran) or image.variant.kind in image.tags
        rows.append(
            Row(
                _family(image),
                target,
                image.tags[1:],
                image.platforms,
                said,
                ran,
                listed=listed,
            )
        )
    return rows


def _other_systems(root: Path, catalog: Catalog, known: Results) -> list[Row]:
    """Rows of //images on Windows, then on Alpine."""
    folder, shown = root / "catalog", Path("catalog")
    tests = proofs.read(folder, shown)
    rows: list[Row] = []

    def add(
        family: str, name: str, others: tuple[str, ...], platforms: tuple[str, ...], kind: str
    ) -> None:
        said = status(
            known,
            f"//images:{name}",
            platforms,
            proved=tests.proved(kind, known),
            real=tests.run_on(kind, known),
            published=True,
        )
        rows.append(Row(family, f"//images:{name}", others, platforms, said, locked=False))

    on_windows, on_alpine = windows.read(folder, shown), alpine.read(folder, shown)
    for other in windows.images(catalog, on_windows)[0] if on_windows else []:
        add(WINDOWS, other.name, tuple(other.tags[1:]), ("windows/amd64",), proofs.WINDOWS)
    for found in alpine.images(catalog, on_alpine) if on_alpine else []:
        if not found.archived:
            kind = alpine_kind(found.version.release.minor)
            platforms = tuple(found.release.architectures)
            add(ALPINE, found.name, tuple(found.tags[1:]), platforms, kind)
    return rows


def _families(root: Path, catalog: Catalog, known: Results) -> list[Row]:
    """Rows of the other families that are built, in the order of their pages."""
    folder, shown = root / "catalog", Path("catalog")
    on_ubuntu = proofs.read(folder, shown).proved(proofs.UBUNTU, known)
    inputs = Inputs(root, catalog)
    rows: list[Row] = []
    for family in family_load.built(folder, shown):
        for image in family_images.images(family, catalog):
            target = f"//images/{family.name}:{image.name}"
            earlier = _earlier(catalog, image.version, target)
            said = status(
                known,
                target,
                image.platforms,
                proved=False,
                published=True,
                inputs={name: inputs.of(image, name, family.build) for name in image.platforms},
                earlier=earlier,
            )
            ran = _ran(known, [target, *earlier.values()], image.platforms)
            rows.append(Row(OTHERS, target, image.tags[1:], image.platforms, said, ran))
        for lacking in family_images.missing(family, catalog):
            target = f"//images/{family.name}:{lacking.name}"
            minor = catalog.versions[lacking.release].release.minor
            # The fixture compiles no version with a setup.py.
            proved = on_ubuntu and not setup_py(minor)
            said = status(known, target, lacking.platforms, proved=proved, published=True)
            others, platforms = tuple(lacking.tags[1:]), tuple(lacking.platforms)
            rows.append(Row(OTHERS, target, others, platforms, said, locked=False))
    return rows


def rows(root: Path) -> list[Row]:
    """A row for each index that is published.

    Raises:
        CatalogError: the catalog is at fault, or its results.
    """
    catalog = load.load(root / "catalog", Path("catalog"))
    known = results.read(root / "catalog", Path("catalog"))
    makers = (_debian, _other_systems, _families)
    return [row for maker in makers for row in maker(root, catalog, known)]


def table(found: Iterable[Row]) -> str:
    """The long table, in Markdown: a line for each row that is listed."""
    head = ["| Target | Also | Platforms | Status |", "|---|---|---|---|"]
    return "\n".join([*head, *(row.text() for row in found if row.listed)])


def _proved(found: Sequence[Row]) -> str:
    """How many images of a family have which status, the strongest first."""
    ran = [row for row in found if row.ran]
    rest = [row for row in found if not row.ran]
    on = Counter(name for row in ran for name in row.ran)
    counts = ", ".join(f"{name} {count}" for name, count in on.items())
    said = [f"{len(ran)} {RUN} ({counts})"] if ran else []
    for words, short in (
        (f"{FIXTURE}; {REAL}", f"{FIXTURE}, and {REAL.rstrip(':')}"),
        (FIXTURE, FIXTURE),
        (PAGE, PAGE),
        (DECLARED, DECLARED),
    ):
        count = len([row for row in rest if row.said.startswith(words)])
        rest = [row for row in rest if not row.said.startswith(words)]
        said += [f"{count} {short}"] if count else []
    return "; ".join([*said, *([f"{len(rest)} failed"] if rest else [])])


def _example(row: Row) -> str:
    """The shortest label of an index that names its minor version."""
    package = row.target.rpartition(":")[0]
    tag = min((tag for tag in row.tags if tag[0].isdigit() and "." in tag), key=len, default="")
    return f"{package}:{tag}"


def summary(found: Sequence[Row]) -> str:
    """A line for each family: an example, its platforms, and what is proved of its images."""
    lines = ["| Family | For example | Platforms | What is proved |", "|---|---|---|---|"]
    for family in SUMMARY:
        of_family = [row for row in found if row.family == family]
        if not of_family:
            continue
        platforms = list(dict.fromkeys(name for row in of_family for name in row.platforms))
        names = ", ".join(platforms) if len(platforms) < 3 else f"{len(platforms)}"
        lines.append(f"| {family} | `{_example(of_family[0])}` | {names} | {_proved(of_family)} |")
    return "\n".join(lines)
