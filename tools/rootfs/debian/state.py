"""What a layer leaves for the next one: the system it ends in, so that nothing is computed twice.

The contents of files are not in it. They lie in the tars of the layers, which the next action reads
through the page cache: a state says which tar has them, and where.
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from tools.formats.debian.deb import Deb
from tools.rootfs.arch import Arch
from tools.rootfs.debian.package import Package
from tools.rootfs.debian.system import System, new_system
from tools.rootfs.debian.upper import Place, lay_upon, mapped
from tools.rootfs.rootfs_error import RootfsError
from tools.rootfs.tree import Entry

_NOT_KEPT: Place = (-1, 0, 0)
_PROTOCOL = 5


class _Pickler(pickle.Pickler):
    """Writes places for contents."""

    def __init__(self, out: BinaryIO, places: Mapping[int, Place]) -> None:
        super().__init__(out, _PROTOCOL)
        self._places = places

    def persistent_id(self, obj: Any) -> tuple[str, Place] | None:
        """Type and place of a content; None for all else, which is written itself."""
        if type(obj) is memoryview:
            # What no layer has was left out: documentation of a slim system.
            return "view", self._places.get(id(obj), _NOT_KEPT)
        place = self._places.get(id(obj)) if type(obj) is bytes else None
        return None if place is None else ("bytes", place)


class _Unpickler(pickle.Unpickler):
    """Finds contents at their places."""

    def __init__(self, data: BinaryIO, tars: Sequence[memoryview]) -> None:
        super().__init__(data)
        self._tars = tars

    def persistent_load(self, pid: tuple[str, Place]) -> memoryview | bytes:
        """The content at a place."""
        kind, (tar, start, size) = pid
        if tar < 0:
            return memoryview(b"")
        content = self._tars[tar][start : start + size]
        if len(content) != size:
            raise pickle.UnpicklingError(f"layer {tar} is too short")
        return content if kind == "view" else bytes(content)


def write_state(
    out: BinaryIO, system: System, below: Mapping[str, Place], offsets: Mapping[str, int], tar: int
) -> None:
    """Write the state of a system.

    Args:
        out: where to.
        system: the system.
        below: places of the contents that layers below have, by path.
        offsets: where this layer's tar has the others, by path.
        tar: this layer's number.
    """
    of_path = dict(below)
    for path, offset in offsets.items():
        of_path[path] = (tar, offset, len(system.tree.entries[path].content))
    places = {
        id(entry.content): of_path[path]
        for path, entry in system.tree.entries.items()
        if entry.kind == "file" and entry.content and path in of_path
    }
    state = {
        "system": (system.suite, system.arch.name, system.slim),
        "epoch": system.epoch,
        "layers": tar + 1,
        "root": system.tree.root,
        "entries": dict(sorted(system.tree.entries.items())),
        "places": dict(sorted(of_path.items())),
        "packages": [_without_archive(p) for _, p in sorted(system.packages.items())],
        "requested": sorted(system.requested),
        "diversions": system.diversions,
        "alternatives": system.alternatives,
        "database_inputs": system.database_inputs,
    }
    _Pickler(out, places).dump(state)


def read_state(
    path: Path, tars: Sequence[Path], suite: str, arch: Arch, slim: bool
) -> tuple[System, dict[str, Place]]:
    """Read the state a layer left, given the tars of all layers up to it, lowest first.

    Tars of further layers, which are none of packages, may follow: such as CPython's. They count as
    part of the system.

    Returns the system, whose epoch is that of the layer, and the places of its contents.
    RootfsError if the files don't belong together, or to another system than the one that is
    wanted.
    """
    try:
        maps = [mapped(tar) for tar in tars]
        state: dict[str, Any] = _Unpickler(io.BytesIO(path.read_bytes()), maps).load()
        found, epoch, layers = state["system"], state["epoch"], state["layers"]
    except (OSError, ValueError, LookupError, EOFError, pickle.UnpicklingError) as error:
        raise RootfsError(
            str(path), f"is no state of these layers: {error}", "Build the layer below again."
        ) from None
    wanted = (suite, arch.name, slim)
    if found != wanted:
        raise RootfsError(
            str(path),
            f"is of a layer for {found}, not {wanted}",
            "Layers that lie on each other have one suite, architecture and `slim`.",
        )
    system = new_system(suite, arch, epoch, slim)
    entries: dict[str, Entry] = state["entries"]
    system.tree.root = state["root"]
    system.tree.entries.update(entries)
    system.packages.update((package.name, package) for package in state["packages"])
    system.requested.update(state["requested"])
    system.diversions += state["diversions"]
    system.alternatives.update(state["alternatives"])
    system.database_inputs.update(state["database_inputs"])
    places: dict[str, Place] = state["places"]
    for number, tar in enumerate(tars[layers:], layers):
        lay_upon(system.tree, places, tar, number, maps[number])
        # Directories that no member names.
        system.tree.finish()
    return system, places


def _without_archive(package: Package) -> Package:
    """The package as it is needed once it's unpacked."""
    deb = package.deb
    light = Package(
        Deb(deb.path, deb.control, deb.control_files, deb.time, "", memoryview(b"")),
        package.requested,
    )
    # What is computed when first asked for, while the contents are there.
    light.__dict__.update(files=package.files, conffiles=package.conffiles)
    return light
