"""What counts as a command that only runs where bazel is on PATH."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.lint.lint import bare_commands

# Not written out: this file is checked, too.
BARE = "bazel" + " "


@pytest.mark.parametrize("command", ["run //tools:x", "test //tests:all", "query //a:b"])
@pytest.mark.parametrize("before", ["Show: ", "`", ""])
def test_found_and_mended(tmp_path: Path, before: str, command: str) -> None:
    (tmp_path / "docs").mkdir()
    file = tmp_path / "docs/a.md"
    file.write_text(f"# A\n{before}{BARE}{command}\n")
    assert bare_commands(tmp_path, fix=False) == [f"docs/a.md:2: {before}{BARE}{command}"]
    bare_commands(tmp_path, fix=True)
    assert file.read_text() == f"# A\n{before}./{BARE.strip()}w {command}\n"
    assert bare_commands(tmp_path, fix=False) == []


def test_in_a_substitution(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(f"$({BARE}info output_base)/x\n")
    assert len(bare_commands(tmp_path, fix=False)) == 1


@pytest.mark.parametrize(
    "line",
    [
        "./bazelw run //tools:x",
        "ordinary_bazel run //tools:x",
        f"`{BARE}test //...` takes",
        f"history: {BARE}build //:hello",  # what an image's history says, whoever builds it
        f"{BARE}run @@python_images//tools:x",
    ],
)
def test_not_meant(tmp_path: Path, line: str) -> None:
    (tmp_path / "a.py").write_text(f"{line}\n")
    (tmp_path / "examples").mkdir()
    (tmp_path / "examples/a.md").write_text(f"{BARE}run //app:x\n")
    assert bare_commands(tmp_path, fix=False) == []
