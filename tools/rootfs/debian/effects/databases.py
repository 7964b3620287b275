"""Databases made anew from what all packages ship, when that has changed."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

from tools.rootfs.debian.programs import TRIPLET, Programs
from tools.rootfs.debian.system import System
from tools.rootfs.rootfs_error import RootfsError

_MIME = "usr/share/mime"
_LOADERS = "gdk-pixbuf-2.0/2.10.0/loaders"


def update_databases(system: System) -> None:
    """Does what the triggers of the packages below do; RootfsError for what isn't implemented."""
    for name, (below, ending, update) in _DATABASES.items():
        if name not in system.packages:
            continue
        prefix = below.replace("@TRIPLET@", system.arch.triplet) + "/"
        inputs = tuple(
            sorted(p for p in system.tree if p.startswith(prefix) and p.endswith(ending))
        )
        if inputs and system.database_inputs.get(prefix) != inputs:
            update(system, inputs)
            system.database_inputs[prefix] = inputs


def _mime(system: System, inputs: tuple[str, ...]) -> None:
    """``update-mime-database /usr/share/mime``."""
    programs = _programs(system, "shared-mime-info")
    with tempfile.TemporaryDirectory(prefix="rootfs-mime.") as folder:
        top = Path(folder)
        (top / "packages").mkdir()
        for path in inputs:
            (top / "packages" / Path(path).name).write_bytes(system.tree.read(path))
        programs.run("usr/bin/update-mime-database", folder)
        for file in sorted(top.rglob("*")):
            if file.is_file() and file.parent.name != "packages":
                to = f"{_MIME}/{file.relative_to(top)}"
                system.tree.put(to, file.read_bytes(), source="update-mime-database")


def _pixbuf_loaders(system: System, inputs: tuple[str, ...]) -> None:
    """``gdk-pixbuf-query-loaders``: what loaders are for, asked of the same ones here."""
    programs = _programs(system, "libgdk-pixbuf-2.0-0")
    # Loaders belong to packages that depend on it.
    programs.unpack_all()
    theirs = programs.top / f"usr/lib/{TRIPLET}"
    names = [Path(path).name for path in inputs]
    absent = [name for name in names if not (theirs / _LOADERS / name).is_file()]
    if absent:
        raise RootfsError(
            f"{_LOADERS}/{absent[0]}",
            "isn't among the packages of rootfs_tools, so that it can't be asked what it loads",
            "Add its package to that set in catalog/suites.yaml.",
        )
    said = programs.run(
        f"usr/lib/{TRIPLET}/gdk-pixbuf-2.0/gdk-pixbuf-query-loaders",
        *(str(theirs / _LOADERS / name) for name in names),
    )
    ours = f"/usr/lib/{system.arch.triplet}"
    text = said.decode("utf-8").replace(str(theirs), ours).replace(f"/usr/lib/{TRIPLET}", ours)
    path = f"{ours}/gdk-pixbuf-2.0/2.10.0/loaders.cache"
    system.tree.put(path, text, source="gdk-pixbuf-query-loaders")


def _not_implemented(system: System, inputs: tuple[str, ...]) -> None:
    del system
    raise RootfsError(
        f"/{inputs[0]}",
        "belongs in a database of GLib, which isn't implemented",
        "Teach tools/rootfs/debian/effects/databases.py to make it.",
    )


def _programs(system: System, package: str) -> Programs:
    if system.programs is None:
        raise RootfsError(
            package,
            "has a database to be made, and there are no programs to do it",
            "Give the layer the package set rootfs_tools.",
        )
    system.programs.require(system.packages[package])
    return system.programs


# By package: where its inputs are, how their names end, and what is done when they change.
_DATABASES: dict[str, tuple[str, str, Callable[[System, tuple[str, ...]], None]]] = {
    "shared-mime-info": (f"{_MIME}/packages", ".xml", _mime),
    "libgdk-pixbuf-2.0-0": (f"usr/lib/@TRIPLET@/{_LOADERS}", ".so", _pixbuf_loaders),
    "libglib2.0-0": ("usr/share/glib-2.0/schemas", ".gschema.xml", _not_implemented),
    "libglib2.0-0t64": ("usr/share/glib-2.0/schemas", ".gschema.xml", _not_implemented),
}
