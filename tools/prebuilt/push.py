"""Compiles CPythons, or takes them from a cache, and pushes them for others to take by digest.

    ./bazelw run //tools:prebuilt -- --repository HOST/PATH 3.14_trixie_amd64

Writes prebuilt.json, which a workspace that uses this module checks in: docs/remote-cache.md.
"""

from __future__ import annotations

import argparse
import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from tools.catalog import target_names
from tools.cli import atomic, program
from tools.cli.transfer import Transfer, megabytes
from tools.oci.assembler import layers
from tools.oci.assembler.layout import Layout, blob_name
from tools.oci.assembler.spec import (
    OCI_LAYER,
    OCI_MANIFEST,
    Json,
    OciError,
    descriptor,
    digest_of,
    digest_of_file,
    dump,
    parse,
)
from tools.oci.compress import CompressError, compress
from tools.oci.registry.push import Image, add_options, push_to
from tools.oci.registry.reference import Repository, parse_repository
from tools.oci.registry.registry_error import RegistryError
from tools.prebuilt import archive, listing, recipe
from tools.prebuilt.listing import PrebuiltError

# The module by its own name: so it is called here, and in .ci/consumer.
_PACKAGE = "@python_images//python_images/cpython"
_ARTIFACT = "application/vnd.python-images.cpython.v1"
_EMPTY = "application/vnd.oci.empty.v1+json"


def release_of(catalog: Json, name: str) -> str:
    """Return the version of `<version or label>_<suite>_<platform>`. Raises PrebuiltError."""
    version, _, rest = name.partition("_")
    version = catalog["newest"].get(version, version)
    suite, _, platform = rest.partition("_")
    if version not in catalog["versions"]:
        raise PrebuiltError(f"{name}: no release {version!r}; see catalog/versions.yaml")
    if platform not in catalog["suites"].get(suite, {}).get("platforms", ()):
        label, default = next(iter(catalog["newest"])), catalog["default_suite"]
        raise PrebuiltError(
            f"{name}: no {suite}/{platform}; a name is <version>_<suite>_<platform>, such as"
            f" {target_names.cpython(label, default, 'amd64')}"
        )
    return str(version)


def published(catalog: Json) -> list[str]:
    """Return the names of all CPythons that images in indexes have, each once."""
    return list(
        dict.fromkeys(
            target_names.cpython(image["version"], image["suite"], platform)
            for image in catalog["images"]
            if not image["archived"]
            for platform in image["platforms"]
        )
    )


def artifact(folder: Path, name: str, files: dict[str, Path]) -> tuple[Layout, Json]:
    """Write a CPython as an OCI layout; return it and the descriptor of its blob."""
    tar, blob = folder / "archive.tar", folder / "archive.tar.gz"
    archive.write(tar, files)
    compress(tar, blob)
    tar.unlink()
    layer = descriptor(f"{OCI_LAYER}+gzip", digest_of_file(blob), blob.stat().st_size)
    manifest = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "artifactType": _ARTIFACT,
        "config": descriptor(_EMPTY, digest_of(b"{}"), 2),
        "layers": [layer],
        "annotations": {"org.opencontainers.image.title": name},
    }
    layout = folder / "layout"
    (layout / "blobs/sha256").mkdir(parents=True)
    blob.rename(layout / blob_name(layer["digest"]))
    for data in (b"{}", dump(manifest)):
        (layout / blob_name(digest_of(data))).write_bytes(data)
    root = descriptor(OCI_MANIFEST, digest_of(dump(manifest)), len(dump(manifest)))
    (layout / "oci-layout").write_bytes(dump({"imageLayoutVersion": "1.0.0"}))
    (layout / "index.json").write_bytes(dump({"schemaVersion": 2, "manifests": [root]}))
    return Layout(layout), layer


class Bazel:
    """Bazel in the workspace this was started from."""

    def __init__(self, command: Sequence[str] | None) -> None:
        self._workspace = Path(os.environ.get("BUILD_WORKSPACE_DIRECTORY", "."))
        self._words = list(command) if command else [layers.launcher(self._workspace)]

    def _run(self, *words: str) -> str:
        line = [*self._words, *words]
        done = subprocess.run(
            line, cwd=self._workspace, stdout=subprocess.PIPE, text=True, check=False
        )
        if done.returncode:
            raise PrebuiltError(f"{shlex.join(line)}: exit status {done.returncode}")
        return done.stdout

    def cpythons(self, names: Iterable[str]) -> dict[str, dict[str, Path]]:
        """Build CPythons; return the files of each by their names in an archive."""
        labels = [f"{_PACKAGE}:{name}{end}" for name in names for end in ("", ".stripped")]
        groups = "--output_groups=+report,+gdb"
        self._run("build", groups, "--remote_download_outputs=toplevel", "--", *labels)
        listed = self._run(
            "cquery", groups, "--output=files", "--", f"set({' '.join(map(repr, labels))})"
        )
        root = Path(self._run("info", "execution_root").strip())
        built = {Path(line).name: root / line for line in listed.splitlines()}
        return {
            name: {
                archive.TREE: built[f"{name}.tar"],
                archive.STRIPPED: built[f"{name}.stripped.tar"],
                archive.REPORT: built[f"{name}.json"],
                archive.GDB: built[f"{name}-gdb.py"],
            }
            for name in names
        }


def before(path: Path, repository: Repository, ours: str) -> Json:
    """Return what a prebuilt.json has that stays as it is: that of the same recipe and registry."""
    new: Json = {"repository": str(repository), "recipe": ours, "cpythons": {}}
    if not path.exists():
        return new
    old = listing.read(path, str(path))
    if (old["repository"], old["recipe"]) == (new["repository"], ours):
        return old
    print(f"prebuilt: {path} is of another recipe or repository; it begins anew", file=sys.stderr)
    return new


def push(
    bazel: Bazel, target: Repository, document: Json, wanted: dict[str, Json], args: Any
) -> None:
    """Push the CPythons in `wanted`, name -> facts, and add them to the document."""
    progress = Transfer()
    try:
        for name, files in bazel.cpythons(wanted).items():
            with tempfile.TemporaryDirectory() as folder:
                layout, blob = artifact(Path(folder), name, files)
                tag = f"{name}-{document['recipe'].removeprefix('sha256:')[:12]}"
                summary = push_to(target, [Image(layout, (tag,))], progress, args)
            document["cpythons"][name] = {
                "blob": blob["digest"],
                "size": blob["size"],
                "facts": wanted[name],
            }
            progress.line(f"{target}:{tag} ({megabytes(blob['size'])}): {summary}")
    finally:
        progress.close()


def save(path: Path, document: Json) -> None:
    """Write the file, whole or not at all."""
    atomic.write(path, listing.text(document))


def main(argv: Sequence[str] | None = None) -> int:
    """The command line; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="./bazelw run //tools:prebuilt --",
        description="Push CPythons to a registry: other workspaces then need not compile them.",
    )
    parser.add_argument("--catalog", type=Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("names", nargs="*", metavar="NAME", help="such as 3.14_trixie_amd64")
    parser.add_argument(
        "--all", action="store_true", help="those of all images that are published, too"
    )
    parser.add_argument("-r", "--repository", required=True, help="where to: HOST[:PORT]/PATH")
    parser.add_argument(
        "--output", type=Path, default=Path("prebuilt.json"), help="the file to write or add to"
    )
    add_options(parser)
    args = parser.parse_args(argv)
    if not (args.names or args.all):
        parser.error("name a CPython, such as 3.14_trixie_amd64, or --all")
    errors = (PrebuiltError, RegistryError, OciError, CompressError)
    again = "pushing again goes on from here"
    return program.run(lambda: _push_all(args), "prebuilt", errors, again)


def _push_all(args: argparse.Namespace) -> int:
    """Push what a command line names."""
    output = Path(os.environ.get("BUILD_WORKING_DIRECTORY", "."), args.output)
    catalog = parse(args.catalog.read_bytes(), args.catalog)
    wanted = {}
    for name in [*args.names, *(published(catalog) if args.all else [])]:
        version = release_of(catalog, name)
        wanted[version + name[name.index("_") :]] = listing.facts(catalog, version)
    target = parse_repository(args.repository)
    # This file's own module, wherever it lies.
    document = before(output, target, recipe.digest(Path(__file__).resolve().parents[2]))
    push(Bazel(args.bazel), target, document, wanted, args)
    save(output, document)
    print(output)
    return 0


if __name__ == "__main__":
    sys.exit(main())
