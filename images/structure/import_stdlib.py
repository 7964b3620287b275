"""Imports every module of the standard library; exits with 1 if one is missing or broken.

    import_stdlib.py [--needs=LIBRARY:MODULE,MODULE...]

Runs inside an image. `sys.stdlib_module_names` is the same list on every platform and whatever
configure found, so a module that was not built shows (3.9 has no such list: there it's the modules
that were found). `--needs` names modules that are built, but
whose shared library the image does not have: they must fail to import, and for that reason.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.machinery
import importlib.util
import pathlib
import pkgutil
import shutil
import sys
import sysconfig
from collections.abc import Iterator

# Of other operating systems.
FOREIGN = {
    "_ios_support",
    "_overlapped",
    "_scproxy",
    "_winapi",
    "_wmi",
    "msilib",
    "_msi",
    "msvcrt",
    "nt",
    "winreg",
    "winsound",
}
# Modules that are programs: importing them runs them.
PROGRAMS = {"antigravity", "this"}


def submodules(package: str) -> Iterator[str]:
    """The full names of a package's modules, deepest last; programs (`__main__`) left out."""
    found = importlib.util.find_spec(package)
    if found is None or not found.submodule_search_locations:
        return
    for module in pkgutil.walk_packages(
        found.submodule_search_locations, package + ".", onerror=lambda name: None
    ):
        if not module.name.endswith("__main__"):
            yield module.name


def skipped(name: str) -> bool:
    """Whether a module is not meant to be imported here."""
    top, _, rest = name.partition(".")
    return (
        top in FOREIGN | PROGRAMS
        or top in {"idlelib", "turtledemo"}  # applications on Tk
        or name.startswith(("lib2to3.pgen2.conv", "ensurepip._bundled"))
        or rest in {"windows_events", "windows_utils", "popen_spawn_win32", "windows_console"}
        or (top == "multiprocessing" and rest.endswith("win32"))
        or (top == "encodings" and rest in {"mbcs", "oem"})
        or (top == "distutils" and rest in {"_msvccompiler", "msvc9compiler"})  # until 3.11
        or (top == "ctypes" and rest.startswith("macholib"))
        # It asks ctypes for a library by a part of its name, which asks ldconfig.
        or (name == "_pyrepl._minimal_curses" and shutil.which("ldconfig") is None)
    )


def attempt(name: str) -> str | None:
    """Imports a module; the reason if that failed."""
    try:
        importlib.import_module(name)
    except BaseException as error:  # a module must not even call sys.exit
        return f"{type(error).__name__}: {error}"
    return None


def extension_modules() -> set[str]:
    """The names of the extension modules in lib-dynload."""
    folder = pathlib.Path(sysconfig.get_path("platstdlib"), "lib-dynload")
    suffix = sysconfig.get_config_var("EXT_SUFFIX")
    names = {path.name.removesuffix(suffix) for path in folder.iterdir()}
    odd = {name for name in names if "." in name}
    if odd:
        raise SystemExit(f"{folder}: not for {suffix}: {sorted(odd)}")
    return names


def known_modules() -> set[str]:
    """The names of the standard library's modules, packages' own modules left out."""
    listed: frozenset[str] | None = getattr(sys, "stdlib_module_names", None)
    if listed is not None:
        return set(listed)
    folder = sysconfig.get_path("stdlib")
    found = {module.name for module in pkgutil.iter_modules([folder])}
    return (found | set(sys.builtin_module_names)) - {"__main__"}


def main() -> int:
    """Return the exit status."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--needs", action="append", default=[])
    library_of: dict[str, str] = {}
    for need in parser.parse_args().needs:
        library, _, modules = need.partition(":")
        library_of.update(dict.fromkeys(modules.split(","), library))

    names = {name for name in known_modules() if not skipped(name)}
    names |= {name for name in extension_modules() if not name.startswith(("_test", "xx", "_xx"))}
    # Before the packages' submodules are listed, which imports the packages themselves.
    wrong = []
    for name in sorted(library_of):
        reason = attempt(name)
        if reason is None:
            wrong.append(f"{name}: can be imported, though {library_of[name]} should be missing")
        elif library_of[name] not in reason:
            wrong.append(f"{name}: {reason}; expected is that {library_of[name]} is missing")
        else:
            print(f"{name}: not without {library_of[name]}, as expected")
    for name in sorted(names):
        if name.partition(".")[0] not in library_of:
            names = names | {sub for sub in submodules(name) if not skipped(sub)}
    imported = 0
    for name in sorted(names):
        if name in library_of or name.partition(".")[0] in library_of:
            continue
        reason = attempt(name)
        if reason:
            wrong.append(f"{name}: {reason}")
        else:
            imported += 1
    for line in wrong:
        print(f"WRONG {line}")
    if wrong:
        print(f"{imported} imported, {len(wrong)} wrong")
        return 1
    print(f"all {imported} others imported")
    return 0


if __name__ == "__main__":
    sys.exit(main())
