"""What //tools/lint:rooms finds in a tree, and what it lets pass."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tools.lint import rooms
from tools.lint.rooms import Rules

RULES = Rules(
    floors=[["text"], ["catalog"]],
    starlark=[["data", "tools/words.bzl"], ["rules", "tools"], ["rules/public"]],
    sources=["images/*", "tools/**/*.py", "rules/*.bzl"],
    tests=["*_test.py", "tests/*", "*.test.bzl"],
    vague=["main.py"],
    exceptions={},
)
SOUND = {
    "tools/text/quote.py": "",
    "tools/text/quote_test.py": "from tools.catalog import load\n",
    "tools/catalog/load.py": "import json\nfrom tools.text import quote\n",
    "tools/catalog/main.py": "from tools.catalog.load import x\n",
    "tools/__init__.py": "",
    "tests/here.bzl": "",
    "rules/one.bzl": 'load("//rules:two.bzl", "two")\nload("@other//a:b.bzl", "c")\n',
    "rules/two.bzl": "",
    "rules/public/BUILD.bazel": 'load("//rules:one.bzl", "one")\nload("//tools:words.bzl", "w")\n',
    "tools/words.bzl": "",
    "tools/BUILD.bazel": 'load(":words.bzl", "w")\nload("//tests:here.bzl", "x")\n',
}


def problems(root: Path, changed: dict[str, str], rules: Rules = RULES) -> list[str]:
    for name, text in (SOUND | changed).items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return rooms.problems(root, rules)


def test_a_sound_tree(tmp_path: Path) -> None:
    assert problems(tmp_path, {}) == []


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        (
            "tools/text/quote.py",
            "def late():\n    from tools.catalog import load\n",
            "tools/text/quote.py loads tools/catalog/load.py: tools/catalog isn't on a floor below",
        ),
        (
            "tools/text/quote.py",
            "import tools.catalog.load\n",
            "tools/text/quote.py loads tools/catalog/load.py: tools/catalog isn't on a floor below",
        ),
        (
            "tools/catalog/load.py",
            "from tools.text.quote_test import x\n",
            "tools/catalog/load.py loads tools/text/quote_test.py: no production file",
        ),
        (
            "images/BUILD.bazel",
            'load(\n    "//tests:here.bzl",\n    "x",\n)\n',
            "images/BUILD.bazel loads tests/here.bzl: no production file loads a test's",
        ),
        (
            "rules/one.bzl",
            'load(":two.test.bzl", "x")\n',
            "rules/one.bzl loads rules/two.test.bzl: no production file loads a test's",
        ),
        (
            "rules/one.bzl",
            'load("//rules/public:BUILD.bazel", "x")\n',
            "rules/one.bzl loads rules/public/BUILD.bazel: rules/public isn't on a floor",
        ),
        (
            "tools/words.bzl",
            'load("//rules:two.bzl", "x")\n',
            "tools/words.bzl loads rules/two.bzl: rules isn't on a floor below tools/words.bzl",
        ),
        (
            "rules/two.bzl",
            'load("//tools:b.bzl", "x")\n',
            "rules/two.bzl loads tools/b.bzl: tools isn't on a floor below rules",
        ),
        (
            "rules/two.bzl",
            'load("//unknown:b.bzl", "x")\n',
            "rules/two.bzl loads unknown/b.bzl: unknown/b.bzl isn't on a floor below rules",
        ),
        ("tools/new/job.py", "", "tools/lint/rooms.toml: tools/new has no floor"),
    ],
)
def test_an_arrow_that_must_not_be(tmp_path: Path, file: str, text: str, said: str) -> None:
    (problem,) = problems(tmp_path, {file: text})
    assert problem.startswith(said)


def test_a_vague_name_is_had_once(tmp_path: Path) -> None:
    assert problems(tmp_path, {"tools/text/main.py": ""}) == [
        f"tools/{room}/main.py: 2 files are called main.py" for room in ("catalog", "text")
    ]


def test_an_exception_is_needed(tmp_path: Path) -> None:
    pair = "tools/catalog/load.py loads tools/text/quote_test.py"
    rules = replace(RULES, exceptions={pair: "for now"})
    changed = {"tools/catalog/load.py": "from tools.text import quote_test\n"}
    assert problems(tmp_path, changed, rules) == []
    assert problems(tmp_path, {}, rules) == [
        f"tools/lint/rooms.toml: nothing needs the exception {pair!r} any more"
    ]


def test_a_floor_has_its_room(tmp_path: Path) -> None:
    rules = replace(RULES, floors=[*RULES.floors, ["gone"]])
    assert problems(tmp_path, {}, rules) == [
        "tools/lint/rooms.toml: tools/gone has a floor and no files"
    ]


def test_every_exception_has_a_reason() -> None:
    rules = rooms.read(Path(__file__).parents[2])
    assert all(reason.strip() for reason in rules.exceptions.values())
