"""What a .bzl file of this repository defines, found by running it.

Starlark is close enough to Python that a file's top level, which only puts together dictionaries
and calls `rule` and the like, runs as Python once those are there. So attributes that several rules
share are seen as Bazel sees them. No rule's or macro's implementation is run. Only files below one
folder are read: what is loaded from elsewhere is `OTHERS`.
"""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any


class StarlarkError(Exception):
    """A .bzl file can't be documented; the message names the file and what is wrong."""


class _Others:
    """Anything that is defined elsewhere: it may be called, and its members taken."""

    def __call__(self, *_words: object, **_named: object) -> _Others:
        return self

    def __getattr__(self, name: str) -> _Others:
        if name.startswith("__"):
            raise AttributeError(name)
        return self


OTHERS = _Others()


@dataclasses.dataclass(frozen=True)
class Attribute:
    """An attribute of a rule, or of a module extension's tag: `kind` is what `attr` calls it."""

    kind: str
    settings: dict[str, Any]


@dataclasses.dataclass(frozen=True)
class Definition:
    """A rule, repository rule, provider, module extension or tag class; `kind` says which."""

    kind: str
    settings: dict[str, Any]


Value = Definition | Callable[..., Any]


class _Attr:
    """Starlark's `attr`."""

    def __getattr__(self, kind: str) -> Callable[..., Attribute]:
        return lambda **settings: Attribute(kind, settings)


def _definer(kind: str) -> Callable[..., Any]:
    def define(*words: Any, **settings: Any) -> Any:
        # A provider's documentation and a rule's implementation may be positional.
        first = "doc" if kind == "provider" else "implementation"
        made = Definition(kind, {**dict(zip((first,), words, strict=False)), **settings})
        # A provider with a constructor is a pair.
        return (made, OTHERS) if "init" in settings else made

    return define


class _Label(str):
    """A label as text, in the repository of the files."""

    repo_name = ""


_KINDS = ("rule", "repository_rule", "provider", "module_extension", "tag_class", "aspect")
_OPAQUE = (
    *("config", "configuration_field", "depset", "json", "native", "platform_common"),
    *("select", "struct", "transition", "DefaultInfo", "OutputGroupInfo"),
)
_BUILTINS: dict[str, Any] = {
    "attr": _Attr(),
    "Label": _Label,
    **{kind: _definer(kind) for kind in _KINDS},
    **dict.fromkeys(_OPAQUE, OTHERS),
}


class Files:
    """The .bzl files of the checkout `root` that are below its folder `top`, each run once."""

    def __init__(self, root: Path, top: str) -> None:
        self.root = root
        self._top = Path(top)
        self._run: dict[Path, dict[str, Any]] = {}

    def symbols(self, file: Path) -> dict[str, Any]:
        """Return what a file, named relative to the root, has at its top level, in its order."""
        if file in self._run:
            return self._run[file]
        path = self.root / file
        if not path.is_file():
            raise StarlarkError(f"{file}: missing, though it is loaded")
        found: dict[str, Any] = {"__builtins__": {**vars(__import__("builtins")), **_BUILTINS}}

        def load(label: str, *names: str, **renamed: str) -> None:
            source = self._source(label, file)
            there = self.symbols(source) if source else {}
            for name, original in {**{name: name for name in names}, **renamed}.items():
                if source and original not in there:
                    raise StarlarkError(f"{file}: {label} has no {original}")
                found[name] = there[original] if source else OTHERS

        found["load"] = load
        try:
            exec(compile(path.read_text(encoding="utf-8"), str(file), "exec"), found)  # noqa: S102
        except (SyntaxError, NameError, TypeError, AttributeError, KeyError) as error:
            raise StarlarkError(f"{file}: can't be run as Python: {error}") from error
        del found["load"], found["__builtins__"]
        self._run[file] = found
        return found

    def _source(self, label: str, file: Path) -> Path | None:
        """Return the file a label of `file` names; None for one that is not read."""
        package, _, name = label.rpartition(":")
        if not package:
            return file.parent / name
        path = Path(package.removeprefix("//"), name)
        return path if path.is_relative_to(self._top) else None


def is_function(value: object) -> bool:
    """Whether a symbol is a function of Starlark: a macro, as seen by who loads it."""
    return isinstance(value, types.FunctionType)
