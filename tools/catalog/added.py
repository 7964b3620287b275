"""What another workspace adds to the catalog: files of the catalog's own forms, read over them.

Precedence is by name: a row of theirs takes the place of ours with the same name, and stands behind
ours otherwise. Revisions refer to the releases after that, theirs included.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

# Where tools find these files, below a catalog's folder: //catalog:added puts them there.
FOLDER = "added"


@dataclass(frozen=True)
class Added:
    """The files; what is None isn't added.

    Attributes:
        versions: of the form of versions.yaml; patches that it lists lie beside it.
        variants: of the form of variants.yaml.
        revisions: patches of releases, tools/catalog/revisions.py.
        packages: the repositories of Debian packages that variants may name, and what they are as
            labels; None where nobody says which there are.
    """

    versions: Path | None = None
    variants: Path | None = None
    revisions: Path | None = None
    packages: Mapping[str, str] | None = field(default=None, hash=False)


NOTHING = Added()


def below(directory: Path) -> Added:
    """What is added to the catalog in ``directory``: mostly nothing."""

    def file(name: str) -> Path | None:
        path = directory / FOLDER / f"{name}.yaml"
        return path if path.is_file() else None

    return Added(file("versions"), file("variants"), file("revisions"))
