"""Prints what an image is made from, as SPDX 2.3 package objects.

These are the components that are decided before anything is built: CPython's source, and the
locked Debian packages below it. The libraries that CPython turns out to need are known once it's
compiled: the bill of materials of a built image has those too.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote

from tools.catalog import family_options, load, target_names, yamlfile
from tools.catalog.catalog_error import CatalogError
from tools.catalog.lookup import find
from tools.catalog.model import Catalog, Image, Version
from tools.cli import command
from tools.packages.debian import lockfile


def _package(
    name: str, version: str, download: str, sha256: str, purl: str, **more: object
) -> dict[str, object]:
    identifier = re.sub(r"[^A-Za-z0-9.-]", "-", f"{name}-{version}")
    return {
        "SPDXID": f"SPDXRef-Package-{identifier}",
        "name": name,
        "versionInfo": version,
        "downloadLocation": download,
        "filesAnalyzed": False,
        "checksums": [{"algorithm": "SHA256", "checksumValue": sha256}],
        "licenseConcluded": "NOASSERTION",
        "licenseDeclared": "NOASSERTION",
        "copyrightText": "NOASSERTION",
        "externalRefs": [
            {
                "referenceCategory": "PACKAGE-MANAGER",
                "referenceType": "purl",
                "referenceLocator": purl,
            }
        ],
        **more,
    }


def cpython(version: Version) -> dict[str, object]:
    """CPython's own source."""
    return _package(
        "cpython",
        version.release.number,
        version.url,
        version.sha256,
        f"pkg:generic/cpython@{version.release.number}?download_url={quote(version.url, safe='')}"
        f"&checksum=sha256:{version.sha256}",
        licenseDeclared="PSF-2.0",
        supplier="Organization: Python Software Foundation",
        primaryPackagePurpose="APPLICATION",
    )


def debian(lock: lockfile.Lock, layers: Iterable[str]) -> list[dict[str, object]]:
    """The locked packages of some package sets, by name."""
    wanted = set(layers)
    return [
        _package(
            package.name,
            package.version,
            "NOASSERTION",
            package.sha256,
            f"pkg:deb/debian/{quote(package.name, safe='')}@{quote(package.version, safe='')}"
            f"?arch={package.arch}&distro={lock.suite}",
            packageFileName=package.path.rpartition("/")[2],
            supplier="Organization: Debian",
            primaryPackagePurpose="LIBRARY" if package.name.startswith("lib") else "APPLICATION",
        )
        for package in lock.packages
        if wanted & set(package.sets)
    ]


def components(catalog: Catalog, image: Image, platform: str, locks: Path) -> dict[str, object]:
    """The components of one image for one platform; ``locks`` holds the lock files."""
    arch = catalog.platforms[platform].debian
    lock = lockfile.read(locks / f"{lockfile.stem(image.suite.name, arch)}.lock")
    return {
        "spdxVersion": "SPDX-2.3",
        "name": target_names.image(image.name, platform),
        "tags": list(image.tags),
        "platform": platform,
        "packages": [cpython(image.version), *debian(lock, image.variant.layers)],
    }


def _platform(catalog: Catalog, image: Image, name: str | None) -> str:
    known = [catalog.platforms[platform] for platform in (*image.platforms, *image.apart)]
    if name is None:
        return known[0].name
    for platform in known:
        if name in (platform.name, platform.docker, *platform.aliases):
            return platform.name
    raise CatalogError(
        "catalog/platforms.yaml",
        None,
        "",
        f"{image.name} is not built for {name!r}",
        yamlfile.near(name, [platform.name for platform in known]),
    )


def _text(asked: argparse.Namespace) -> str:
    folder = family_options.directory(asked.catalog)
    catalog = load.load(folder, command.shown(folder))
    family = family_options.family_with(asked.tag, None, folder)
    name = find(family, asked.tag)[0].name
    image = next(image for image in catalog.all_images() if image.name == name)
    platform = _platform(catalog, image, asked.platform)
    return command.as_json(components(catalog, image, platform, asked.locks))


def main(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit status."""
    options = command.parser(
        "components",
        "Print what an image is made from: CPython and the locked Debian packages, as SPDX\n"
        "package objects with checksums and package URLs.",
        "3.14-slim\n3.13-slim-bookworm --platform arm64",
    )
    options.add_argument("tag", metavar="TAG")
    options.add_argument("--platform", metavar="PLATFORM", help="default: the first, amd64")
    options.add_argument(
        "--locks",
        type=command.given,
        default=command.checkout() / "third_party" / "debian",
        metavar="DIR",
        help="the folder with the Debian locks",
    )
    family_options.add_catalog(options)
    command.add_output(options)
    asked = options.parse_args(arguments)
    return command.run(lambda: _text(asked), asked.output, (lockfile.LockError,))


if __name__ == "__main__":
    sys.exit(main())
