"""Debian's own Python: its configuration, its folders, and the byte code its scripts compile."""

from __future__ import annotations

import marshal
import re
from concurrent.futures import ThreadPoolExecutor

from tools.rootfs.debian.package import Package
from tools.rootfs.debian.scripts import ReviewedScript
from tools.rootfs.debian.shell import heredocs_in
from tools.rootfs.debian.system import System
from tools.rootfs.errors import RootfsError

_PUBLIC = "/usr/lib/python3/dist-packages"
_SHARED = "usr/share/python3"
_RUNTIME = re.compile(r"python(3\.\d+)-minimal")
# What the interpreter is told to do: as py_compile does, for (path, mtime, source) each. Byte code
# depends on which strings the process has interned, hence on what else is imported, and whether
# that came from byte code: argparse is, by py_compile's command line, and all from its source.
_COMPILE = """
import argparse, marshal, py_compile, sys
from importlib import _bootstrap_external as external, machinery
done = []
for path, mtime, source in marshal.loads(sys.stdin.buffer.read()):
    loader = machinery.SourceFileLoader("<py_compile>", path)
    code = loader.source_to_code(source, path)
    done.append(bytes(external._code_to_timestamp_pyc(code, mtime, len(source))))
sys.stdout.buffer.write(marshal.dumps(done))
"""
_WORKERS = 2


def python_installed(system: System, script: ReviewedScript) -> None:
    """The record that a version of Python is new on the system."""
    path = f"var/lib/python/python{_version(script)}_installed"
    system.tree.put(path, b"", source=script.script.package)


def python_local_folders(system: System, script: ReviewedScript) -> None:
    """Folders for local modules; /etc/staff-group-for-usr-local decides who owns them."""
    top = f"usr/local/lib/python{_version(script)}"
    if "etc/staff-group-for-usr-local" in system.tree:
        raise RootfsError(
            "/etc/staff-group-for-usr-local",
            "exists, which changes owners below /usr/local",
            "Teach tools/rootfs/debian/effects/python.py about it.",
        )
    for path in (top, f"{top}/dist-packages"):
        system.tree.mkdir(path, source=script.script.package)


def python_configuration(system: System, script: ReviewedScript) -> None:
    """/etc/python3/debian_config; no package has hooks for a new default version."""
    _require_nothing_at(system, f"{_SHARED}/runtime.d", ".rtupdate")
    path = "/etc/python3/debian_config"
    text = heredocs_in(script.script.text)[path]
    system.tree.put(path, text, source=script.script.package)


def compile_shared(system: System, script: ReviewedScript) -> None:
    """``py3compile`` of the package's files below /usr/share/python3."""
    _compile(system, _files(system, script.script.package, f"/{_SHARED}/"))


def compile_library(system: System, script: ReviewedScript) -> None:
    """Compiles the standard library's modules of the package, or of the one whose they are."""
    name = script.script.package
    version = _default_version(system)
    owners = {
        f"python{version}": f"libpython{version}-stdlib",
        f"python{version}-minimal": f"libpython{version}-minimal",
    }
    _compile(system, _files(system, owners.get(name, name), f"/usr/lib/python{version}/"))


def compile_modules(system: System, package: str, folder: str) -> None:
    """``py3compile -p PACKAGE [FOLDER]`` of a generated part."""
    _require_nothing_at(system, f"{_SHARED}/bcep", "")
    prefix = folder.rstrip("/") + "/" if folder else f"{_PUBLIC}/"
    _compile(system, _files(system, package, prefix))


def _files(system: System, package: str, prefix: str) -> list[str]:
    files = system.packages[package].files
    return [
        file.path
        for file in files
        if f"/{file.path}".startswith(prefix)
        and file.path.endswith(".py")
        and file.entry.kind != "dir"
    ]


def _compile(system: System, paths: list[str]) -> None:
    version = _default_version(system)
    minimal = system.packages[f"python{version}-minimal"]
    if system.programs is None:
        raise RootfsError(
            minimal.name,
            "has modules to compile, and there are no programs to do it",
            "Give the layer the package set rootfs_tools.",
        )
    system.programs.require(minimal)
    tree = system.tree
    jobs: list[tuple[str, int, bytes]] = []
    modes: list[int] = []
    for path in sorted(paths):
        real = tree.resolve(path)
        if real is None:
            continue  # a link whose target no package has
        entry = tree.entries[real]
        jobs.append((f"/{path}", entry.mtime, bytes(entry.content)))
        modes.append(entry.mode & 0o644)
    tag = "cpython-" + version.replace(".", "")
    for (path, _, _), mode, code in zip(jobs, modes, _run(system, version, jobs), strict=True):
        folder, _, name = path.lstrip("/").rpartition("/")
        to = f"{folder}/__pycache__/{name.removesuffix('.py')}.{tag}.pyc"
        tree.put(to, code, source="py_compile", mode=mode)


def _run(system: System, version: str, jobs: list[tuple[str, int, bytes]]) -> list[bytes]:
    """Byte code of each module, from the suite's interpreter."""
    programs = system.programs
    assert programs is not None
    top = programs.top
    start = f"import sys; sys.path[:] = [{str(top / f'usr/lib/python{version}')!r}]\n{_COMPILE}"

    def one(part: list[tuple[str, int, bytes]]) -> list[bytes]:
        # Version 2 of the format is what every interpreter reads. What comes back is our own.
        said = programs.run(
            f"usr/bin/python{version}", "-I", "-S", "-B", "-c", start, stdin=marshal.dumps(part, 2)
        )
        done = marshal.loads(said)  # noqa: S302
        assert isinstance(done, list)
        return done

    size = -(-len(jobs) // _WORKERS) or 1
    parts = [jobs[i : i + size] for i in range(0, len(jobs), size)]
    with ThreadPoolExecutor(_WORKERS) as pool:
        return [code for codes in pool.map(one, parts) for code in codes]


def _version(script: ReviewedScript) -> str:
    match = _RUNTIME.fullmatch(script.script.package)
    if match is None:
        raise RootfsError(
            script.script.package, "is no python3.X-minimal", "Review the script's effects."
        )
    return match[1]


def _default_version(system: System) -> str:
    """The only Python version the packages have."""
    found: list[Package] = [p for p in system.packages.values() if _RUNTIME.fullmatch(p.name)]
    if len(found) != 1:
        raise RootfsError(
            "python3",
            f"has {len(found)} versions in this system",
            "Teach tools/rootfs/debian/effects/python.py to compile for each.",
        )
    return found[0].name.removeprefix("python").removesuffix("-minimal")


def _require_nothing_at(system: System, folder: str, ending: str) -> None:
    found = [p for p in system.tree if p.startswith(f"{folder}/") and p.endswith(ending)]
    if found:
        raise RootfsError(
            f"/{found[0]}",
            "changes what Debian's Python compiles",
            "Teach tools/rootfs/debian/effects/python.py what it does.",
        )
