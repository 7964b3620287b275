"""What //tools/lint:deps finds in BUILD files, and what it lets pass."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.lint import deps

SOUND = {
    "tools/__init__.py": "",
    "tools/BUILD.bazel": 'py_library(name = "tools", srcs = ["__init__.py"])\n',
    "tools/text/BUILD.bazel": """
load("//toolchains/python:rules.bzl", "py_library")

py_library(
    name = "text",
    srcs = glob(["*.py"], exclude = ["*_test.py"]),
    deps = ["//tools", "@wheels//:pyyaml"],
)

[
    py_pytest(name = name + "_test", srcs = [name + "_test.py"], deps = [":text"])
    for name in ["quote"]
]
""",
    "tools/text/quote.py": "import json\nimport yaml\n",
    "tools/text/quote_test.py": "import pytest\nfrom tools.text.quote import x\n",
    "tools/job/BUILD.bazel": """
load("//somewhere:else.bzl", "TABLE", "declare")

declare(name = "other", flags = TABLE["a"] + ["b"] if TABLE else [])

py_binary(
    name = "job",
    srcs = ["job.py"],
    args = [TABLE[one]["x"] for one in {key: 1 for key in TABLE}],
    env = {"TABLE": json.encode({"a": " ".join([TABLE.name])})},
    deps = ["//tools/text"],
)
""",
    "tools/job/job.py": "def late():\n    from tools.text import quote\n",
}


def problems(root: Path, changed: dict[str, str]) -> list[str]:
    for name, text in (SOUND | changed).items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return deps.problems(root)


def test_a_sound_tree(tmp_path: Path) -> None:
    assert problems(tmp_path, {}) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("import json\n", "//tools/job:job: nothing it imports is of //tools/text:text"),
        (
            "from tools.text import quote\nimport jinja2\n",
            "//tools/job:job: tools/job/job.py imports jinja2, which no dep has",
        ),
        (
            "from tools.text.quote import x\nfrom tools.job.more import y\n",
            "//tools/job:job: tools/job/job.py imports tools/job/more.py, which no dep has",
        ),
    ],
)
def test_a_fault_is_told_with_its_target(tmp_path: Path, text: str, said: str) -> None:
    assert problems(tmp_path, {"tools/job/job.py": text, "tools/job/more.py": ""}) == [said]


def test_what_deps_import_is_there_too(tmp_path: Path) -> None:
    text = "import yaml\nfrom tools.text import quote\n"
    assert problems(tmp_path, {"tools/job/job.py": text}) == []


def test_a_workspace_of_its_own_is_left_out(tmp_path: Path) -> None:
    other = {"tests/own/MODULE.bazel": "", "tests/own/BUILD.bazel": "py_binary(name = 1)\n"}
    assert problems(tmp_path, other) == []
