"""Check which folders load which: imports of Python, loads of Starlark, names of files.

rooms.toml beside this file has the floors of the rooms, what counts as a test, and the exceptions.
"""

from __future__ import annotations

import ast
import re
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

# In the checkout.
RULES = "tools/lint/rooms.toml"
_LOAD = re.compile(r'(?m)^\s*load\(\s*"(?!@)(?://([^":]*))?:?([^"]*)"')
_ROOM = 2  # A room is a folder this many levels below the checkout.


@dataclass(frozen=True)
class Rules:
    """What is checked; files are named by globs of the checkout.

    Attributes:
        floors: rooms from the ground up, those of tools/ by their name alone and others by their
            path; a room imports only from floors below it.
        starlark: the same of folders and files of Starlark, by their paths; a file belongs to the
            longest path that it is or lies in.
        sources: where production files are.
        tests: those of them that are tests or serve only tests.
        vague: names that only one file of tools/ may have, as they say nothing.
        exceptions: what the rules forbid and the tree has, each with the reason.
    """

    floors: Sequence[Sequence[str]]
    starlark: Sequence[Sequence[str]]
    sources: Sequence[str]
    tests: Sequence[str]
    vague: Sequence[str]
    exceptions: Mapping[str, str]


def read(root: Path) -> Rules:
    """Read the rules of a checkout; a key that is missing or unknown is a TypeError."""
    return Rules(**tomllib.loads((root / RULES).read_text(encoding="utf-8")))


def files(root: Path, globs: Iterable[str]) -> list[str]:
    """The Python and Starlark files that globs of the checkout match, relative to it, sorted."""
    found = {
        path.relative_to(root).as_posix()
        for glob in globs
        for path in root.glob(glob)
        if path.suffix in (".py", ".bzl") or path.name == "BUILD.bazel"
    }
    return sorted(found)


def is_test(file: str, rules: Rules) -> bool:
    """Whether a file is a test, or serves only tests."""
    return any(fnmatch(file, glob) for glob in rules.tests)


def imports(root: Path, file: str) -> Iterator[str]:
    """The files of the checkout that a Python file imports."""
    for node in ast.walk(ast.parse((root / file).read_text(encoding="utf-8"), file)):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names] + [node.module]
        for name in names:
            path = name.replace(".", "/")
            if (root / f"{path}.py").is_file():
                yield f"{path}.py"


def loads(root: Path, file: str) -> Iterator[str]:
    """The Starlark files of the checkout that one of them loads."""
    folder = file.rpartition("/")[0]
    for package, name in _LOAD.findall((root / file).read_text(encoding="utf-8")):
        yield f"{package or folder}/{name}"


def room(file: str) -> str:
    """The room of a file: `tools/catalog`; a file of tools/ itself has none."""
    parts = file.split("/")
    return "/".join(parts[:_ROOM]) if len(parts) > _ROOM else ""


def _floors(rules: Rules) -> dict[str, int]:
    return {
        name if "/" in name else f"tools/{name}": number
        for number, row in enumerate(rules.floors)
        for name in row
    }


def arrows(root: Path, rules: Rules) -> Iterator[tuple[str, str, str]]:
    """Each pair of files, one of which must not load the other, and why."""
    floors = _floors(rules)
    for file in files(root, rules.sources):
        test = is_test(file, rules)
        used = imports(root, file) if file.endswith(".py") else loads(root, file)
        for other in sorted(set(used)):
            here, there = room(file), room(other)
            if not test and is_test(other, rules):
                yield file, other, "no production file loads a test's"
            elif (
                not test
                and file.endswith(".py")
                and here != there
                and floors.get(there, -1) >= floors.get(here, len(rules.floors))
            ):
                yield file, other, f"{there} isn't on a floor below {here}"


def loads_up(root: Path, rules: Rules) -> Iterator[tuple[str, str, str]]:
    """Each pair of Starlark files, one of which must not load the other, and why.

    A BUILD file declares its folder's tests too, so what tests need is left out on both sides.
    """
    floors = {name: number for number, row in enumerate(rules.starlark) for name in row}

    def home(file: str) -> str:
        held = [name for name in floors if f"{file}/".startswith(f"{name}/")]
        return max(held, key=len, default="")

    for file in files(root, [f"{name}{rest}" for name in floors for rest in ("", "/**/*")]):
        here = home(file)
        if file.endswith(".py") or is_test(file, rules):
            continue
        for other in sorted(set(loads(root, file))):
            there = home(other)
            if (
                here != there
                and not is_test(other, rules)
                and floors.get(there, len(floors)) >= floors[here]
            ):
                yield file, other, f"{there or other} isn't on a floor below {here}"


def homeless(root: Path, rules: Rules) -> list[str]:
    """The rooms with programs and without a floor, and floors for rooms that are gone."""
    known = _floors(rules)
    have = {
        room(file)
        for file in files(root, rules.sources)
        if file.startswith(("tools/", "toolchains/")) and file.endswith(".py") and room(file)
    }
    return [f"{name} has no floor" for name in sorted(have - known.keys())] + [
        f"{name} has a floor and no files" for name in sorted(known.keys() - have)
    ]


def twins(root: Path, rules: Rules) -> Mapping[str, list[str]]:
    """The vague names that several files of tools/ have, each with the files."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for file in files(root, rules.sources):
        name = file.rpartition("/")[2]
        if file.startswith("tools/") and name in rules.vague:
            found[name].append(file)
    return {name: paths for name, paths in sorted(found.items()) if len(paths) > 1}


def problems(root: Path, rules: Rules) -> list[str]:
    """Every fault of the checkout, and every exception that none needs any more."""
    pairs = (*arrows(root, rules), *loads_up(root, rules))
    faults = {f"{file} loads {other}": why for file, other, why in pairs}
    for name, paths in twins(root, rules).items():
        faults |= dict.fromkeys(paths, f"{len(paths)} files are called {name}")
    return [
        *(f"{RULES}: {said}" for said in homeless(root, rules)),
        *(f"{what}: {why}" for what, why in faults.items() if what not in rules.exceptions),
        *(
            f"{RULES}: nothing needs the exception {what!r} any more"
            for what in sorted(rules.exceptions.keys() - faults.keys())
        ),
    ]
