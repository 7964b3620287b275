"""Which blocks a page has, and what they are."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.documents.pages import Page, blocks

DOCS = Path(os.environ.get("DOCS", "docs"))
assert (DOCS / "using.md").exists()
PAGE = """\
# Use it

Create `MODULE.bazel`:

    bazel_dep(name = "x")

    y = 1

and, as any `BUILD.bazel` has
it, in `app/BUILD.bazel`:

```starlark
image(name = "app")
```

## Run it

A list isn't code:

- one
    more of it

Then

    ./bazelw run //:app -- \\
        --name='a
    b'        # how long: a second
    # nothing else
    ./bazelw test //...

It prints:

    hello

More in `app/BUILD.bazel`:

    image(name = "two")
"""


def test_files_commands_and_the_rest() -> None:
    found = blocks(PAGE)
    assert [(block.section, block.file) for block in found] == [
        ("Use it", "MODULE.bazel"),
        ("Use it", "app/BUILD.bazel"),
        ("Run it", ""),
        ("Run it", ""),
        ("Run it", "app/BUILD.bazel"),
    ]
    assert found[0].text == 'bazel_dep(name = "x")\n\ny = 1\n'
    assert PAGE.splitlines()[found[1].line - 1] == 'image(name = "app")'
    assert found[2].commands == [
        ["./bazelw", "run", "//:app", "--", "--name=a\nb"],
        ["./bazelw", "test", "//..."],
    ]
    assert not found[3].commands


def test_a_page_is_pasted(tmp_path: Path) -> None:
    (tmp_path / "page.md").write_text(PAGE)
    (tmp_path / "MODULE.bazel").write_text("module()\n")
    page = Page.read(tmp_path / "page.md", {"hello": "HELLO"})
    page.paste(tmp_path)
    assert (tmp_path / "MODULE.bazel").read_text().startswith('module()\n\nbazel_dep(name = "x")')
    expected = 'image(name = "app")\n\nimage(name = "two")\n'
    assert (tmp_path / "app/BUILD.bazel").read_text() == expected
    assert page.section("Use it").files.keys() == page.files.keys()
    assert not page.section("Use it").commands


def test_what_a_page_lacks_is_told(tmp_path: Path) -> None:
    (tmp_path / "page.md").write_text(PAGE)
    with pytest.raises(ValueError, match=r"page\.md has no 'HOST/PATH'"):
        Page.read(tmp_path / "page.md", {"HOST/PATH": "localhost/x"})
    with pytest.raises(ValueError, match="no block below the heading 'Nothing'"):
        Page.read(tmp_path / "page.md").section("Nothing")


@pytest.mark.parametrize("path", sorted(DOCS.glob("*.md")), ids=lambda path: path.name)
def test_every_page_can_be_read(path: Path) -> None:
    for words in Page.read(path).commands:
        assert len(words) > 1
