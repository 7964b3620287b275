"""What apt is told of packages that a lock has and the archive no longer.

An archive keeps one version of a package. That of a lock is soon gone from its indexes, though
snapshots still have the file. apt is told the paragraph of the version that superseded it: within
a suite, a package keeps what it needs. Relations among packages of one lock lose their versions,
since apt has agreed to them when they were locked.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping

from tools.packages.debian.lockfile import Package

_NEEDS = ("Depends", "Pre-Depends")
_EXCLUDES = ("Breaks", "Conflicts")
# Of the file, or of what doesn't count.
_DROPPED = ("MD5sum", "SHA1", "SHA512", "Recommends", "Suggests", "Enhances")


def paragraphs(index: str) -> Iterator[dict[str, str]]:
    """The paragraphs of a Packages file; what follows a field's first line is left out."""
    for text in index.split("\n\n"):
        fields = {
            key: value
            for line in text.split("\n")
            if line[:1].strip()
            for key, _, value in [line.partition(": ")]
        }
        if fields:
            yield fields


def _name(relation: str) -> str:
    return re.split(r"[\s:(\[]", relation.strip(), maxsplit=1)[0]


def _without_version(relation: str, locked: Collection[str]) -> str:
    return re.sub(r"\s*\([^)]*\)", "", relation) if _name(relation) in locked else relation


def held(fields: Mapping[str, str], package: Package, locked: Collection[str]) -> dict[str, str]:
    """The paragraph of a locked package, made of that of another version.

    Args:
        fields: the other version's.
        package: as it is locked.
        locked: names of all packages of the lock.
    """
    made = {key: value for key, value in fields.items() if key not in _DROPPED}
    for key in _NEEDS:
        if key in made:
            made[key] = ",".join(
                "|".join(_without_version(one, locked) for one in group.split("|"))
                for group in made[key].split(",")
            )
    for key in _EXCLUDES:
        if key in made:
            kept = [one for one in made[key].split(",") if _name(one) not in locked]
            made[key] = ",".join(kept)
            if not kept:
                del made[key]
    if "Provides" in made:
        made["Provides"] = made["Provides"].replace(fields["Version"], package.version)
    made |= {
        "Version": package.version,
        "Filename": f"./{package.name}_{package.version.replace(':', '%3a')}_{package.arch}.deb",
        "Size": str(package.size),
        "SHA256": package.sha256,
    }
    return made


def text(made: Iterable[Mapping[str, str]]) -> str:
    """Paragraphs as a Packages file."""
    return "".join(
        "".join(f"{key}: {value}\n" for key, value in one.items()) + "\n" for one in made
    )
