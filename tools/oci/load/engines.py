"""docker, podman and containerd: how each is spared the layers it has."""

from __future__ import annotations

import functools
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tools.oci.assembler import archive
from tools.oci.assembler.layout import Layout, blob_name
from tools.oci.assembler.spec import INDEX_TYPES, dump
from tools.oci.load.engine import Engine, layers_of, machine, write_index


class Docker(Engine):
    """docker: `docker load` looks a layer up before it opens its file in the archive.

    It finds a layer by all the layers below it (the chain ID), so what it has is the longest
    beginning of one of its images. Its containerd image store wants archives to be whole.
    """

    def _has_containerd_store(self) -> bool:
        return "io.containerd.snapshotter" in self.ask("info", "--format={{json .DriverStatus}}")

    def choose(self, layout: Layout, form: str) -> tuple[Layout, str]:
        """Of an index the engine's own image, but where the engine can keep an index."""
        if layout.root()["mediaType"] not in INDEX_TYPES or self._has_containerd_store():
            return layout, form
        architecture = self.ask("version", "--format={{.Server.Arch}}").strip()
        return layout.for_architecture(architecture or machine()), "docker"

    def known(self, layout: Layout) -> set[str]:
        """Return the digests of the layers it has in the same place of one of its images."""
        if layout.root()["mediaType"] in INDEX_TYPES or self._has_containerd_store():
            return set()
        chain = layers_of(layout)
        known: set[str] = set()
        for image in self.images():
            for layer, diff_id in zip(chain, image, strict=False):
                if layer.diff_id != diff_id:
                    break
                known.add(layer.digest)
        return known


class Podman(Engine):
    """podman: it takes an OCI layout directory, and opens only the layers it lacks.

    As a client of another machine's it has no use for a directory here: that gets an archive.
    """

    passes_over = True

    @functools.cached_property
    def _host(self) -> tuple[bool, str]:
        """Whether it is a client of another machine's, and the CPU there as Go names it."""
        # Each call takes as long as to unpack some megabytes: one for all there is to know.
        told = self.ask("info", "--format={{.Host.ServiceIsRemote}} {{.Host.Arch}}").split()
        remote, architecture = told if len(told) == 2 else ("", machine())
        return remote != "false", architecture

    def choose(self, layout: Layout, form: str) -> tuple[Layout, str]:
        """Of an index the engine's own image: it keeps no other."""
        return layout.for_architecture(self._host[1]), form

    def known(self, layout: Layout) -> set[str]:
        """Return the digests of the layers that are anywhere in its store."""
        if self._host[0]:
            return set()
        stored = {diff_id for image in self.images() for diff_id in image}
        return {layer.digest for layer in layers_of(layout) if layer.diff_id in stored}

    def load(self, layout: Layout, form: str, tags: list[str], parts: archive.Parts) -> int:
        """Load it from a directory of links, which saves packing and unpacking an archive."""
        if self._host[0]:
            return super().load(layout, form, tags, parts)
        entry, manifest = layout.image()
        with _nameable_folder() as folder:
            (folder / "blobs/sha256").mkdir(parents=True)
            write_index(folder, dump(archive.index_of(entry, [])))
            for blob in (entry, manifest["config"], *manifest["layers"]):
                if blob["digest"] not in parts.left_out:
                    file = parts.file(layout, blob["digest"]).resolve()
                    (folder / blob_name(blob["digest"])).symlink_to(file)
            done = subprocess.run(
                [self.program, "load", "--quiet", "--input", folder, *self.words],
                stdout=subprocess.PIPE,
                text=True,
                check=False,
            )
            if done.returncode:
                return done.returncode
            name = done.stdout.strip().rpartition(" ")[2]
            image = manifest["config"]["digest"].removeprefix("sha256:")
            for words in (["tag", image, *tags], ["untag", image, name]) if tags else ():
                status = subprocess.run([self.program, *words], check=False).returncode
                if status:
                    return status
        for tag in tags:
            print(f"Loaded image: {tag}")
        return 0


@contextmanager
def _nameable_folder() -> Iterator[Path]:
    """A folder podman can name an image after: tempfile's may have signs that no name has."""
    folder = Path(f"/tmp/load-{secrets.token_hex(8)}")  # noqa: S108 - nobody can foresee it
    folder.mkdir(mode=0o700)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


class Containerd(Engine):
    """containerd, by ctr: what its content store has already need not be in the archive."""

    def choose(self, layout: Layout, form: str) -> tuple[Layout, str]:
        """All of an index: its other platforms' images are left out as layers it needn't have."""
        return layout, "oci"

    def known(self, layout: Layout) -> set[str]:
        """Return the digests of layers in its content store, and those of other platforms."""
        stored = set(self.ask("content", "ls", "--quiet").split())
        mine = layout.for_architecture(machine())
        own = {layer.digest for layer in layers_of(mine)}
        every = {blob["digest"] for _, manifest in layout.images() for blob in manifest["layers"]}
        return (every & stored) | (every - own)

    def load(self, layout: Layout, form: str, tags: list[str], parts: archive.Parts) -> int:
        """Import it, and unpack the image for this machine."""
        with self.piped(["images", "import", *self.words, "-"]) as (out, process):
            archive.write(layout, form, tags, out, parts)
        return process.returncode


# In the order they are looked for.
ENGINES: Final[dict[str, type[Engine]]] = {
    "docker": Docker,
    "podman": Podman,
    "nerdctl": Engine,
    "ctr": Containerd,
}
