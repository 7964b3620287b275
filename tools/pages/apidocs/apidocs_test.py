"""What is documented of .bzl files, what is an error in them, and that docs/rules.md is current."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.pages.apidocs import page
from tools.pages.apidocs.starlark import Attribute, Definition, Files, StarlarkError

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
RULE = '''
load("@rules_python//python:defs.bzl", "py_binary")
load("//toolchains:x.bzl", "CONSTRAINTS")
_KINDS = {"x": 1, "y": 2}
_COMMON = {"kind": attr.string(default = "x", values = _KINDS.keys(), doc = "Of which\\nkind.")}

def _impl(ctx):
    fail("not when documented")

def _tool(label):
    return {"_tool": attr.label(default = label)}

a = rule(
    implementation = _impl,
    exec_compatible_with = CONSTRAINTS,
    doc = """Makes <name>.tar; `<name>` is the target's.

More.""",
    attrs = _COMMON | _tool("//x") | {
        "srcs": attr.label_list(mandatory = True, doc = "A | b."),
    },
)
'''
MACRO = '''
load(":a.bzl", "a")
OTHER = select({})
BInfo, _new = provider("What b has.", fields = {"tar": "a File"}, init = lambda: {})

def b(name, srcs = [], mode = "fast", **kwargs):
    """Does it.

    Args:
      name: the target's
        name.
      srcs: files.
      mode: how: fast or slow.
      **kwargs: the rest.

    Returns:
      The `a` target.
    """
    a(name = name)
'''
EXPECTED = """\
## @python_images//python_images:defs.bzl

### Things

#### a

Rule. Makes &lt;name&gt;.tar; `<name>` is the target's.

More.

| Attribute | Kind | Default | What it is |
| --- | --- | --- | --- |
| `name` | name | required | The target's name. |
| `kind` | string | `x` | Of which kind. One of `x`, `y`. |
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
| `mode` | `fast` | how: fast or slow. |
| `**kwargs` |  | the rest. |

Returns the `a` target.
"""


@pytest.fixture(name="root")
def _root(tmp_path: Path) -> Path:
    (tmp_path / "python_images/private").mkdir(parents=True)
    (tmp_path / "python_images/defs.bzl").write_text(DEFS)
    (tmp_path / "python_images/repositories.bzl").write_text("")
    (tmp_path / "python_images/private/a.bzl").write_text(RULE)
    (tmp_path / "python_images/private/b.bzl").write_text(MACRO)
    return tmp_path


def test_the_page_is_current() -> None:
    (text,) = page.expected(ROOT).values()
    assert (ROOT / page.OUTPUT).read_text() == text, "./bazelw run //tools:generate refreshes it"


def test_a_page(root: Path) -> None:
    text = page.expected(root)["docs/rules.md"]
    begin = text.index("## @python_images//python_images:defs.bzl")
    assert text[begin:].partition("\n## @")[0] == EXPECTED


def test_without_public_files_there_is_no_page(tmp_path: Path) -> None:
    assert page.expected(tmp_path) == {}


def test_what_files_define(root: Path) -> None:
    rule = Files(root, "python_images").symbols(Path("python_images/private/a.bzl"))["a"]
    assert isinstance(rule, Definition)
    assert rule.kind == "rule"
    assert rule.settings["attrs"]["_tool"] == Attribute("label", {"default": "//x"})


@pytest.mark.parametrize(
    ("file", "old", "new", "why"),
    [
        ("private/a.bzl", ', doc = "A | b."', "", "defs.bzl: a: the attribute srcs has no doc"),
        ("private/a.bzl", 'doc = """', 'provides = """', "defs.bzl: a: no doc"),
        ("private/b.bzl", '"""Does it.', '"""', "defs.bzl: b: the argument"),
        ("private/b.bzl", "      srcs: files.\n", "", "b: the argument srcs is not documented"),
        ("private/b.bzl", "srcs = [], ", "", "b: documents srcs, which it doesn't take"),
        ("private/b.bzl", '{"tar": "a File"}', '["tar"]', "its fields have no documentation"),
        ("private/a.bzl", "_KINDS = ", "_kinds = ", "a.bzl: can't be run as Python: name '_KINDS'"),
        ("private/b.bzl", '":a.bzl"', '":c.bzl"', "c.bzl: missing, though it is loaded"),
        ("defs.bzl", '"BInfo"', '"CInfo"', "private:b.bzl has no CInfo"),
        ("defs.bzl", "a = _a", "a = _OTHER", "name '_OTHER' is not defined"),
    ],
)
def test_errors(root: Path, file: str, old: str, new: str, why: str) -> None:
    path = root / "python_images" / file
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(StarlarkError, match=why.replace("(", r"\(")):
        page.expected(root)
