"""What every container engine is asked: which layers it has, and to load an archive."""

from __future__ import annotations

import dataclasses
import json
import os
import platform
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

from tools.oci.assembler import archive
from tools.oci.assembler.layout import Layout
from tools.oci.assembler.spec import OciError, check_config

# What the kernel calls a CPU, and Go.
_ARCHITECTURES: Final = {
    "aarch64": "arm64",
    "armv7l": "arm",
    "i686": "386",
    "mips64": "mips64le",
    "x86_64": "amd64",
}


def machine() -> str:
    """Return this machine's CPU as Go names it."""
    name = platform.machine()
    return _ARCHITECTURES.get(name, name)


@dataclasses.dataclass(frozen=True)
class Layer:
    """A layer of an image: the digests of its blob and of the tar in it, its size in bytes."""

    digest: str
    diff_id: str
    size: int


def layers_of(layout: Layout) -> list[Layer]:
    """Return the layers of a layout of one image, lowest first."""
    _, manifest = layout.image()
    config = check_config(layout.document(manifest["config"]), layout.path)
    diff_ids, count = config["rootfs"]["diff_ids"], len(manifest["layers"])
    if len(diff_ids) != count:
        raise OciError(f"{layout.path}: {count} layers, but {len(diff_ids)} rootfs.diff_ids")
    return [
        Layer(blob["digest"], diff_id, blob["size"])
        for blob, diff_id in zip(manifest["layers"], diff_ids, strict=True)
    ]


class Engine:
    """A container engine's program. This one reads docker's or OCI's archives, always whole."""

    # Whether it passes over layers it has though it is given them, so that asking which saves
    # nothing where all are at hand.
    passes_over = False

    def __init__(self, program: str, words: Sequence[str] = ()) -> None:
        self.program = program
        # Further arguments of the user's for its `load`.
        self.words = list(words)

    def choose(self, layout: Layout, form: str) -> tuple[Layout, str]:
        """Return what to load of a layout in which form of archive: "docker" or "oci"."""
        return layout, form

    def known(self, layout: Layout) -> set[str]:
        """Return the digests of the layers of `layout`, as chosen, that need not be given."""
        return set()

    def load(self, layout: Layout, form: str, tags: list[str], parts: archive.Parts) -> int:
        """Load it under the tags; return the engine's exit status."""
        with self.piped(["load", *self.words]) as (out, process):
            archive.write(layout, form, tags, out, parts)
        return process.returncode

    def ask(self, *words: str) -> str:
        """Return what the program prints; empty if it fails: then nothing is known."""
        done = subprocess.run(
            [self.program, *words], capture_output=True, text=True, errors="replace", check=False
        )
        return "" if done.returncode else done.stdout

    def images(self) -> list[tuple[str, ...]]:
        """Return the diff IDs of the layers of each image of docker's or podman's."""
        names = self.ask("image", "ls", "--all", "--quiet", "--no-trunc").split()
        if not names:
            return []
        told = self.ask("image", "inspect", "--format={{json .RootFS.Layers}}", *set(names))
        try:
            images = [json.loads(line) or [] for line in told.splitlines()]
        except ValueError:
            # A program that goes by the engine's name: nothing is known.
            return []
        return [tuple(map(str, one)) for one in images if isinstance(one, list)]

    @contextmanager
    def piped(self, words: list[str]) -> Iterator[tuple[IO[bytes], subprocess.Popen[bytes]]]:
        """Run the program with what is written to the stream as its standard input."""
        process = subprocess.Popen([self.program, *words], stdin=subprocess.PIPE)
        stream = process.stdin
        if stream is None:
            raise OciError(f"{self.program}: has no standard input")
        try:
            yield stream, process
            stream.close()
        except BrokenPipeError:
            # The engine has stopped reading; its own message and status say why.
            if process.wait() == 0:
                process.returncode = 1
        except BaseException:
            process.kill()
            raise
        finally:
            process.wait()


class Loader(Engine):
    """A program of the user's, called as `load --input FILE`, where FILE is a pipe."""

    def load(self, layout: Layout, form: str, tags: list[str], parts: archive.Parts) -> int:
        """Load it under the tags; return the program's exit status."""
        reader, writer = os.pipe()
        command = [self.program, "load", "--input", f"/dev/fd/{reader}", *self.words]
        process = subprocess.Popen(command, pass_fds=[reader])
        os.close(reader)
        try:
            with os.fdopen(writer, "wb") as out:
                archive.write(layout, form, tags, out, parts)
        except BrokenPipeError:
            return process.wait() or 1
        except BaseException:
            process.kill()
            process.wait()
            raise
        return process.wait()


def write_index(folder: Path, content: bytes) -> None:
    """Make a folder the layout directory of an index.json."""
    (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    (folder / "index.json").write_bytes(content)
