"""What //tools/lint:prose finds in a page, and what it lets pass."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.lint import prose
from tools.lint.prose import Rules

# Not written out: this file is checked, too.
BAD = "hangs" + " off"
RULES = Rules(
    width=40,
    pages=["docs/*.md"],
    generated=["docs/made.md"],
    sources=["*.py"],
    phrases={BAD: "companion targets"},
)


def found(root: Path, text: str, name: str = "docs/page.md") -> list[str]:
    file = root / name
    file.parent.mkdir(exist_ok=True)
    file.write_text(text)
    return prose.problems(root, RULES)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"What {BAD} it.\n", f"docs/page.md:1: {BAD!r}: companion targets"),
        (f"\n{BAD.capitalize().replace(' ', chr(10))} it.\n", f"docs/page.md:2: {BAD!r}"),
        (f"    code that {BAD} it\n", f"docs/page.md:1: {BAD!r}"),
        (
            "A line of many words that is far too wide.\n",
            "docs/page.md:1: has 42 columns; break it",
        ),
        ("[here](none.md)\n", "docs/page.md:1: links to none.md, which doesn't exist"),
        ("[here](../../out.md)\n", "docs/page.md:1: links to ../../out.md, which"),
        ("# One\n\n[here](#two)\n", "docs/page.md:3: links to #two, and that page has no such"),
        ("![a picture](none.svg)\n", "docs/page.md:1: links to none.svg, which"),
        ("| a | b | |---|---|\n| 1 | 2 |\n", "docs/page.md:1: a table is in running text"),
        ("words\n|---|---|\n| 1 | 2 |\n", "docs/page.md:2: a table is in running text"),
        ("| a | b |\n|---|---|\n| 1 |\n2 |\n", "docs/page.md:4: isn't a row of the table"),
    ],
)
def test_a_bad_page_is_told_with_its_place(tmp_path: Path, text: str, said: str) -> None:
    (problem,) = found(tmp_path, text)
    assert problem.startswith(said)


@pytest.mark.parametrize(
    "text",
    [
        "Short.\n",
        "| a table | may be | as wide | as it | has to be |\n",
        "    code: may be as wide as it has to be, too\n",
        "```\nso may code between fences, [whatever](it.md) has\n```\n",
        "https://example.org/a/link/that/can/not/be/broken\n",
        "# One `two`\n\n[up](#one-two)\n",
        "# A\n\n# A\n\n[the second](#a-1)\n",
        "[elsewhere](https://example.org/x.md#y)\n",
        "`[code](none.md)` is no link.\n",
        "[itself](page.md)\n",
        "words\n\n| a | b |\n|:--|---|\n| 1 | 2 |\n\nwords\n",
        "`|---|---|` is code.\n",
    ],
)
def test_a_good_page_passes(tmp_path: Path, text: str) -> None:
    assert found(tmp_path, text) == []


def test_generated_pages_may_be_wide(tmp_path: Path) -> None:
    wide = "A line of many words that is far too wide.\n"
    assert found(tmp_path, wide, "docs/made.md") == []
    assert len(found(tmp_path, f"{BAD}\n", "docs/made.md")) == 1


def test_phrases_are_found_in_programs(tmp_path: Path) -> None:
    first, second = BAD.split()
    assert found(tmp_path, f"# what {first}\n# {second} it\n", "a.py") == [
        f"a.py:1: {BAD!r}: companion targets"
    ]


def test_the_rules_can_be_read() -> None:
    rules = prose.read(Path(__file__).parents[2])
    assert rules.width == 100
    assert BAD in rules.phrases


def test_unknown_rules_are_refused(tmp_path: Path) -> None:
    (tmp_path / "tools/lint").mkdir(parents=True)
    (tmp_path / prose.RULES).write_text("wide = 3\n")
    with pytest.raises(TypeError, match="wide"):
        prose.read(tmp_path)
