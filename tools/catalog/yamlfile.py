"""Reading YAML strictly: every value knows its file, line and key, every fault is one error.

The file is composed into nodes (never constructed into objects), so that scalars keep the text a
person wrote (``3.10`` stays ``3.10``), duplicate keys are seen and no tag can run code.
"""

from __future__ import annotations

import datetime
import difflib
import functools
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import yaml
from yaml.composer import ComposerError

from tools.catalog.catalog_error import CatalogError
from tools.text import quote

_KIND = {
    "tag:yaml.org,2002:str": "a text",
    "tag:yaml.org,2002:int": "an integer",
    "tag:yaml.org,2002:float": "a number",
    "tag:yaml.org,2002:bool": "a boolean",
    "tag:yaml.org,2002:null": "nothing",
    "tag:yaml.org,2002:timestamp": "a date",
    "tag:yaml.org,2002:seq": "a list",
    "tag:yaml.org,2002:map": "a mapping",
}
_PREFIX = "tag:yaml.org,2002:"
# More than any file that a person writes, and little enough to read in a second.
_BYTES, _DEPTH, _NODES = 1 << 20, 32, 100_000


def near(word: str, known: Iterable[str]) -> str:
    """A remedy's first half: the names close to ``word``, else all the names there are."""
    names = list(known)
    close = difflib.get_close_matches(word, names, n=3, cutoff=0.6)
    if close:
        return "did you mean " + " or ".join(close) + "?"
    return "known: " + (", ".join(names) or "none")


class Value:
    """One YAML value and where it stands."""

    def __init__(self, file: Path, node: yaml.Node, key: str) -> None:
        self.file = file
        self.key = key
        self._node = node

    @property
    def line(self) -> int:
        """1-based line in the file."""
        return int(self._node.start_mark.line) + 1

    @property
    def span(self) -> tuple[int, int]:
        """Where the value's text begins and ends, in characters from the file's start."""
        return int(self._node.start_mark.index), int(self._node.end_mark.index)

    def error(self, problem: str, remedy: str) -> CatalogError:
        """An error about this value, for the caller to raise."""
        return CatalogError(self.file, self.line, self.key, problem, remedy)

    def _kind(self) -> str:
        return _KIND.get(str(self._node.tag), f"a value tagged {self._node.tag}")

    def _wrong(self, wanted: str) -> CatalogError:
        shown = f" {self._node.value!r}" if isinstance(self._node, yaml.ScalarNode) else ""
        return self.error(f"is {self._kind()}{shown}, not {wanted}", f"write {wanted} here")

    def _scalar(self, wanted: str, *tags: str) -> str:
        if isinstance(self._node, yaml.ScalarNode) and self._node.tag in {
            _PREFIX + tag for tag in tags
        }:
            try:
                # What is on one line here can't be on two in what is made of it.
                return quote.line(str(self._node.value))
            except ValueError as error:
                raise self.error(str(error), "write it on one line, in plain characters") from None
        raise self._wrong(wanted)

    def is_scalar(self) -> bool:
        """Whether this is a single value, neither a list nor a mapping."""
        return isinstance(self._node, yaml.ScalarNode)

    def is_mapping(self) -> bool:
        """Whether this is a mapping."""
        return isinstance(self._node, yaml.MappingNode)

    def is_null(self) -> bool:
        """Whether nothing is written here, or ``null``."""
        return bool(self._node.tag == _PREFIX + "null")

    def text(self) -> str:
        """A non-empty string."""
        text = self._scalar("a text", "str")
        if not text.strip():
            raise self.error("is empty", "give a value or remove the key")
        return text

    def name(self) -> str:
        """A string that may look like a number: the text as written, so ``3.10`` is not 3.1."""
        return self._scalar("a text", "str", "int", "float")

    def matching(self, pattern: str, wanted: str, remedy: str) -> str:
        """A string that ``pattern`` matches in full; ``wanted`` says in words what that is."""
        text = self.name()
        if not re.fullmatch(pattern, text):
            raise self.error(f"{text!r} is not {wanted}", remedy)
        return text

    def integer(self) -> int:
        """A decimal integer."""
        text = self._scalar("an integer", "int")
        if not re.fullmatch(r"-?(0|[1-9][0-9]{0,17})", text):
            raise self.error(f"{text!r} is not a decimal integer", "write it in decimal digits")
        return int(text)

    def boolean(self) -> bool:
        """``true`` or ``false``; YAML 1.1's other spellings are refused."""
        text = self._scalar("true or false", "bool")
        if text not in ("true", "false"):
            raise self.error(f"{text!r} is an old spelling", "write true or false")
        return text == "true"

    def date(self) -> datetime.date:
        """A calendar date, ``YYYY-MM-DD``."""
        text = self._scalar("a date YYYY-MM-DD", "timestamp", "str")
        try:
            if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
                return datetime.date.fromisoformat(text)
        except ValueError:
            pass
        raise self.error(f"{text!r} is not a date", "write it as YYYY-MM-DD")

    def sequence(self) -> list[Value]:
        """The items of a list."""
        if not isinstance(self._node, yaml.SequenceNode):
            raise self._wrong("a list")
        return [
            Value(self.file, node, f"{self.key}[{index}]")
            for index, node in enumerate(self._node.value)
        ]

    def mapping(self) -> Mapping:
        """This value as a mapping; call ``done`` on it when every key has been read."""
        if not isinstance(self._node, yaml.MappingNode):
            raise self._wrong("a mapping")
        return Mapping(self, self._node)

    def names(self) -> tuple[str, ...]:
        """A list of distinct strings."""
        seen: dict[str, int] = {}
        for item in self.sequence():
            name = item.name()
            if name in seen:
                raise item.error(f"{name!r} is listed twice", f"line {seen[name]} has it already")
            seen[name] = item.line
        return tuple(seen)

    def each(self, pattern: str, wanted: str, remedy: str) -> tuple[str, ...]:
        """A list of distinct strings that ``pattern`` matches; see ``matching``."""
        for item in self.sequence():
            item.matching(pattern, wanted, remedy)
        return self.names()

    def one_of(self, known: Iterable[str], what: str) -> str:
        """A string out of ``known``; ``what`` is the noun for the message."""
        name = self.name()
        names = list(known)
        if name not in names:
            raise self.error(f"unknown {what} {name!r}", near(name, names))
        return name


class Mapping:
    """A mapping whose keys are read one by one; keys nobody read are an error."""

    def __init__(self, value: Value, node: yaml.MappingNode) -> None:
        self.value = value
        self._read: set[str] = set()
        self._values: dict[str, Value] = {}
        self._keys: dict[str, Value] = {}
        for key_node, value_node in node.value:
            key = Value(value.file, key_node, value.key).name()
            path = f"{value.key}.{key}" if value.key else key
            here = Value(value.file, key_node, path)
            if key in self._keys:
                raise here.error(
                    "is there twice", f"line {self._keys[key].line} has it already: keep one"
                )
            self._keys[key] = here
            self._values[key] = Value(value.file, value_node, path)

    def get(self, key: str) -> Value | None:
        """The value of ``key``, or None."""
        self._read.add(key)
        return self._values.get(key)

    def need(self, key: str, remedy: str) -> Value:
        """The value of ``key``; without it an error that ends in ``remedy``."""
        found = self.get(key)
        if found is None:
            raise self.value.error(f"has no {key!r}", remedy)
        return found

    def __getitem__(self, key: str) -> Value:
        """The value of a key that the file's shape has; see `shape.read`."""
        return self._values[key]

    def items(self) -> Iterator[tuple[str, Value]]:
        """All (key, value) pairs in the file's order; they count as read."""
        self._read.update(self._values)
        yield from self._values.items()

    def key(self, key: str) -> Value:
        """The key itself, for errors about its spelling."""
        return self._keys[key]

    def done(self) -> None:
        """Raise for the first key that was never asked for."""
        for key, here in self._keys.items():
            if key not in self._read:
                raise here.error("unknown key", near(key, sorted(self._read)))


class _Loader(yaml.SafeLoader):
    """Composes nodes, and refuses what would take for ever: depth, and aliases upon aliases.

    PyYAML's scanner and parser keep their own stacks; only composing calls itself.
    """

    def __init__(self, text: str, aliases: bool) -> None:
        super().__init__(text)
        self._aliases = aliases
        self._depth = 0
        # How many nodes a node stands for, its aliases written out; those being composed have none.
        self._sizes: dict[int, int] = {}

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        """Compose the next node, within the limits."""
        event = self.peek_event()  # type: ignore[no-untyped-call]
        mark = event.start_mark
        if not self._aliases and getattr(event, "anchor", None) is not None:
            raise ComposerError(None, None, "anchors and aliases aren't allowed here", mark)
        if self._depth >= _DEPTH:
            raise ComposerError(None, None, f"more than {_DEPTH} levels deep", mark)
        self._depth += 1
        node = super().compose_node(parent, index)
        self._depth -= 1
        if isinstance(event, yaml.AliasEvent):
            if id(node) not in self._sizes:
                raise ComposerError(None, None, "an alias points back into its own anchor", mark)
        elif node is not None:
            self._sizes[id(node)] = self._size(node)
            if self._sizes[id(node)] > _NODES:
                raise ComposerError(None, None, f"stands for more than {_NODES} values", mark)
        return node

    def _size(self, node: yaml.Node) -> int:
        if isinstance(node, yaml.MappingNode):
            below = [child for pair in node.value for child in pair]
        else:
            below = node.value if isinstance(node, yaml.SequenceNode) else []
        return 1 + sum(self._sizes[id(child)] for child in below)


@functools.lru_cache(maxsize=16)
def _composed(text: str, aliases: bool) -> yaml.Node | None:
    """The node of a text; the same one again for the same text, since none is ever changed."""
    node: yaml.Node | None = _Loader(text, aliases).get_single_node()
    return node


def read(file: Path, shown: Path | None = None, *, aliases: bool = False) -> Mapping:
    """The top mapping of ``file``; errors call the file ``shown`` when that is given.

    ``aliases`` says whether values may be anchored and repeated.

    Raises:
        CatalogError: the file can't be read, isn't YAML, isn't one mapping, or is too large or
            too deep to be a person's.
    """
    label = shown or file
    try:
        with file.open("rb") as stream:
            data = stream.read(_BYTES + 1)
        text = data.decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise CatalogError(label, None, "", f"cannot be read: {reason}", "check the path") from None
    if len(data) > _BYTES:
        raise CatalogError(label, None, "", f"has more than {_BYTES} bytes", "check the path")
    try:
        node = _composed(text, aliases)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = None if mark is None else int(mark.line) + 1
        problem = " ".join(filter(None, [error.context, error.problem]))
        raise CatalogError(label, line, "", f"is not YAML: {problem}", "correct the line") from None
    except (yaml.YAMLError, ValueError) as error:
        problem = " ".join(str(error).split())
        raise CatalogError(label, None, "", f"is not YAML: {problem}", "correct the file") from None
    if node is None:
        raise CatalogError(label, None, "", "is empty", "start from another file of its kind")
    return Value(label, node, "").mapping()
