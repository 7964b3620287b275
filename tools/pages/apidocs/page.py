"""docs/rules.md: what //python_images offers to other repositories."""

from __future__ import annotations

import html
import inspect
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tools.pages.apidocs.starlark import Attribute, Definition, Files, StarlarkError, is_function

OUTPUT = "docs/rules.md"
# Public files: what is loaded from where, and the kinds of things in them.
PUBLIC = (Path("python_images/defs.bzl"), Path("python_images/repositories.bzl"))
_HEADER = """\
<!-- Generated from the .bzl files by //tools:generate; edit those. -->
# Rules

What other repositories load from `@python_images`. [using.md](using.md) shows how.
"""
_KINDS = {"rule": "Rule", "repository_rule": "Repository rule", "provider": "Provider"}


def expected(root: Path) -> dict[str, str]:
    """Return the page of the checkout `root`, as path to text; nothing without public files.

    Raises:
        StarlarkError: something public has no documentation, or a file can't be run.
    """
    if not all((root / file).is_file() for file in PUBLIC):
        return {}
    files = Files(root, "python_images")
    return {OUTPUT: _HEADER + "".join(_file(files, file) for file in PUBLIC)}


def _file(files: Files, file: Path) -> str:
    symbols = files.symbols(file)
    parts = [f"\n## @{file.parent.name}//{file.parent}:{file.name}\n"]
    for line in (files.root / file).read_text(encoding="utf-8").splitlines():
        if heading := re.fullmatch(r"# (.+?)\.?", line):
            parts.append(f"\n### {heading[1]}\n")
        elif public := re.fullmatch(r"([A-Za-z]\w*) = _\w+", line):
            parts.append(_symbol(public[1], symbols[public[1]], file))
    return "".join(parts)


def _symbol(name: str, value: Any, file: Path) -> str:
    if isinstance(value, tuple):
        value = value[0]
    where = f"{file}: {name}"
    if is_function(value):
        return _function(name, value, where)
    if not isinstance(value, Definition) or value.kind not in _KINDS:
        raise StarlarkError(f"{where}: neither a function, a rule nor a provider")
    doc = value.settings.get("doc")
    if not doc:
        raise StarlarkError(f"{where}: no doc")
    text = f"\n#### {name}\n\n{_KINDS[value.kind]}. {_text(doc)}\n\n"
    if value.kind == "provider":
        fields = value.settings.get("fields") or {}
        if not isinstance(fields, dict):
            raise StarlarkError(f"{where}: its fields have no documentation")
        rows = [(f"`{name}`", _text(said)) for name, said in fields.items()]
        return text + _table(("Field", "What it is"), rows)
    return text + _attributes(value, where)


def _attributes(rule: Definition, where: str) -> str:
    attributes: dict[str, Attribute] = rule.settings.get("attrs") or {}
    rows = [("`name`", "name", "required", "The target's name.")]
    for name, attribute in sorted(attributes.items()):
        if name.startswith("_"):
            continue
        settings = attribute.settings
        if not settings.get("doc"):
            raise StarlarkError(f"{where}: the attribute {name} has no doc")
        doc = _text(settings["doc"])
        if values := [value for value in settings.get("values") or () if value]:
            doc += " One of " + ", ".join(f"`{value}`" for value in values) + "."
        rows.append((f"`{name}`", attribute.kind, _default(settings), doc))
    return _table(("Attribute", "Kind", "Default", "What it is"), rows)


def _default(settings: dict[str, Any]) -> str:
    if settings.get("mandatory"):
        return "required"
    value = settings.get("default")
    return "" if value in (None, "", [], {}) else f"`{value}`"


def _function(name: str, function: Any, where: str) -> str:
    doc = inspect.getdoc(function)
    if not doc:
        raise StarlarkError(f"{where}: no docstring")
    text, arguments, returns = _sections(doc)
    rows = []
    for parameter in inspect.signature(function).parameters.values():
        shown = str(parameter).partition("=")[0]
        said = arguments.pop(shown, None) or arguments.pop(parameter.name, None)
        if not said:
            raise StarlarkError(f"{where}: the argument {shown} is not documented")
        rows.append((f"`{shown}`", _parameter_default(parameter), _text(said)))
    if arguments:
        raise StarlarkError(f"{where}: documents {', '.join(arguments)}, which it doesn't take")
    page = f"\n#### {name}\n\nMacro. {text}\n\n" if not returns else f"\n#### {name}\n\n{text}\n\n"
    page += _table(("Argument", "Default", "What it is"), rows)
    return page + (f"\nReturns {returns[0].lower()}{returns[1:]}\n" if returns else "")


def _parameter_default(parameter: inspect.Parameter) -> str:
    if parameter.kind in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL):
        return ""
    if parameter.default is parameter.empty:
        return "required"
    value = parameter.default
    if value is None or value in ("", [], {}):
        return ""
    return f"`{value}`"


def _sections(doc: str) -> tuple[str, dict[str, str], str]:
    """Return (text, documentation of each argument, that of the result) of a docstring."""
    text, _, rest = doc.partition("\nArgs:\n")
    listed, _, returns = (rest if rest else doc).partition("\nReturns:\n")
    if not rest:
        text, listed = listed, ""
    arguments: dict[str, str] = {}
    name = ""
    for line in listed.splitlines():
        if found := re.fullmatch(r"  (\*{0,2}\w+): (.+)", line):
            name = found[1]
            arguments[name] = found[2]
        elif name and line.strip():
            arguments[name] += " " + line.strip()
    return _text(text), arguments, " ".join(returns.split())


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
