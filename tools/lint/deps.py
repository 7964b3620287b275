"""Check that the deps of Python targets cover what their sources import, and nothing more.

BUILD files are read as what they are, a subset of Python: rules and macros are called as functions
that note their arguments. What other macros than those of _RULES declare isn't seen.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType, SimpleNamespace
from typing import Any, Final

# Top-level folders of the checkout that Python is imported from.
_ROOTS: Final = ("bench", "images", "python_images", "tests", "toolchains", "tools")
# Wheels that are imported by another name than theirs with underscores.
_MODULES: Final = MappingProxyType(
    {
        "attrs": "attr",
        "bazel-runfiles": "runfiles",
        "boolean-py": "boolean",
        "cyclonedx-python-lib": "cyclonedx",
        "packageurl-python": "packageurl",
        "pyelftools": "elftools",
        "python-dateutil": "dateutil",
        "python-debian": "debian",
        "pyyaml": "yaml",
    }
)
# What a macro adds to the deps that it is given.
_PYTEST: Final = (
    "//tools/testing:programs",
    "@dev_wheels//:hypothesis",
    "@dev_wheels//:pytest",
    "@wheels//:packaging",
)
# The rules and macros whose targets are checked, each with those deps.
_RULES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "e2e_test": (*_PYTEST, "//tests/e2e:roles"),
        "py_binary": (),
        "py_library": (),
        "py_pytest": _PYTEST,
        "py_test": (),
    }
)


@dataclass(frozen=True)
class Target:
    """A Python target of a BUILD file.

    Attributes:
        kind: its rule.
        label: such as //tools/lint:deps.
        srcs: its Python files, relative to the checkout.
        deps: labels of what it names in `deps`.
        added: labels that the macro adds to them.
        imports: folders, relative to the checkout, that its modules are imported from, too.
    """

    kind: str
    label: str
    srcs: tuple[str, ...]
    deps: tuple[str, ...]
    added: tuple[str, ...] = ()
    imports: tuple[str, ...] = ()


class _Unknown(str):
    """The value of what a .bzl file defines: takes every use, and is an empty text otherwise."""

    def __call__(self, *_: object, **__: object) -> _Unknown:
        return self

    def __getattr__(self, name: str) -> _Unknown:
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def __getitem__(self, key: object) -> _Unknown:
        return self

    def __add__(self, other: Any) -> Any:
        return other

    __radd__ = __or__ = __ror__ = __add__


class _Names(dict[str, Any]):
    """The names of a BUILD file; those it doesn't define are Bazel's, and unknown."""

    def __missing__(self, name: str) -> object:
        if hasattr(__builtins__, name) or (isinstance(__builtins__, dict) and name in __builtins__):
            raise KeyError(name)
        return _Unknown()


class _Lookups(ast.NodeTransformer):
    """Turns `a[b]` into a call of _item, as a table made from what is unknown is empty."""

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:  # ast's name
        self.generic_visit(node)
        if not isinstance(node.ctx, ast.Load) or isinstance(node.slice, ast.Slice):
            return node
        call = ast.Call(ast.Name("_item", ast.Load()), [node.value, node.slice], [])
        return ast.copy_location(call, node)


def _item(values: Any, key: Any) -> Any:
    try:
        return values[key]
    except (KeyError, IndexError):
        return _Unknown()


def absolute(label: str, package: str) -> str:
    """Return a label with its package: `:x` and `x` are of `package`, //a/b is //a/b:b."""
    if label.startswith("@") or (label.startswith("//") and ":" in label):
        return label
    if label.startswith("//"):
        return f"{label}:{label.rpartition('/')[2]}"
    return f"//{package}:{label.removeprefix(':')}"


def _files(labels: Iterable[str] | None, package: str) -> tuple[str, ...]:
    found = [absolute(one, package)[2:] for one in labels or () if one]
    return tuple(one.replace(":", "/", 1).removeprefix("/") for one in found if one.endswith(".py"))


def read(root: Path, file: Path) -> list[Target]:
    """Return the Python targets that a BUILD file declares."""
    package = file.parent.relative_to(root).as_posix().removeprefix(".")
    found: list[Target] = []

    def glob(include: Sequence[str], exclude: Sequence[str] = (), **_: object) -> list[str]:
        left = {path for one in exclude for path in file.parent.glob(one)}
        paths = {path for one in include for path in file.parent.glob(one)} - left
        return sorted(path.relative_to(file.parent).as_posix() for path in paths)

    def rule(kind: str) -> Callable[..., None]:
        def declare(**given: Any) -> None:
            deps = [one for one in given.get("deps", ()) if one]
            found.append(
                Target(
                    kind,
                    absolute(given["name"], package),
                    _files(given.get("srcs"), package),
                    tuple(absolute(one, package) for one in deps),
                    _RULES[kind],
                    tuple(f"{package}/{one}" for one in given.get("imports", ())),
                )
            )

        return declare

    text = SimpleNamespace(encode=str, decode=_Unknown)
    names = _Names(
        {kind: rule(kind) for kind in _RULES} | {"glob": glob, "json": text, "_item": _item}
    )
    tree = ast.fix_missing_locations(_Lookups().visit(_tree(file)))
    exec(compile(tree, str(file), "exec"), names)  # noqa: S102  # a BUILD file of this checkout
    return found


def imported(root: Path, file: str) -> Iterator[str]:
    """Yield what a file imports: files of the checkout, and top-level names of others."""
    for node in ast.walk(_tree(root / file)):
        if isinstance(node, ast.Import):
            names = [(alias.name, "") for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [(node.module, alias.name) for alias in node.names]
        else:
            continue
        for module, name in names:
            top = module.partition(".")[0]
            if top in _ROOTS:
                yield from _own(root, module.replace(".", "/"), name)
            elif top not in sys.stdlib_module_names:
                yield top


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def _own(root: Path, module: str, name: str) -> Iterator[str]:
    """Yield the file that `from module import name` needs; a package may be without __init__."""
    package = f"{module}/{name}/__init__.py"
    if name and (root / package).parent.is_dir() and not (root / package).is_file():
        return
    for path in (f"{module}/{name}.py", package, f"{module}.py", f"{module}/__init__.py"):
        if (root / path).is_file():
            yield path
            return


class Closures:
    """What each target gives to who depends on it: files, and names of wheels' modules."""

    def __init__(self, targets: Mapping[str, Target]) -> None:
        self._targets = targets
        self._known: dict[str, frozenset[str]] = {}

    def of(self, label: str) -> frozenset[str]:
        """Return what a label gives; a wheel its module's name."""
        if label not in self._known:
            self._known[label] = frozenset(self._found(label))
        return self._known[label]

    def _found(self, label: str) -> Iterator[str]:
        if label.startswith("@"):
            name = label.rpartition(":")[2]
            yield _MODULES.get(name, name.replace("-", "_"))
        if target := self._targets.get(label):
            yield from target.srcs
            paths = [Path(src) for src in target.srcs]
            yield from (path.stem for path in paths if path.parent.as_posix() in target.imports)
            for dep in (*target.deps, *target.added):
                yield from self.of(dep)


def lacking(root: Path, target: Target, closures: Closures) -> Iterator[str]:
    """Yield what a target's sources import and its deps don't have."""
    for file in target.srcs:
        if (root / file).is_file():
            for one in sorted(set(imported(root, file)) - closures.of(target.label)):
                yield f"{target.label}: {file} imports {one}, which no dep has"


def idle(root: Path, target: Target, closures: Closures) -> Iterator[str]:
    """Yield the deps of a library or program that its sources import nothing from.

    Wheels are left out, as one may be there for another; so are tests, several of which share deps.
    """
    if target.kind not in ("py_binary", "py_library") or not target.srcs:
        return
    used = {one for file in target.srcs if (root / file).is_file() for one in imported(root, file)}
    parents = {f"{file.partition('/')[0]}/__init__.py" for file in target.srcs}
    for dep in target.deps:
        given = closures.of(dep)
        if given - parents and not dep.startswith("@") and not (given - parents) & used:
            yield f"{target.label}: nothing it imports is of {dep}"


def problems(root: Path) -> list[str]:
    """Return every fault of the checkout's BUILD files; examples are workspaces of their own."""
    files = [
        file
        for name in _ROOTS
        for file in sorted((root / name).rglob("BUILD.bazel"))
        if not (file.parent / "MODULE.bazel").exists()
    ]
    targets = {target.label: target for file in files for target in read(root, file)}
    closures = Closures(targets)
    return [
        fault
        for target in targets.values()
        for fault in (*lacking(root, target, closures), *idle(root, target, closures))
    ]
