"""Debian's own Python: its configuration, its folders, and the byte code its scripts compile."""

from __future__ import annotations

import marshal
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from tools.rootfs.debian.package import Package
from tools.rootfs.debian.scripts import ReviewedScript
from tools.rootfs.debian.shell import heredocs_in
from tools.rootfs.debian.system import Module, System
from tools.rootfs.rootfs_error import RootfsError

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
    """Compile the standard library's modules of the package, or of the one whose they are."""
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
    """Notes what is to be compiled."""
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
    tag = "cpython-" + version.replace(".", "")
    for path in paths:
        real = tree.resolve(path)
        if real is None:
            continue  # a link whose target no package has
        entry = tree.entries[real]
        folder, _, name = path.rpartition("/")
        system.modules[f"{folder}/__pycache__/{name.removesuffix('.py')}.{tag}.pyc"] = Module(
            f"/{path}", entry.mtime, entry.mode & 0o644, bytes(entry.content)
        )


@contextmanager
def compiled(system: System) -> Iterator[None]:
    """Compile all modules that the system's scripts would have, beside what is done meanwhile.

    At once, since each interpreter starts from the source of what it imports.
    """
    modules = dict(sorted(system.modules.items()))
    system.modules.clear()
    if not modules:
        yield
        return
    version = _default_version(system)
    workers = min(_WORKERS, len(modules))
    parts = [list(modules.items())[i::workers] for i in range(workers)]
    with ThreadPoolExecutor(workers) as pool:
        running = [
            pool.submit(_run, system, version, [module for _, module in part]) for part in parts
        ]
        yield
        for part, codes in zip(parts, running, strict=True):
            for (to, module), code in zip(part, codes.result(), strict=True):
                system.tree.put(to, code, source="py_compile", mode=module.mode)


def _run(system: System, version: str, modules: list[Module]) -> list[bytes]:
    """Byte code of each module, from the suite's interpreter."""
    programs = system.programs
    assert programs is not None
    library = str(programs.top / f"usr/lib/python{version}")
    start = f"import sys; sys.path[:] = [{library!r}]\n{_COMPILE}"
    jobs = [(module.path, module.mtime, module.source) for module in modules]
    # Version 2 of the format is what every interpreter reads. What comes back is our own.
    said = programs.run(
        f"usr/bin/python{version}", "-I", "-S", "-B", "-c", start, stdin=marshal.dumps(jobs, 2)
    )
    done = marshal.loads(said)  # noqa: S302
    assert isinstance(done, list)
    return done


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
