"""What publishing or signing takes, told and agreed to before anything is built."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TextIO

from tools.cli.transfer import megabytes
from tools.oci.assembler.layout import Layout
from tools.oci.assembler.spec import OciError
from tools.oci.publishing.bazel import Bazel
from tools.oci.publishing.selection import Item, Selection, narrow
from tools.oci.registry.registry_error import RegistryError

_WIDTH: Final = 80
# From an index to its images and to those they lie on; from these to the CPython in their layers.
_COMPILES: Final = (
    'let images = kind("oci_image rule$", deps({}, 3)) in'
    ' kind("^cpython(_musl)? rule$", deps($images, 3))'
)


@dataclass(frozen=True)
class Plan:
    """The chosen images, the platforms each index has, and the CPythons they need.

    `known` is how many bytes the images have of which an earlier build left an outline, `counted`
    how many images that are.
    """

    items: tuple[Item, ...]
    platforms: dict[str, tuple[str, ...]]
    compiles: tuple[str, ...]
    known: int = 0
    counted: int = 0

    def images(self) -> int:
        """Return how many images of one platform are chosen."""
        return sum(max(1, len(names)) for names in self.platforms.values())


def make(
    bazel: Bazel,
    selection: Selection,
    patterns: Sequence[str],
    platforms: Sequence[str],
    root: Path,
) -> Plan:
    """Choose images, and ask Bazel what they consist of; nothing is built, and nothing fetched.

    `root` is the folder of the outputs of earlier builds. RegistryError where nothing fits.
    """
    chosen = selection.choose(patterns)
    known = bazel.query(f"labels(images, {_set([item.image for item in chosen])})")
    items = narrow(chosen, platforms, known)
    images = [label for item in items for label in item.images()]
    compiles = bazel.query(_COMPILES.format(_set(images)))
    has = {
        item.name: tuple(platform for platform, _ in item.platforms)
        or tuple(
            sorted(
                label.removeprefix(f"{item.image}_")
                for label in known
                if label.startswith(f"{item.image}_")
            )
        )
        for item in items
    }
    sizes = [_blobs(root, label) for label in images]
    blobs = {digest: size for one in sizes for digest, size in one.items()}
    return Plan(
        tuple(items), has, tuple(sorted(compiles)), sum(blobs.values()), sum(map(bool, sizes))
    )


def _set(labels: Sequence[str]) -> str:
    return "set(" + " ".join(f'"{label}"' for label in labels) + ")"


def _blobs(root: Path, label: str) -> dict[str, int]:
    """Return the blobs of an image, digest to bytes, if an earlier build left its outline."""
    repository, _, path = label.removeprefix("@@").partition("//")
    package, _, name = path.partition(":")
    folder = root / (f"external/{repository}" if repository else "") / package / f"{name}.outline"
    try:
        return {
            blob["digest"]: blob["size"]
            for _, manifest in Layout(folder).images()
            for blob in (manifest["config"], *manifest["layers"])
        }
    except (OciError, OSError):
        return {}


def lines(plan: Plan, verb: str) -> list[str]:
    """Return the plan for people, in lines of at most 80 columns where words allow it."""
    told = [f"{verb}:"]
    for item in plan.items:
        platforms = plan.platforms[item.name]
        words = [f"  {item.name}"]
        if platforms:
            words.append(f"[{' '.join(platforms)}]")
        told += textwrap.wrap(
            " ".join([*words, *(tag for tag in item.tags if tag != item.name)]),
            _WIDTH,
            subsequent_indent="      ",
            break_long_words=False,
            break_on_hyphens=False,
        )
    told.append(f"That is {_counted('image', plan.images())} of one platform each.")
    count = len(plan.compiles)
    if count:
        told.append(f"At most {_counted('compile', count)} of CPython, some minutes each; cached")
        told.append("ones are not compiled again.")
    if plan.counted:
        told.append(
            f"{_counted('image', plan.counted)} built before: {megabytes(plan.known)} compressed."
        )
    return told


def _counted(word: str, count: int) -> str:
    return f"{count} {word}{'' if count == 1 else 's'}"


def agree(plan: Plan, yes: bool, stdin: TextIO | None = None) -> None:
    """Ask whether more than one CPython may be compiled. RegistryError unless someone says yes."""
    if yes or len(plan.compiles) <= 1:
        return
    source = stdin or sys.stdin
    remedy = "name fewer images with --only and --platform, or agree with --yes"
    if not source.isatty():
        raise RegistryError(f"up to {len(plan.compiles)} compiles of CPython: {remedy}")
    print("Go on? [y/N] ", end="", file=sys.stderr, flush=True)
    if source.readline().strip().lower() not in ("y", "yes"):
        raise RegistryError(f"nothing was built: {remedy}")
