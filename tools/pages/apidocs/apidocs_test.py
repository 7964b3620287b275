"""What the page makes of Bazel's documentation, what is an error, that docs/rules.md is current."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tools.pages.apidocs import page, textproto
from tools.pages.apidocs.page import StarlarkError

ROOT = Path(__file__).parents[3]
DEFS = """
load("//python_images/private:a.bzl", _a = "a")
load("//python_images/private:b.bzl", "OTHER", _b = "b", _B = "BInfo")

# Things.
a = _a
BInfo = _B

# Macros
b = _b
"""
EXTRACTED = r"""
module_docstring: "Public."
rule_info {
  rule_name: "a"
  doc_string: "Makes <name>.tar; `<name>` is the target\'s.\n\nMore \303\242\302\200\302\246"
  attribute {
    name: "name"
    doc_string: "A unique name for this target."
    type: NAME
    mandatory: true
  }
  attribute {
    name: "srcs"
    doc_string: "A | b."
    type: LABEL_LIST
    mandatory: true
  }
  attribute {
    name: "quiet"
    doc_string: "Say\nless."
    type: BOOLEAN
    default_value: "False"
  }
  attribute {
    name: "kind"
    doc_string: "Which."
    type: STRING
    default_value: "\"x\""
  }
  origin_key { name: "a" }
}
provider_info {
  provider_name: "BInfo"
  doc_string: "What b has."
  field_info { name: "tar" doc_string: "a File" }
}
func_info {
  function_name: "b"
  doc_string: "Does it."
  parameter { name: "name" doc_string: "the target\'s\nname." mandatory: true }
  parameter { name: "srcs" doc_string: "files." default_value: "[]" }
  parameter { name: "kwargs" doc_string: "the rest." }
  return { doc_string: "The `a` target." }
}
"""
_LAST = '  return { doc_string: "The `a` target." }\n}\n'
EXPECTED = """\
## @python_images//python_images:defs.bzl

### Things

#### a

Rule. Makes &lt;name&gt;.tar; `<name>` is the target's.

More …

| Attribute | Kind | Default | What it is |
| --- | --- | --- | --- |
| `name` | name | required | The target's name. |
| `kind` | string | `x` | Which. |
| `quiet` | bool | `False` | Say less. |
| `srcs` | label_list | required | A \\| b. |

#### BInfo

Provider. What b has.

| Field | What it is |
| --- | --- |
| `tar` | a File |

### Macros

#### b

Does it.

| Argument | Default | What it is |
| --- | --- | --- |
| `name` | required | the target's name. |
| `srcs` |  | files. |
| `**kwargs` |  | the rest. |

Returns the `a` target.
"""


@pytest.fixture(name="root")
def _root(tmp_path: Path) -> Path:
    folder = tmp_path / "python_images"
    folder.mkdir()
    (folder / "defs.bzl").write_text(DEFS)
    (folder / "defs.docs.textproto").write_text(EXTRACTED)
    (folder / "repositories.bzl").write_text("")
    (folder / "repositories.docs.textproto").write_text("")
    return tmp_path


def test_the_page_is_current() -> None:
    (text,) = page.expected(ROOT).values()
    assert (ROOT / page.OUTPUT).read_text() == text, "./bazelw run //tools:generate refreshes it"


def test_a_page(root: Path) -> None:
    text = page.expected(root, root)["docs/rules.md"]
    begin = text.index("## @python_images//python_images:defs.bzl")
    assert text[begin:].partition("\n## @")[0] == EXPECTED


def test_without_public_files_there_is_no_page(tmp_path: Path) -> None:
    assert page.expected(tmp_path) == {}


@pytest.mark.parametrize(
    ("file", "old", "new", "why"),
    [
        ("docs.textproto", 'doc_string: "A | b."', "", "defs.bzl: a: srcs has no documentation"),
        ("docs.textproto", 'doc_string: "What b has."', "", "defs.bzl: BInfo: no documentation"),
        ("docs.textproto", 'doc_string: "a File"', "", "defs.bzl: BInfo: tar has no documentation"),
        ("docs.textproto", 'doc_string: "files."', "", "defs.bzl: b: srcs has no documentation"),
        ("docs.textproto", "type: LABEL_LIST", "type: %", "line 15: .* can't be read"),
        ("docs.textproto", "type: LABEL_LIST", "type: }", "type has no value"),
        ("docs.textproto", "type: LABEL_LIST", "LABEL_LIST", "'LABEL_LIST' is no field"),
        ("docs.textproto", _LAST, "", "a message isn't closed"),
        ("bzl", "b = _b", "c = _b", "defs.bzl: c: neither a function, a rule nor a provider"),
    ],
)
def test_errors(root: Path, file: str, old: str, new: str, why: str) -> None:
    path = root / "python_images" / f"defs.{file}"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(StarlarkError, match=why):
        page.expected(root, root)


def test_what_bazel_has_not_made(root: Path) -> None:
    (root / "python_images/defs.docs.textproto").unlink()
    with pytest.raises(StarlarkError, match=re.escape("./bazelw run //tools:generate")):
        page.expected(root, root)


def test_text_format() -> None:
    text = r'a: "x\"\n\303\251" b { c: 10 c: True } b {}'
    assert textproto.parse(text) == {"a": ['x"\né'], "b": [{"c": ["10", "True"]}, {}]}
