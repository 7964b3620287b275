"""Which images a command line chooses, out of a list that the build wrote without building them.

The list is JSON: `{"images": [{"name", "label", "tags"}, …], "settings": {FLAG: VALUE}}`. A label
names an image or an index, or the target that signs one (`<image>.sign`). `settings` are the build
settings that the program itself was built with.
"""

from __future__ import annotations

import difflib
import fnmatch
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from tools.oci.assembler.spec import parse
from tools.oci.registry.reference import check_tag
from tools.oci.registry.registry_error import RegistryError

_SIGN: Final = ".sign"
# How many names an error lists.
_SHOWN: Final = 8


@dataclass(frozen=True)
class Item:
    """An image or index that can be chosen.

    `platforms` is empty for all of them; else the platforms, each with its image's label, that are
    to have an index of their own.
    """

    name: str
    label: str
    tags: tuple[str, ...]
    platforms: tuple[tuple[str, str], ...] = ()

    @property
    def image(self) -> str:
        """The label of the image, without the suffix of the target that signs it."""
        return self.label.removesuffix(_SIGN)

    def labels(self) -> list[str]:
        """Return the labels to build for it."""
        suffix = self.label.removeprefix(self.image)
        return [label + suffix for _, label in self.platforms] or [self.label]

    def images(self) -> list[str]:
        """Return the labels of the images it consists of: an index, or those of its platforms."""
        return [label for _, label in self.platforms] or [self.image]


@dataclass(frozen=True)
class Selection:
    """All that can be chosen, and how the program that asks was built."""

    items: tuple[Item, ...]
    settings: tuple[tuple[str, str], ...]

    def flags(self) -> list[str]:
        """Return the settings as Bazel's flags."""
        return [
            f"--{flag.removeprefix('@@') if flag.startswith('@@//') else flag}={value}"
            for flag, value in self.settings
        ]

    def choose(self, patterns: Sequence[str]) -> list[Item]:
        """Return the images one of whose names or tags fits a pattern; all without a pattern.

        RegistryError where a pattern fits nothing; it names what is near.
        """
        unused = set(patterns)
        chosen = []
        for item in self.items:
            fitting = {one for one in patterns if fnmatch.filter((item.name, *item.tags), one)}
            unused -= fitting
            if fitting or not patterns:
                chosen.append(item)
        if unused:
            known = sorted({name for item in self.items for name in (item.name, *item.tags)})
            near = [
                name
                for pattern in sorted(unused)
                for name in difflib.get_close_matches(pattern, known, n=3)
            ]
            raise RegistryError(
                f"--only {' '.join(sorted(unused))}: no image or tag is named so; "
                + (f"did you mean {' or '.join(near)}?" if near else f"there are {_some(known)}")
            )
        return chosen


def _some(names: Sequence[str]) -> str:
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


def read(path: Path) -> Selection:
    """Read the list. RegistryError where two images claim a tag, or a tag is none."""
    told = parse(path.read_bytes(), path)
    items = []
    owners: dict[str, str] = {}
    for one in told["images"]:
        for tag in one["tags"]:
            other = owners.setdefault(check_tag(tag), one["name"])
            if other != one["name"]:
                raise RegistryError(f"the tag {tag} is given to both {other} and {one['name']}")
        items.append(Item(one["name"], one["label"], tuple(one["tags"])))
    return Selection(tuple(items), tuple(sorted(told["settings"].items())))


def narrow(items: Sequence[Item], asked: Sequence[str], known: Sequence[str]) -> list[Item]:
    """Return the images with the platforms asked for; those that have none of them are left out.

    The image of a platform is what an index's label and its name, joined by `_`, make. `known` are
    the labels of the images of all indexes. RegistryError where no image has a platform.
    """
    if not asked:
        return list(items)
    narrowed = []
    for item in items:
        has = tuple(
            (platform, label)
            for platform in sorted(set(asked))
            for label in [f"{item.image}_{platform}"]
            if label in known
        )
        if has:
            narrowed.append(replace(item, platforms=has))
    found = {platform for item in narrowed for platform, _ in item.platforms}
    if missing := [platform for platform in asked if platform not in found]:
        there = sorted(
            {
                label.removeprefix(f"{item.image}_")
                for item in items
                for label in known
                if label.startswith(f"{item.image}_")
            }
        )
        raise RegistryError(
            f"--platform {' '.join(missing)}: no chosen image has it; there are {_some(there)}"
        )
    return narrowed
