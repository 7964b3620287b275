"""Writes the catalog as one JSON file, for Starlark to read.

    PYTHONPATH=<repo>:<pyyaml> python3 -m tools.catalog.export --catalog catalog --output out.json

Needs nothing but Python 3.11 and pyyaml, since a module extension runs it before any tool is
built. A bad catalog prints one message and exits with status 2, writing nothing.

Shape (all keys always there; lists and mappings in the catalog's order, newest release first)::

    {
      "versions": {"3.14.7": {
          "release": "3.14.7",        # the same of its free-threaded build, "3.14.7t"
          "minor": "3.14",            # always plain, also of a pre-release
          "label": "3.14",            # "3.15-rc" of a pre-release, "3.14t" if free-threaded
          "free_threaded": false,
          "setup_py": false,          # a setup.py builds its extension modules
          "sample": true,             # `bazel test //...` tests its images
          "wheels": [],               # installed beside pip: keys of the mapping below
          "prerelease": false,
          "archived": false,          # its images can be built, and that is all
          "newest": true,             # of its label
          "sha256": "...", "url": "https://...", "pool": "pool/main/...",
          "strip_prefix": "Python-3.14.7",
          "source": "@cpython_sources//:3.14.7",     # ...-r1 if patched
          "revised": "3.14.7",        # the release with its revision, "3.14.7-r1" if patched
          "patches": [],              # {"file": "patches/...", "sha256": "...", "origin": "",
                                      #  "fixes": ["CVE-..."]}, in the order to apply them
          "listed_in": "catalog",     # what lists the patches, beside which they lie: the catalog,
                                      # or a file of another workspace, "versions" or "revisions"
          "released": "2026-08-05",
          "release_epoch": 1785888000,
          "epoch": 1785888000,        # of the revision, if there is one: the times in the image
          "eol": "2030-10-31",
          "env": {"PATH": "...", "PYTHON_VERSION": "3.14.7", ...}}},   # in the image's order
      "newest": {"3.14": "3.14.7"},   # by label: the newest release of `versions`
      "wheels": {"wheel==0.45.1": "<sha256>"},
      "suites": {"trixie": {
          "release": "13", "point_release": "13.7",
          "platforms": ["amd64", "arm64"], "eol": "2028-08-09",
          "published": ["amd64"],              # those of its platforms that indexes have
          "ended": false,                      # nobody supports it any more
          "package_sets": {"base": ["..."], ...}, "build_sets": {"sysroot": ["..."], ...},
          "build_flags": {"cflags": "-g -O2", "ldflags": "-Wl,-z,relro",
                          "more": {"amd64": "..."}}}},          # CFLAGS that come after
      "default_suite": "trixie",
      "roles": {                               # what tests and measurements take, by its role
          "suite": "trixie", "other_suite": "bookworm",    # the default one, another supported one
          "minor": "3.14", "other_minor": "3.13",          # the newest two final ones
          "platform": "amd64", "other_platform": "arm64"}, # the first two of the sample
      "platforms": {"arm64": {
          "os": "linux", "architecture": "arm64", "variant": "v8",     # variant may be ""
          "docker": "arm64v8", "debian": "arm64",
          "triplet": "aarch64-linux-gnu", "gnu": "aarch64-linux-gnu",
          "bits": 64, "endian": "little",
          "machine": 183, "uname": "aarch64", "cpu": "aarch64",
          "qemu": "aarch64",                   # "" where the build machine runs its programs
          "rootfs": {"ld_so_cache": 10, "links": []},
          "alpine": {                                                  # null if Alpine lacks it
              "name": "aarch64", "gnu": "aarch64-linux-musl", "triplet": "aarch64-linux-musl",
              "clang": "aarch64-linux-musl", "loader": "aarch64",
              "flags": ["-mno-outline-atomics"], "libgcc": "", "libraries": []},
          "compile": {"frame_pointers": ["-fno-omit-frame-pointer"], "jit": true,
                      "lto": true, "profile": "le64"},                 # profile may be ""
          "aliases": ["arm64v8", "aarch64"], "sample": true}},
      "variants": {"slim": {
          "tag": "slim-{suite}", "base": "debian:{suite}-slim",
          "root": "debian-slim", "layers": ["base", "slim"], "strip": true,
          "hardened": false,                   # pages like docker-library's leave it out
          "above": [], "features": [], "path": [],
          "user": {"name": "nonroot", "id": 65532, "home": "/home/nonroot"},   # may be null
          "user_place": "catalog/variants.yaml:27",   # where the user is listed; may be ""
          "packages": {},                      # by suite: label of another workspace's repository
                                               # of Debian packages that lie upon all else
          "suites": ["trixie", "bookworm"]}},
      "images": [{
          "name": "3.14.7-slim-trixie",        # the first of tags
          "version": "3.14.7", "minor": "3.14", "suite": "trixie", "variant": "slim",
          "variant_tag": "slim-trixie", "base": "debian:trixie-slim",
          "platforms": ["amd64", "arm64"],     # of its index
          "apart": ["riscv64"],                # it can be built for these, too
          "archived": false,                   # in no publication, list or sample
          "tags": ["3.14.7-slim-trixie", "3.14-slim-trixie", "3-slim-trixie", "slim-trixie",
                   "3.14.7-slim", "3.14-slim", "3-slim", "slim"],
          "is_default": true,                  # on the default suite
          "sample": ["amd64"]}],               # platforms `bazel test //...` tests it for
      "alpine": {                              # without an alpine.yaml both are empty
          "releases": {"alpine3.24": {
              "branch": "v3.24", "sets": ["base", "runtime", "sysroot"],
              "platforms": {"arm64": "aarch64"}}},     # Alpine's name of each platform
          "images": [{
              "name": "3.14.7-alpine3.24", "version": "3.14.7", "release": "alpine3.24",
              "archived": false,
              "tags": ["3.14.7-alpine3.24", "3.14-alpine3.24", "..."]}]},
      "ubuntu": {                              # without an ubuntu.yaml empty
          "suites": {"noble": {                # as above; no image of `images` is on one
              "release": "24.04", "platforms": ["amd64"], "eol": "2029-05-31",
              "package_sets": {"base": [], "...": ["..."]}}}},
      "windows": {                             # without a windows.yaml all are empty
          "repository": "windows/servercore", "releases": ["ltsc2025", "ltsc2022"],
          "leave_out": ["Doc"], "path": ["..."], "system_path": ["..."], "env": {"...": "..."},
          "cmd": ["python"], "shell": ["powershell", "..."],
          "archives": {"3.14.7": {"url": "https://...", "sha256": "..."}},   # may be ""
          "images": [{
              "name": "3.14.7-windowsservercore-ltsc2025", "version": "3.14.7",
              "release": "ltsc2025", "tags": ["3.14.7-windowsservercore-ltsc2025", "..."]}],
          "joints": [{                         # indexes of several systems' images
              "version": "3.14.7", "tags": ["3.14.7", "3.14", "3", "latest"],
              "images": ["3.14.7-windowsservercore-ltsc2025", "..."],
              "linux": "3.14.7-trixie"}]},     # "": of Windows images alone
      "families": {"infra7": {                 # other families whose images are built
          "repository": "infra7/python",
          "env": {"PATH": "...", "LANG": "C.UTF-8"}, "cmd": ["python"],
          "aliases": {"amd64": ["x86_64", "x86"]},      # of each of its platforms
          "images": [{"name": "3.14.7-bookworm", "...": "..."}],   # as above
          "missing": [{                        # on suites that aren't in `suites`; as above
              "name": "3.14.7-noble", "suite": "noble", "...": "..."}]}}
    }

No tag is in two images' lists, so each can be an alias of exactly one target. Those of a joint
index with a `linux` image are in that image's list, too: its own where Windows isn't built.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from collections.abc import Iterable
from pathlib import Path

from tools.catalog import alpine, family_images, family_load, lifecycle, ubuntu, windows
from tools.catalog.added import Added
from tools.catalog.catalog_error import CatalogError
from tools.catalog.family import Family
from tools.catalog.load import ALL, SOURCES, load
from tools.catalog.model import CATALOG, Catalog, Image, Suite, Variant, Version
from tools.catalog.platforms import Platform
from tools.cli import atomic

# The repository of CPython's sources; that of another file of versions is called old_ and this.
REPOSITORY = "cpython_sources"


def _version(version: Version, newest: bool, sources: str) -> dict[str, object]:
    return {
        "release": version.release.number,
        "minor": version.release.minor,
        "label": version.release.label,
        "free_threaded": version.release.free_threaded,
        "setup_py": version.setup_py,
        "sample": version.sample is not None,
        "wheels": list(version.minor.wheels),
        "prerelease": version.release.prerelease,
        "archived": version.archived,
        "newest": newest,
        "sha256": version.sha256,
        "url": version.url,
        "pool": version.pool,
        "strip_prefix": version.strip_prefix,
        "source": f"@{sources}//:{version.revised}",
        "revised": version.revised,
        "patches": [
            {
                "file": patch.file,
                "sha256": patch.sha256,
                "fixes": list(patch.fixes),
                "origin": patch.origin,
            }
            for patch in (version.revision.patches if version.revision else ())
        ],
        "listed_in": version.revision.listed_in if version.revision else CATALOG,
        "released": version.released.isoformat(),
        "release_epoch": version.release_epoch,
        "epoch": version.epoch,
        "eol": version.minor.eol.isoformat(),
        "env": version.env,
    }


def _suite(suite: Suite) -> dict[str, object]:
    return {
        "release": suite.release,
        "point_release": suite.point_release or suite.release,
        **ubuntu.export_suite(suite),
    }


def _platform(platform: Platform) -> dict[str, object]:
    return {
        "os": platform.oci.os,
        "architecture": platform.oci.architecture,
        "variant": platform.oci.variant or "",
        "docker": platform.docker,
        "debian": platform.debian,
        "triplet": platform.triplet,
        "gnu": platform.gnu,
        "bits": platform.bits,
        "endian": platform.endian,
        "machine": platform.machine,
        "uname": platform.uname,
        "cpu": platform.cpu,
        "qemu": platform.qemu or "",
        "rootfs": dataclasses.asdict(platform.rootfs),
        "alpine": None if platform.alpine is None else dataclasses.asdict(platform.alpine),
        "compile": {
            **dataclasses.asdict(platform.compile),
            "profile": platform.compile.profile or "",
        },
        "aliases": list(platform.aliases),
        "sample": platform.sample,
    }


def _variant(variant: Variant, suites: Iterable[str]) -> dict[str, object]:
    return {
        "tag": variant.tag,
        "base": variant.base,
        "root": variant.root,
        "layers": list(variant.layers),
        "strip": variant.strip,
        "hardened": variant.hardened,
        "above": list(variant.above),
        "features": list(variant.features),
        "path": list(variant.path),
        "user": None
        if variant.user is None
        else {"name": variant.user.name, "id": variant.user.id, "home": variant.user.home},
        "user_place": "" if variant.user is None else variant.user.place,
        "packages": dict(variant.packages),
        "suites": [name for name in suites if variant.suites is None or name in variant.suites],
    }


def _image(image: Image) -> dict[str, object]:
    return {
        "name": image.name,
        "version": image.version.name,
        "minor": image.version.release.minor,
        "suite": image.suite.name,
        "variant": image.variant.name,
        "variant_tag": image.variant.on(image.suite.name),
        "base": image.variant.base.format(suite=image.suite.name),
        "platforms": list(image.platforms),
        "apart": list(image.apart),
        "archived": image.archived,
        "tags": list(image.tags),
        "is_default": image.is_default,
        "sample": list(image.sample),
    }


def export(
    catalog: Catalog,
    on_alpine: alpine.Alpine | None = None,
    on_windows: windows.Windows | None = None,
    on_ubuntu: ubuntu.Ubuntu | None = None,
    families: Iterable[Family] = (),
    sources: str = REPOSITORY,
) -> dict[str, object]:
    """The catalog in the shape this module's docstring shows; ``sources`` has those of CPython."""
    newest = catalog.newest()
    return {
        "versions": {
            name: _version(version, newest[version.release.label] is version, sources)
            for name, version in catalog.versions.items()
        },
        "newest": {label: version.name for label, version in newest.items()},
        "wheels": dict(catalog.wheels),
        "suites": {name: _suite(suite) for name, suite in catalog.suites.items()},
        "default_suite": catalog.default_suite.name,
        "roles": lifecycle.roles(catalog),
        "platforms": {name: _platform(platform) for name, platform in catalog.platforms.items()},
        "variants": {
            name: _variant(variant, catalog.suites) for name, variant in catalog.variants.items()
        },
        "images": [_image(image) for image in catalog.all_images()],
        "alpine": alpine.export(catalog, on_alpine),
        "ubuntu": ubuntu.export(on_ubuntu),
        "windows": windows.export(catalog, on_windows),
        "families": {
            family.name: family_images.export(family, catalog)
            for family in families
            if family.build is not None
        },
    }


def _added(
    file: Path, directory: Path, families: Iterable[Family], sources: str, more: Added | None
) -> Family:
    """The family of another workspace in ``file``.

    Raises:
        CatalogError: it is malformed, says of no images, or has the name of a known family.
    """
    family = family_load.load_file(file, directory, sources=sources, more=more)
    if family.build is None:
        raise CatalogError(file, None, "images", "is missing", "say what the images are")
    if family.name in {known.name for known in families}:
        raise CatalogError(
            file, None, "", f"the catalog has a family {family.name!r} already", "rename the file"
        )
    return family


def text(
    directory: Path,
    shown: Path | None = None,
    versions: Path | None = None,
    family: Path | None = None,
    sources: str = ALL,
    more: Added | None = None,
) -> str:
    """The catalog in ``directory`` as JSON; the arguments are the command line's options.

    Raises:
        CatalogError: it is at fault.
    """
    catalog = load(directory, shown, versions, sources, more)
    families = [] if versions else family_load.built(directory, shown, sources, more)
    if family is not None:
        families.append(_added(family, directory, families, sources, more))
    # Other versions are there to be tested, on Debian.
    systems = (
        (None, None, None)
        if versions
        else (
            alpine.read(directory, shown),
            windows.read(directory, shown),
            ubuntu.read(directory, catalog, shown),
        )
    )
    exported = export(catalog, *systems, families, f"old_{REPOSITORY}" if versions else REPOSITORY)
    return json.dumps(exported, indent=1, ensure_ascii=False) + "\n"


def main(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="export", description="Write the catalog as one JSON file."
    )
    parser.add_argument("--catalog", type=Path, required=True, help="the catalog's directory")
    parser.add_argument("--shown", type=Path, help="what errors call that directory")
    parser.add_argument("--versions", type=Path, help="file to read instead of its versions.yaml")
    parser.add_argument(
        "--sources",
        choices=SOURCES,
        default=ALL,
        help="mirrored: without releases that no mirror of a closed network has",
    )
    parser.add_argument(
        "--added-versions", type=Path, help="releases to add, a file like versions.yaml"
    )
    parser.add_argument(
        "--added-variants", type=Path, help="variants to add, a file like variants.yaml"
    )
    parser.add_argument(
        "--added-packages",
        action="append",
        default=[],
        metavar="NAME=LABEL",
        help="a repository of Debian packages that these variants may name",
    )
    parser.add_argument(
        "--revisions", type=Path, help="YAML file of revisions, by which releases are patched"
    )
    parser.add_argument(
        "--family", type=Path, help="YAML file of a family to add to those of the catalog"
    )
    parser.add_argument("--output", type=Path, required=True, help="the JSON file to write")
    options = parser.parse_args(arguments)
    more = Added(
        versions=options.added_versions,
        variants=options.added_variants,
        revisions=options.revisions,
        packages=dict(packages.split("=", 1) for packages in options.added_packages),
    )
    try:
        exported = text(
            options.catalog,
            options.shown,
            options.versions,
            options.family,
            options.sources,
            more,
        )
    except CatalogError as error:
        print(error, file=sys.stderr)
        return 2
    atomic.write(options.output, exported)
    return 0


if __name__ == "__main__":
    sys.exit(main())
