"""The hardened images as entries of a list: docker-library's pages and manifests have none."""

from __future__ import annotations

from pathlib import Path

from tools.catalog import family_options, load
from tools.catalog.family import Entry, Family
from tools.cli import command

# The family of what //images has.
_WHOLE = "current"


def entries(family: Family, catalog: Path | None) -> list[Entry]:
    """The hardened images that belong to a family, in the order of pages.

    Args:
        family: any; those but the current one have none.
        catalog: what `--catalog` says: in a family's own file there are none either.
    """
    if family.name != _WHOLE or (catalog is not None and not catalog.is_dir()):
        return []
    folder = family_options.directory(catalog)
    found = load.load(folder, command.shown(folder))
    releases = {release.name: release for release in family.releases}
    return [
        Entry(
            release=releases[image.version.name],
            variant=image.variant.on(image.suite.name),
            tags=image.tags,
            shared_tags=(),
            architectures=tuple(sorted(found.platforms[name].docker for name in image.platforms)),
            directory="",
            commit=None,
            constraint=None,
            builder=None,
            url=None,
        )
        for image in found.images()
        if image.variant.hardened
    ]
