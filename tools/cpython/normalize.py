"""Makes what an installed CPython says of its build look like a native build in the image.

A cross-compilation writes other things into the installed Makefile and the sysconfig data than
docker-library's native one: names of the build machine, paths of the work directory, and how the
foreign interpreter is called. Extension modules are compiled in the image with these values, and
the bytes may not depend on where the build ran, so the Makefile is rewritten to the values of a
native build in /usr/src/python. The sysconfig data is then generated again from it, by CPython's
own code: it has no other source.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

SOURCE_DIRECTORY = "/usr/src/python"  # where docker-library builds
PREFIX = "/usr/local"

# What configure writes into the Makefile of a native build. A variable is set only where the
# CPython version has it. See the tests of cross_compiling in CPython's configure.ac.
_NATIVE = {
    "FREEZE_MODULE": "$(PYTHON_FOR_FREEZE) $(srcdir)/Programs/_freeze_module.py",
    "FREEZE_MODULE_BOOTSTRAP": "./Programs/_freeze_module",
    "FREEZE_MODULE_BOOTSTRAP_DEPS": "Programs/_freeze_module",
    "FREEZE_MODULE_DEPS": "_bootstrap_python $(srcdir)/Programs/_freeze_module.py",
    "PYTHON_FOR_BUILD": "./$(BUILDPYTHON) -E",
    "PYTHON_FOR_BUILD_DEPS": "$(BUILDPYTHON)",
    "PYTHON_FOR_FREEZE": "./_bootstrap_python",
    "PYTHON_FOR_REGEN": "python3",
    "RUNSHARED": f"LD_LIBRARY_PATH={SOURCE_DIRECTORY}",
    "_PYTHON_HOST_PLATFORM": "",
}
# Arguments of configure that only a cross-compilation has.
_CROSS_ARGUMENT = re.compile(
    r"--build=|--host=|--with-build-python=|(build_alias|host_alias|AR|CC|CXX|READELF)=|PKG_CONFIG"
)


class NormalizeError(Exception):
    """The Makefile lacks what every CPython's has; the text says what."""


@dataclass(frozen=True)
class Paths:
    """Absolute paths of the build, as they stand in generated files.

    Attributes:
        source: the source directory, where configure ran.
        sysroot: the sysroot.
        tools: the directory of the tools.
    """

    source: str
    sysroot: str
    tools: str


def native_arguments(arguments: str, triplet: str) -> str:
    """The CONFIG_ARGS of the native build that equals a cross-compilation.

    Args:
        arguments: CONFIG_ARGS of the cross-compilation: quoted words.
        triplet: GNU triplet of the target.

    >>> native_arguments(" '--build=x' '--host=a-linux' '--enable-shared' 'CC=gcc'", "a-linux")
    "'--build=a-linux' '--enable-shared' 'build_alias=a-linux'"
    """
    kept = [word for word in shlex.split(arguments) if not _CROSS_ARGUMENT.match(word)]
    return " ".join(f"'{word}'" for word in [f"--build={triplet}", *kept, f"build_alias={triplet}"])


def native_makefile(text: str, paths: Paths, triplet: str) -> str:
    """The Makefile a native build of the same configuration would have.

    Args:
        text: the Makefile of a cross-compilation.
        paths: where that ran.
        triplet: GNU triplet of the target.

    Raises:
        NormalizeError: it has no HOST_GNU_TYPE or CONFIG_ARGS, so it is none of CPython's.
    """
    values: dict[str, str] = {}
    for name in ("HOST_GNU_TYPE", "CONFIG_ARGS"):
        found = re.search(rf"(?m)^{name}=[ \t]*(.*)$", text)
        if found is None:
            raise NormalizeError(f"the Makefile has no {name}")
        values[name] = found[1]
    native = {
        **_NATIVE,
        "BUILD_GNU_TYPE": values["HOST_GNU_TYPE"],
        "CONFIG_ARGS": native_arguments(values["CONFIG_ARGS"], triplet),
    }
    for name, value in native.items():
        text = re.sub(
            rf"(?m)^({name}\??=[ \t]*).*$",
            lambda match, value=value: match[1] + value,  # type: ignore[misc]
            text,
        )
    text = text.replace(f"{paths.tools}/ar", "ar")  # configure looks it up as a plain name
    text = text.replace(f"{paths.tools}/", "/usr/bin/")
    text = text.replace(paths.sysroot, "")
    return text.replace(paths.source, SOURCE_DIRECTORY)


def native_prefix(text: str, prefix: str) -> str:
    """Sysconfig data made by the build python, as if made by the installed one.

    Args:
        text: what CPython's sysconfig module wrote.
        prefix: sys.prefix of the build python.
    """
    return text.replace(prefix, PREFIX)


def native_details(text: str, prefix: str) -> str:
    """The build-details.json (PEP 739) of a native build.

    CPython's own script takes what is true of the build python for some of its facts, and names a
    static library, which no image has.

    Args:
        text: build-details.json of a cross-compilation.
        prefix: sys.prefix of the build python.
    """
    details = json.loads(native_prefix(text, prefix))
    suffix = details["abi"]["extension_suffix"]
    details["suffixes"]["extensions"] = [
        suffix if known.startswith(".cpython-") else known
        for known in details["suffixes"]["extensions"]
    ]
    details.get("libpython", {}).pop("static", None)
    return json.dumps(details, indent=2) + "\n"


def find_leaks(tree: Path, needles: Sequence[str]) -> list[str]:
    """Lists the files below `tree` that contain one of the strings, with that string.

    Symbolic links are read as text. An empty list is what a reproducible result has.
    """
    wanted = [(needle, needle.encode()) for needle in needles]
    leaks = []
    for path in sorted(tree.rglob("*")):
        if path.is_symlink():
            data = str(path.readlink()).encode()
        elif path.is_file():
            data = path.read_bytes()
        else:
            continue
        leaks += [f"{path.relative_to(tree)}: {text}" for text, raw in wanted if raw in data]
    return leaks
