"""docs/rules.md: what //python_images offers to other repositories.

Bazel tells what that is: `starlark_doc_extract` in python_images/BUILD.bazel. Order and headings
are those of the files.
"""

from __future__ import annotations

import ast
import html
import inspect
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from tools.pages.apidocs import textproto
from tools.pages.apidocs.textproto import Message

OUTPUT = "docs/rules.md"
# Public files: what is loaded from where, and the kinds of things in them.
PUBLIC = (Path("python_images/defs.bzl"), Path("python_images/repositories.bzl"))
# Where Bazel puts what it knows of them, beside this program.
EXTRACTED = Path(__file__).parents[3]
_HEADER = """\
<!-- Generated from the .bzl files by //tools:generate; edit those. -->
# Rules

What other repositories load from `@python_images`. [using.md](using.md) shows how.
"""
# Of each kind of thing: the field that has its name, and what the page calls it.
_KINDS = {
    "rule_info": ("rule_name", "Rule"),
    "repository_rule_info": ("rule_name", "Repository rule"),
    "provider_info": ("provider_name", "Provider"),
    "func_info": ("function_name", "Macro"),
}
# What Starlark's `attr` calls a type of an attribute, where it isn't the same in lower case.
_TYPES = {"BOOLEAN": "bool", "LABEL_STRING_DICT": "label_keyed_string_dict"}
# Bazel's own attributes.
_OWN = ("name", "repo_mapping")


class StarlarkError(Exception):
    """A .bzl file can't be documented; the message names the file and what is wrong."""


def expected(root: Path, extracted: Path = EXTRACTED) -> dict[str, str]:
    """Return the page of the checkout `root`, as path to text; nothing without public files.

    Args:
        root: the checkout.
        extracted: the folder that has, for each public file, `<file without .bzl>.docs.textproto`.

    Raises:
        StarlarkError: something public has no documentation, or Bazel's is missing.
    """
    if not all((root / file).is_file() for file in PUBLIC):
        return {}
    return {OUTPUT: _HEADER + "".join(_file(root, file, extracted) for file in PUBLIC)}


def _symbols(file: Path, extracted: Path) -> dict[str, tuple[str, Message]]:
    """What a public file has, by name: its kind and what Bazel says of it."""
    source = extracted / file.with_suffix(".docs.textproto")
    try:
        top = textproto.parse(source.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise StarlarkError(
            f"{source}: missing; Bazel makes it: ./bazelw run //tools:generate"
        ) from None
    except textproto.TextprotoError as error:
        raise StarlarkError(f"{source}: {error}") from error
    return {
        info[name][0]: (kind, info)
        for kind, (name, _) in _KINDS.items()
        for info in top.get(kind, ())
    }


def _file(root: Path, file: Path, extracted: Path) -> str:
    symbols = _symbols(file, extracted)
    parts = [f"\n## @{file.parent.name}//{file.parent}:{file.name}\n"]
    for line in (root / file).read_text(encoding="utf-8").splitlines():
        if heading := re.fullmatch(r"# (.+?)\.?", line):
            parts.append(f"\n### {heading[1]}\n")
        elif public := re.fullmatch(r"([A-Za-z]\w*) = _\w+", line):
            if public[1] not in symbols:
                raise StarlarkError(
                    f"{file}: {public[1]}: neither a function, a rule nor a provider"
                )
            parts.append(_symbol(public[1], *symbols[public[1]], f"{file}: {public[1]}"))
    return "".join(parts)


def _one(message: Message, field: str) -> str:
    """A field that is there once at the most; an empty text if it isn't."""
    (value,) = message.get(field) or [""]
    try:
        # Bazel 7 takes each byte of a .bzl file for a letter.
        return str(value).encode("latin-1").decode()
    except UnicodeError:
        return str(value)


def _symbol(name: str, kind: str, info: Message, where: str) -> str:
    doc = _one(info, "doc_string")
    if not doc:
        raise StarlarkError(f"{where}: no documentation")
    returns = " ".join(
        word for said in info.get("return", ()) for word in _one(said, "doc_string").split()
    )
    called = "" if returns else f"{_KINDS[kind][1]}. "
    text = f"\n#### {name}\n\n{called}{_text(doc)}\n\n"
    if kind == "provider_info":
        rows: list[tuple[str, ...]] = [
            (f"`{_one(field, 'name')}`", _documented(field, where))
            for field in info.get("field_info", ())
        ]
        return text + _table(("Field", "What it is"), rows)
    if kind == "func_info":
        text += _table(("Argument", "Default", "What it is"), list(_arguments(info, where)))
        return text + (f"\nReturns {returns[0].lower()}{returns[1:]}\n" if returns else "")
    rows = [("`name`", "name", "required", "The target's name."), *_attributes(info, where)]
    return text + _table(("Attribute", "Kind", "Default", "What it is"), rows)


def _documented(thing: Message, where: str) -> str:
    """The documentation of a field, an attribute or an argument."""
    doc = _one(thing, "doc_string")
    if not doc:
        raise StarlarkError(f"{where}: {_one(thing, 'name')} has no documentation")
    return _text(doc)


def _attributes(rule: Message, where: str) -> Iterator[tuple[str, ...]]:
    for attribute in sorted(rule.get("attribute", ()), key=lambda one: _one(one, "name")):
        name, kind = _one(attribute, "name"), _one(attribute, "type")
        if name not in _OWN:
            shown = _TYPES.get(kind, kind.lower())
            yield f"`{name}`", shown, _default(attribute), _documented(attribute, where)


def _arguments(function: Message, where: str) -> Iterator[tuple[str, ...]]:
    for argument in function.get("parameter", ()):
        # Bazel 7 says no more of an argument that takes the rest.
        takes_rest = not argument.keys() & {"mandatory", "default_value"}
        name = ("**" if takes_rest else "") + _one(argument, "name")
        yield f"`{name}`", _default(argument), _documented(argument, where)


def _default(thing: Message) -> str:
    """What stands for an attribute or argument that isn't given; nothing for what is empty."""
    if _one(thing, "mandatory") == "true":
        return "required"
    value = _one(thing, "default_value")
    if value in ("", "None", '""', "[]", "{}"):
        return ""
    return f"`{ast.literal_eval(value)}`"


def _text(doc: str) -> str:
    """Return documentation as Markdown: only what is between backquotes may look like a tag."""
    parts = inspect.cleandoc(doc).split("`")
    parts[::2] = [html.escape(part, quote=False) for part in parts[::2]]
    return "`".join(parts)


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "".join(
        "| " + " | ".join(" ".join(str(cell).split()).replace("|", "\\|") for cell in line) + " |\n"
        for line in lines
    )
