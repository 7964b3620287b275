"""A workspace with nothing but what a page of docs/ shows, for tests that run its commands."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from tests.documents.pages import Page
from tools.testing.checkout import Checkout, Result, scratch, source

_DEPENDENCY = """\
module(name = "pasted")
bazel_dep(name = "python_images", version = "")
"""
_OVERRIDE = 'local_path_override(module_name = "python_images", path = "../..")\n'
_LAUNCHER = (".bazelrc", ".bazelversion", "bazelw")


def page(name: str, *sections: str, replaced: Mapping[str, str] | None = None) -> Page:
    """The blocks of some sections of a page, `docs/<name>`, in the order of `sections`."""
    whole = Page.read(source() / "docs" / name, replaced)
    chosen = [block for section in sections for block in whole.section(section).blocks]
    return Page(name, chosen)


@contextmanager
def pasted(shown: Page, files: Mapping[str, str] | None = None) -> Iterator[Checkout]:
    """Paste a page's files into an empty workspace, which depends on a copy of the checkout.

    Args:
        shown: the page.
        files: what the page takes for granted: name to the file in `examples` that it is a copy of.
    """
    section = shown.blocks[0].section.lower().replace(" ", "-")
    with scratch(section) as copy:
        # Beside the examples: a workspace with their launcher and flags, and nothing else.
        folder = copy.path / "examples/pasted"
        folder.mkdir()
        for name in _LAUNCHER:
            shutil.copy(copy.path / "examples/app" / name, folder / name, follow_symlinks=False)
        for name, example in (files or {}).items():
            shutil.copy(copy.path / "examples" / example, folder / name)
        shown.paste(folder)
        module = folder / "MODULE.bazel"
        text = module.read_text()
        if "bazel_dep" not in text:
            text = f"{_DEPENDENCY}\n{text}"
        module.write_text(text + _OVERRIDE)
        (folder / "BUILD.bazel").touch()
        yield dataclasses.replace(copy, path=folder)


def succeeds(result: Result) -> str:
    """What a command printed that has to succeed."""
    assert result.status == 0, result.errors
    return result.output


def refuses(workspace: Checkout, file: str, old: str, new: str, *targets: str) -> str:
    """The errors of analysing targets after a change of a file; there have to be some."""
    with workspace.changed(file, old, new):
        result = workspace.bazel("build", "--nobuild", *targets)
    assert result.status != 0
    return result.errors
