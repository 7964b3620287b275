"""The files of an image's blobs; an outline's are fetched through Bazel when they are needed.

An outline says where each layer is built. A layer that is there, having been built on this machine,
is taken from there. One that only a cache has is what `bazel build` of its target brings.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import shlex
import shutil
import subprocess
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from tools.cli import usage
from tools.oci.assembler.layout import Layout, Source, blob_name
from tools.oci.assembler.spec import OciError, digest_of_file

Build = Callable[[list[str]], None]
_LAUNCHERS = ("bazelisk", "bazel")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add `--bazel`."""
    parser.add_argument(
        "--bazel",
        type=usage.words,
        metavar="COMMAND",
        help="how to call Bazel for layers that are in a cache only, startup options included"
        " (default: ./bazelw of the workspace, else bazelisk or bazel)",
    )


def builder(command: Sequence[str] | None, environment: Mapping[str, str] = os.environ) -> Build:
    """Return what has Bazel build targets; `command` is the user's `--bazel`."""

    def build(labels: list[str]) -> None:
        workspace = environment.get("BUILD_WORKSPACE_DIRECTORY")
        if not workspace:
            raise OciError(
                f"{' '.join(labels)}: the layer isn't on this machine; start this program with"
                " `bazel run`, which can fetch it"
            )
        words = list(command) if command else [launcher(Path(workspace))]
        # Without the bytes of what is not asked for, and with those of what is.
        line = [*words, "build", "--remote_download_outputs=toplevel", "--", *labels]
        try:
            # What Bazel prints must not mix with our standard output.
            status = subprocess.run(line, cwd=workspace, stdout=2, check=False).returncode
        except OSError as error:
            raise OciError(f"{words[0]}: {error.strerror}; name your Bazel in --bazel") from None
        if status:
            raise OciError(f"{shlex.join(line)}: exit status {status}")

    return build


def launcher(workspace: Path) -> str:
    """Return what runs Bazel in a workspace. Raises OciError."""
    if (workspace / "bazelw").is_file():
        return str(workspace / "bazelw")
    for name in _LAUNCHERS:
        if found := shutil.which(name):
            return found
    raise OciError(f"{workspace}: no ./bazelw, and no bazel on PATH; name your Bazel in --bazel")


def _built(layout: Layout, source: Source) -> Path:
    """Return where Bazel puts a layer, as seen from the outline, which it has built, too.

    An outline that is not Bazel's own has absolute paths.
    """
    if source.path.startswith("/"):
        return Path(source.path)
    parts = layout.path.resolve().parts
    if "bazel-out" not in parts:
        raise OciError(f"{layout.path}: an outline is of use only where Bazel has built it")
    return Path(*parts[: parts.index("bazel-out")], source.path)


@dataclasses.dataclass
class _Places:
    """Where blobs are: at hand by digest, or to be built: digest to (file, label)."""

    found: dict[str, Path]
    elsewhere: dict[str, tuple[Path, str]]

    def unknown(self, wanted: Mapping[str, int]) -> list[str]:
        """Return what is neither: in no layout, and built by nothing."""
        return [each for each in wanted if each not in self.found and each not in self.elsewhere]

    def absent(self, wanted: Mapping[str, int]) -> list[str]:
        """Return those of `elsewhere` that aren't there as they have to be."""
        return [
            digest
            for digest, (path, _) in self.elsewhere.items()
            if not path.is_file()
            or path.stat().st_size != wanted[digest]
            or digest_of_file(path) != digest
        ]


def _places(layouts: Iterable[Layout], wanted: Mapping[str, int]) -> _Places:
    places = _Places({}, {})
    for layout in layouts:
        sources = layout.sources()
        for digest in wanted:
            if digest in places.found or digest in places.elsewhere:
                continue
            if (path := layout.path / blob_name(digest)).is_file():
                places.found[digest] = path
            elif digest in sources:
                source = sources[digest]
                places.elsewhere[digest] = (_built(layout, source), source.label)
    return places


def at_hand(layouts: Iterable[Layout], wanted: Mapping[str, int]) -> bool:
    """Whether all wanted blobs are on this machine, so that `locate` would build nothing."""
    places = _places(layouts, wanted)
    return not places.unknown(wanted) and not places.absent(wanted)


def locate(layouts: Iterable[Layout], wanted: Mapping[str, int], build: Build) -> dict[str, Path]:
    """Return the file of each wanted blob (digest to size in bytes), fetched if need be.

    What is missing is fetched with one call of `build`. A layer built by other flags than the
    outline was, so that it isn't where the outline says or isn't the same, is an OciError.
    """
    places = _places(layouts, wanted)
    if unknown := places.unknown(wanted):
        raise OciError(f"{unknown[0]}: the blob is referred to but missing")
    absent = places.absent(wanted)
    if absent:
        build(sorted({places.elsewhere[digest][1] for digest in absent}))
    for digest in places.absent(wanted) if absent else ():
        path, label = places.elsewhere[digest]
        raise OciError(
            f"{path}: not the layer {digest}, though {label} has been built; were other flags"
            " given to `bazel run`? Put them into a bazelrc, and that into --bazel"
        )
    return places.found | {digest: path for digest, (path, _) in places.elsewhere.items()}
