"""Gives a process one libpython, although the interpreter has its code linked in.

A program may open libpython in the interpreter's own process: bridges to other languages do. Were
that the library with the code, it would bring a second set of Python's objects, and a call into it
would crash. So the library of the usual name has no code, and needs the one that has:

    libpython3.14.so.1.0       what others link to and open: no code, needs the two below
    libpython3.14-locate.so    Py_GetVersion, by whose address programs ask for libpython's file
    libpython3.14.so-code      the code, for programs that embed Python

The interpreter is linked with the last one's name as its own (DT_SONAME). glibc's loader compares
the names of what is loaded before it looks for a file: in the interpreter's process it takes the
interpreter for the library with the code, in any other it loads that library.

A link editor finds every symbol of the code in the first library; the loader finds none there,
since its hash table is empty, and goes on to the code. Both other names are not like a library's
"libpython3.14.so.1.0", since link editors warn of a second version of one library; the last one
begins as it does, which is how profilers such as py-spy recognise libpython.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tools.cpython.workspace import BuildError, Workspace

_SECTIONS = {
    "FUNC": ("function", '.interface,"aw",%nobits'),
    "OBJECT": ("object", '.interface,"aw",%nobits'),
    "TLS": ("tls_object", '.tbss,"awT",%nobits'),
}
_LOCATE = """\
#define _GNU_SOURCE
#include <dlfcn.h>

const char *Py_GetVersion(void)
{
    const char *(*code)(void) = (const char *(*)(void))dlsym(RTLD_NEXT, "Py_GetVersion");
    if (!code) /* preloaded: the interpreter comes first */
        code = (const char *(*)(void))dlsym(RTLD_DEFAULT, "Py_GetVersion");
    return code();
}
"""


@dataclass(frozen=True)
class Names:
    """File names of one Python's libraries; each is the library's DT_SONAME, too.

    Attributes:
        version: minor version with the ABI's letters, such as "3.14t".
    """

    version: str

    @property
    def link(self) -> str:
        """The link for link editors."""
        return f"libpython{self.version}.so"

    @property
    def interface(self) -> str:
        """The library that others need and open."""
        return f"libpython{self.version}.so.1.0"

    @property
    def code(self) -> str:
        """The library that has the code; the interpreter has this name as well."""
        return f"libpython{self.version}.so-code"

    @property
    def locate(self) -> str:
        """The library whose only symbol is Py_GetVersion."""
        return f"libpython{self.version}-locate.so"


@dataclass(frozen=True)
class Symbol:
    """A symbol of a library.

    Attributes:
        name: its name.
        type: a key of _SECTIONS.
        size: how many bytes it takes.
    """

    name: str
    type: str
    size: int


def symbols(listing: str) -> list[Symbol]:
    """The symbols a library gives others.

    Args:
        listing: output of `readelf --wide --dyn-syms`.

    Returns:
        Functions and variables, sorted by name; marks that link editors set are none.
    """
    found = []
    for line in listing.splitlines():
        # Number, value, size, type, binding, visibility, section, name; some have notes between.
        words = re.sub(r"\[[^]]*\]", "", line).split()
        if len(words) < 8 or words[3] not in _SECTIONS or words[4] not in ("GLOBAL", "WEAK"):
            continue
        if words[6] != "UND":
            found.append(Symbol(words[7].partition("@")[0], words[3], int(words[2], 0)))
    return sorted(found, key=lambda symbol: symbol.name)


def assembly(found: Iterable[Symbol]) -> str:
    """A source in assembly of any platform that has these symbols, and nothing behind them.

    Each has an address of its own, and variables have their sizes: programs that aren't position
    independent copy variables.
    """
    lines = ['.section .note.GNU-stack,"",%progbits']
    for symbol in found:
        kind, section = _SECTIONS[symbol.type]
        size = 1 if symbol.type == "FUNC" else max(symbol.size, 1)
        lines += [
            f".section {section}",
            ".balign 16",
            f".globl {symbol.name}",
            f".type {symbol.name},%{kind}",
            f".size {symbol.name},{size}",
            f"{symbol.name}: .skip {size}",
        ]
    return "\n".join(lines) + "\n"


def name_option(names: Names) -> str:
    """By what option the interpreter is linked with the name of the library with the code."""
    return f"-Wl,-soname={names.code}"


def build(workspace: Workspace, program: Path, lib: Path, names: Names, ldflags: str) -> None:
    """Make the libraries, beside the one with the code.

    Args:
        workspace: where the compiler is.
        program: the installed interpreter.
        lib: the installed lib; has the library with the code by the name `names.interface`.
        names: of the libraries.
        ldflags: LDFLAGS, as make has them.

    Raises:
        BuildError: a library can't be linked, the code has no symbols, or it and the interpreter
            don't have the name by which the loader takes one for the other.
    """
    (lib / names.interface).rename(lib / names.code)
    for path in (program, lib / names.code):
        facts = workspace.run("bridge-name", ["readelf", "-W", "--dynamic", path])
        if f"soname: [{names.code}]" not in facts:
            raise BuildError(f"{path.name} isn't linked with the name {names.code} (DT_SONAME)")
    listing = workspace.run("bridge-symbols", ["readelf", "-W", "--dyn-syms", lib / names.code])
    found = symbols(listing)
    if "Py_GetVersion" not in {symbol.name for symbol in found}:
        raise BuildError(f"{names.code} has no Py_GetVersion among its {len(found)} symbols")
    scratch = workspace.root / "bridge"
    scratch.mkdir(exist_ok=True)
    (scratch / "locate.c").write_text(_LOCATE)
    (scratch / "interface.s").write_text(assembly(found))
    link = [
        "gcc", "-shared", "-fPIC", "-O2", *shlex.split(ldflags), "-Wl,--no-as-needed",
        "-Wl,-rpath,$ORIGIN", "-Wl,--enable-new-dtags", "-Wl,-z,noexecstack",
    ]  # fmt: skip
    code = f"./{names.code}"
    workspace.run(
        "bridge-locate",
        [*link, f"-Wl,-soname,{names.locate}", "-o", names.locate, scratch / "locate.c", code],
        cwd=lib,
    )
    workspace.run(
        "bridge-interface",
        [
            *link, "-nostdlib", "-Wl,--hash-style=sysv", f"-Wl,-soname,{names.interface}",
            "-o", names.interface, scratch / "interface.s", f"./{names.locate}", code,
        ],
        cwd=lib,
    )  # fmt: skip
    _empty_hash(workspace, lib / names.interface, scratch / "hash")
    for stable in lib.glob("libpython3*.so"):  # of the stable ABI: has no code either
        if not stable.is_symlink() and stable.name != names.locate:
            workspace.run(
                "bridge-stable",
                [
                    *link, "-nostdlib", f"-Wl,-soname,{stable.name}",
                    "-o", stable.name, f"./{names.interface}",
                ],
                cwd=lib,
            )  # fmt: skip


def _empty_hash(workspace: Workspace, library: Path, content: Path) -> None:
    """Has a library's hash table say that it has no buckets, so that the loader skips it."""
    # The copy isn't wanted. It is a file of ours, since objcopy replaces what it writes to.
    copy = content.with_name("copy")
    workspace.run("bridge-hash", ["objcopy", "--dump-section", f".hash={content}", library, copy])
    content.write_bytes(bytes(content.stat().st_size))
    workspace.run("bridge-hash", ["objcopy", "--update-section", f".hash={content}", library])
