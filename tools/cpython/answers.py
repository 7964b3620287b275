"""Answers many of configure's questions at once.

configure starts a compiler for each function, header and type that it asks for, some 750 in a row
on one core. What this finds out is what configure would have, by the same compiler and sysroot: all
functions by one link, the sizes of types by three compilations, headers by one call of gcc.
Only what is certain is answered: that a function or header is there, and how large the types of C
are. The rest, above all what isn't there, configure looks for itself: it may be in a library of
another directory.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tools.cpython.workspace import BuildError, Workspace

_FUNCTION = re.compile(r'ac_fn_c_check_func "\$LINENO" "(\w+)" "ac_cv_func_\1"')
_HEADER = re.compile(
    r'ac_fn_c_check_header_compile "\$LINENO" "([\w./+-]+)" "(ac_cv_header_\w+)" '
    r'"\$ac_includes_default"'
)
_SIZE = re.compile(r'"(ac_cv_(?:sizeof|alignof)_\w+)"')
# As GNU's linker says it, and LLVM's.
_UNDEFINED = re.compile(r"undefined (?:reference to [`']|symbol: )(\w+)")
# What configure includes by default, where all of it is there.
_INCLUDES = "".join(
    f"#include <{name}.h>\n"
    for name in (
        "stddef",
        "stdio",
        "stdlib",
        "string",
        "inttypes",
        "stdint",
        "strings",
        "sys/types",
        "sys/stat",
        "unistd",
    )
)
_TYPE_INCLUDES = _INCLUDES + "#include <pthread.h>\n#include <wchar.h>\n"
_TYPES = (
    "_Bool",
    "double",
    "float",
    "fpos_t",
    "int",
    "long",
    "long double",
    "long long",
    "max_align_t",
    "off_t",
    "pid_t",
    "pthread_key_t",
    "pthread_t",
    "short",
    "size_t",
    "time_t",
    "uintptr_t",
    "void *",
    "wchar_t",
)
# Macros that decide on the size of some types. configure defines them at one time or another, so
# what differs by them isn't answered.
_MACROS = ((), ("-D_FILE_OFFSET_BITS=64",), ("-D_GNU_SOURCE", "-D_FILE_OFFSET_BITS=64"))


def functions_source(names: Iterable[str]) -> str:
    """A program that needs these functions, as configure would need each.

    glibc has some that do nothing but fail. Its headers name them, and configure doesn't take them
    for there: in their place the program needs what no library has.
    """
    lines = ["#include <limits.h>"]
    names = list(names)
    for name in names:
        lines += [
            f"#if defined __stub_{name} || defined __stub___{name}",
            f'extern char need_{name} __asm__("{name}_is_a_stub");',
            "#else",
            f'extern char need_{name} __asm__("{name}");',
            "#endif",
        ]
    needed = ", ".join(f"&need_{name}" for name in names)
    lines += [f"char *needed[] = {{{needed}}};", "int main(void) { return needed[0] == 0; }"]
    return "\n".join(lines) + "\n"


def undefined(output: str) -> set[str]:
    """The functions that a link editor has not found, from what it printed."""
    return {name.removesuffix("_is_a_stub") for name in _UNDEFINED.findall(output)}


def sizes_source(asked: Iterable[str]) -> str:
    """A source with an array for each of configure's variables, as long as its value is."""
    known = {}
    for type_ in _TYPES:
        name = type_.replace("*", "p").replace(" ", "_")
        known[f"ac_cv_sizeof_{name}"] = f"sizeof ({type_})"
        known[f"ac_cv_alignof_{name}"] = f"offsetof (struct {{ char x; {type_} y; }}, y)"
    arrays = [f"char {name}[{known[name]}];\n" for name in sorted(set(asked) & known.keys())]
    return _TYPE_INCLUDES + "".join(arrays)


def sizes(listing: str) -> dict[str, str]:
    """Names and sizes of variables, from the output of `nm -P`."""
    found = {}
    for line in listing.splitlines():
        words = line.split()
        if len(words) == 4 and words[0].startswith("ac_cv_"):
            found[words[0]] = str(int(words[3], 16))
    return found


def site(answers: Mapping[str, str], path: Path | None = None) -> str:
    """A site file for configure with these answers, and those of the site file `path`."""
    # That one may read another beside it, which it finds by this variable.
    lines = [f"CONFIG_SITE='{path}'", f". '{path}'"] if path else []
    return "\n".join([*lines, *(f"{key}={answers[key]}" for key in sorted(answers))]) + "\n"


def find(workspace: Workspace) -> dict[str, str]:
    """Answers what can be answered of the source's configure.

    Returns:
        configure's variables and their values.

    Raises:
        BuildError: the compiler fails, or a function is there and isn't.
    """
    script = (workspace.src / "configure").read_text(encoding="utf-8")
    scratch = workspace.root / "answers"
    scratch.mkdir()
    questions = (
        lambda: _functions(workspace, scratch, sorted(set(_FUNCTION.findall(script)))),
        lambda: _headers(workspace, scratch, dict(_HEADER.findall(script))),
        lambda: _sizes(workspace, scratch, _SIZE.findall(script)),
    )
    # Compilers that run beside each other.
    with ThreadPoolExecutor(len(questions)) as pool:
        found = pool.map(lambda ask: ask(), questions)
        return {variable: value for part in found for variable, value in part.items()}


def _functions(workspace: Workspace, scratch: Path, names: list[str]) -> dict[str, str]:
    if not names:
        return {}
    compiler = ["gcc", "-w", "-o", "functions", "functions.c"]
    (scratch / "functions.c").write_text(functions_source(names))
    output = workspace.run(
        "answers-functions", [*compiler, "-Wl,--warn-unresolved-symbols"], cwd=scratch
    )
    present = sorted(set(names) - undefined(output))
    if not present:
        raise BuildError(f"the sysroot has none of {len(names)} functions:\n{output[:2000]}")
    # Had a message not been understood, this would fail.
    (scratch / "functions.c").write_text(functions_source(present))
    workspace.run("answers-functions", compiler, cwd=scratch)
    return {f"ac_cv_func_{name}": "yes" for name in present}


def _headers(workspace: Workspace, scratch: Path, variables: dict[str, str]) -> dict[str, str]:
    if not variables:
        return {}
    for name, variable in variables.items():
        (scratch / f"{variable}.c").write_text(f"{_INCLUDES}#include <{name}>\n")
    # A file that can't be compiled leaves none, and the compiler goes on.
    workspace.run("answers-headers", ["sh", "-c", "gcc -w -S ac_cv_header_*.c || :"], cwd=scratch)
    return {
        variable: "yes" for variable in variables.values() if (scratch / f"{variable}.s").exists()
    }


def _sizes(workspace: Workspace, scratch: Path, asked: Iterable[str]) -> dict[str, str]:
    (scratch / "sizes.c").write_text(sizes_source(asked))
    found = []
    for macros in _MACROS:
        compiler = ["gcc", "-w", "-c", *macros, "sizes.c"]
        workspace.run("answers-sizes", compiler, cwd=scratch)
        listing = workspace.run("answers-sizes", ["nm", "-P", "sizes.o"], cwd=scratch)
        found.append(sizes(listing).items())
    return dict(set.intersection(*map(set, found)))
