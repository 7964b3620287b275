"""What counts as a command that only runs where bazel is on PATH."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.lint.lint import bare_commands


@pytest.mark.parametrize(
    ("line", "mended"),
    [
        ("Show: ./bazelw run //tools:x", "Show: ./bazelw run //tools:x"),
        ("`./bazelw test //tests:all`", "`./bazelw test //tests:all`"),
        ("$(./bazelw info output_base)/x", "$(./bazelw info output_base)/x"),
    ],
)
def test_found_and_mended(tmp_path: Path, line: str, mended: str) -> None:
    (tmp_path / "docs").mkdir()
    file = tmp_path / "docs/a.md"
    file.write_text(f"# A\n{line}\n")
    assert bare_commands(tmp_path, fix=False) == [f"docs/a.md:2: {line}"]
    bare_commands(tmp_path, fix=True)
    assert file.read_text() == f"# A\n{mended}\n"
    assert bare_commands(tmp_path, fix=False) == []


@pytest.mark.parametrize(
    "line",
    [
        "./bazelw run //tools:x",
        "ordinary_bazel run //tools:x",
        "`bazel test //...` takes",
        "history: bazel build //:hello",  # what an image's history says, whoever builds it
        "bazel run @@python_images//tools:x",
    ],
)
def test_not_meant(tmp_path: Path, line: str) -> None:
    (tmp_path / "a.py").write_text(f"{line}\n")
    (tmp_path / "examples").mkdir()
    (tmp_path / "examples/a.md").write_text("./bazelw run //app:x\n")
    assert bare_commands(tmp_path, fix=False) == []
