"""What files of the catalog look like: the JSON Schemas in catalog/schema, applied to YAML.

The schemas say which keys there are, and what each value may be; editors read them, too. Loaders
read what fits, and check what it means. The words of errors are the schemas': `title` says what a
value is, `examples` how one is written, `description` what a key is for.

What a schema says of several keys at once (`dependentRequired`, a `oneOf` without types) is left to
the loaders, which know the remedy.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tools.catalog import yamlfile
from tools.catalog.yamlfile import Mapping, Value

FOLDER = Path(__file__).parents[2] / "catalog" / "schema"
Schema = dict[str, Any]
# A text that isn't empty.
_ANY = r"\S"


def read(
    kind: str, file: Path, shown: Path | None = None, *, part: str = "", aliases: bool = False
) -> Mapping:
    """The top mapping of a file, which has the shape of its schema.

    Args:
        kind: what the schema is called, such as suites.
        file: the file.
        shown: what errors call it; its own path when absent.
        part: the definition of the schema that the file fits, where it isn't the whole.
        aliases: whether values may be anchored and repeated.

    Raises:
        CatalogError: the file can't be read, or something in it doesn't fit.
    """
    top = yamlfile.read(file, shown, aliases=aliases)
    document = _document(kind)
    _check(top.value, document["$defs"][part] if part else document, document)
    return top


@functools.cache
def _document(kind: str) -> Schema:
    made: Schema = json.loads((FOLDER / f"{kind}.schema.json").read_text(encoding="utf-8"))
    return made


def _check(value: Value, schema: Schema, document: Schema) -> None:
    while "$ref" in schema:
        # What is said beside a reference goes before what it refers to.
        named = document["$defs"][schema["$ref"].rpartition("/")[2]]
        schema = named | {key: said for key, said in schema.items() if key != "$ref"}
    if "oneOf" in schema and "type" not in schema:
        _check(value, _branch(value, schema["oneOf"]), document)
    elif "enum" in schema or "const" in schema:
        known = schema.get("enum") or [schema["const"]]
        value.one_of([str(one) for one in known], str(schema.get("title", "value")))
    else:
        _TYPES[schema["type"]](value, schema, document)


def _branch(value: Value, branches: list[Schema]) -> Schema:
    """The one of several schemas that is for values of this kind; the first one where none is."""

    def fits(schema: Schema) -> bool:
        if schema.get("type") == "object":
            return value.is_mapping()
        if schema.get("type") == "array":
            return not value.is_mapping() and not value.is_scalar()
        return value.is_scalar()

    return next(filter(fits, branches), branches[0])


def _is_mapping(value: Value, schema: Schema, document: Schema) -> None:
    top = value.mapping()
    known = schema.get("properties", {})
    found = dict(top.items())
    for name in schema.get("required", ()):
        if name not in found:
            said = _described(known.get(name, {}), document)
            raise value.error(f"has no {name!r}", f"add {name}" + (f": {said}" if said else ""))
    if len(found) < schema.get("minProperties", 0):
        raise value.error("is empty", "add at least one row, or remove it")
    for name, item in found.items():
        _check(
            item, known[name] if name in known else _row(top.key(name), schema, document), document
        )


def _row(key: Value, schema: Schema, document: Schema) -> Schema:
    """The schema of a row of a mapping whose keys are names."""
    if "propertyNames" in schema:
        _check(key, {"type": "string"} | schema["propertyNames"], document)
    name = key.name()
    for pattern, row in schema.get("patternProperties", {}).items():
        if re.search(pattern, name):
            return dict(row)
    if not schema.get("additionalProperties"):
        raise key.error("unknown key", yamlfile.near(name, sorted(schema.get("properties", ()))))
    return dict(schema["additionalProperties"])


def _is_list(value: Value, schema: Schema, document: Schema) -> None:
    items = value.sequence()
    if len(items) < schema.get("minItems", 0):
        raise value.error("is empty", "list at least one")
    for item in items:
        _check(item, schema["items"], document)
    if schema.get("uniqueItems") and all(item.is_scalar() for item in items):
        value.names()


def _is_text(value: Value, schema: Schema, document: Schema) -> None:
    if schema.get("format") == "date":
        value.date()
        return
    pattern = schema.get("pattern", _ANY)
    text = value.text() if pattern == _ANY else value.name()
    if not re.search(pattern, text):
        raise value.error(f"{text!r} is not {_what(schema)}", _how(schema, pattern))


def _is_integer(value: Value, schema: Schema, document: Schema) -> None:
    number = value.integer()
    least, most = schema["minimum"], schema["maximum"]
    if not least <= number <= most:
        raise value.error(f"{number} is not {_what(schema)}", f"write one from {least} to {most}")


def _is_boolean(value: Value, schema: Schema, document: Schema) -> None:
    value.boolean()


_TYPES: dict[str, Callable[[Value, Schema, Schema], None]] = {
    "array": _is_list,
    "boolean": _is_boolean,
    "integer": _is_integer,
    "object": _is_mapping,
    "string": _is_text,
}


def _described(schema: Schema, document: Schema) -> str:
    """What a key is for, or else what its value is."""
    while "$ref" in schema and "description" not in schema:
        schema = document["$defs"][schema["$ref"].rpartition("/")[2]]
    return str(schema.get("description") or schema.get("title", ""))


def _what(schema: Schema) -> str:
    return str(schema.get("title") or schema.get("description") or "what belongs here")


def _how(schema: Schema, pattern: str) -> str:
    examples = schema.get("examples")
    return f"write it like {examples[0]}" if examples else f"match {pattern}"
