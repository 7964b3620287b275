"""The files of an image's blobs; an outline's are fetched through Bazel when they are needed.

An outline says where each layer is built. A layer that is there, having been built on this machine,
is taken from there. One that only a cache has is what `bazel build` of its target brings.
"""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import subprocess
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from tools.oci.assembler.layout import Layout, Source, blob_name
from tools.oci.assembler.spec import OciError, digest_of_file

Build = Callable[[list[str]], None]
_LAUNCHERS = ("bazelisk", "bazel")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add `--bazel`."""
    parser.add_argument(
        "--bazel",
        metavar="COMMAND",
        help="how to call Bazel for layers that are in a cache only, startup options included"
        " (default: ./bazelw of the workspace, else bazelisk or bazel)",
    )


def builder(command: str | None, environment: Mapping[str, str] = os.environ) -> Build:
    """Return what has Bazel build targets; `command` is the user's `--bazel`."""

    def build(labels: list[str]) -> None:
        workspace = environment.get("BUILD_WORKSPACE_DIRECTORY")
        if not workspace:
            raise OciError(
                f"{' '.join(labels)}: the layer isn't on this machine; start this program with"
                " `bazel run`, which can fetch it"
            )
        words = shlex.split(command) if command else [_launcher(Path(workspace))]
        # Without the bytes of what is not asked for, and with those of what is.
        line = [*words, "build", "--remote_download_outputs=toplevel", *labels]
        try:
            # What Bazel prints must not mix with our standard output.
            status = subprocess.run(line, cwd=workspace, stdout=2, check=False).returncode
        except OSError as error:
            raise OciError(f"{words[0]}: {error.strerror}; name your Bazel in --bazel") from None
        if status:
            raise OciError(f"{shlex.join(line)}: exit status {status}")

    return build


def _launcher(workspace: Path) -> str:
    if (workspace / "bazelw").is_file():
        return str(workspace / "bazelw")
    for name in _LAUNCHERS:
        if found := shutil.which(name):
            return found
    raise OciError(f"{workspace}: no ./bazelw, and no bazel on PATH; name your Bazel in --bazel")


def _built(layout: Layout, source: Source) -> Path:
    """Return where Bazel puts a layer, as seen from the outline, which it has built, too."""
    parts = layout.path.resolve().parts
    if "bazel-out" not in parts:
        raise OciError(f"{layout.path}: an outline is of use only where Bazel has built it")
    return Path(*parts[: parts.index("bazel-out")], source.path)


def locate(layouts: Iterable[Layout], wanted: Mapping[str, int], build: Build) -> dict[str, Path]:
    """Return the file of each wanted blob (digest to size in bytes), fetched if need be.

    What is missing is fetched with one call of `build`. A layer built by other flags than the
    outline was, so that it isn't where the outline says or isn't the same, is an OciError.
    """
    found: dict[str, Path] = {}
    elsewhere: dict[str, tuple[Path, str]] = {}
    for layout in layouts:
        sources = layout.sources()
        for digest in wanted:
            if digest in found or digest in elsewhere:
                continue
            if (path := layout.path / blob_name(digest)).is_file():
                found[digest] = path
            elif digest in sources:
                source = sources[digest]
                elsewhere[digest] = (_built(layout, source), source.label)
    if unknown := [digest for digest in wanted if digest not in found and digest not in elsewhere]:
        raise OciError(f"{unknown[0]}: the blob is referred to but missing")

    def right(digest: str) -> bool:
        path = elsewhere[digest][0]
        return (
            path.is_file()
            and path.stat().st_size == wanted[digest]
            and digest_of_file(path) == digest
        )

    absent = [digest for digest in elsewhere if not right(digest)]
    if absent:
        build(sorted({elsewhere[digest][1] for digest in absent}))
    for digest in absent:
        if not right(digest):
            path, label = elsewhere[digest]
            raise OciError(
                f"{path}: not the layer {digest}, though {label} has been built; were other flags"
                " given to `bazel run`? Put them into a bazelrc, and that into --bazel"
            )
    return found | {digest: path for digest, (path, _) in elsewhere.items()}
