"""What a workspace that depends on this one fetches before its first action.

A workspace with nothing but the dependency analyses an image, from an empty output base. Which
repositories Bazel fetched for that can be read off the output base.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.roles import MINOR, SUITE
from tools.testing.checkout import Checkout, scratch

IMAGE = f"@python_images//images/debian:{SUITE}-slim_amd64"
PYTHON = f"@python_images//images:{MINOR}-slim-{SUITE}_amd64"

MODULE = """\
module(name = "consumer")
bazel_dep(name = "python_images", version = "")
local_path_override(module_name = "python_images", path = "{}")
"""

# What the rules' own programs need, and how many million bytes that is, unpacked, at most.
TOOLS = {"tool_python": 62, "wheels": 31}

# Repositories that only name others: those of an image of Debian, and those of one of Python.
NAMES = {"catalog", "debian", "prebuilt_cpythons"}
PYTHON_NAMES = {*NAMES, "alpine", "cpython_sources", "windows_bases"}

# The suite whose build lock has the tools.
TOOLS_SUITE = "trixie"

# What an image of Debian is made of.
DEBIAN_INPUTS = {f"debian_{SUITE}_amd64_base"}

# What one of Python has besides, and what CPython is compiled of and by, but for its source.
PYTHON_INPUTS = {
    f"debian_{SUITE}_amd64_slim",
    f"debian_build_{TOOLS_SUITE}_amd64_build_sysroot",
    f"debian_build_{TOOLS_SUITE}_amd64_cc_amd64",
    f"debian_build_{SUITE}_amd64_cc_amd64",
    f"debian_build_{TOOLS_SUITE}_amd64_hosttools",
    f"debian_build_{SUITE}_amd64_sysroot",
    f"debian_{SUITE}_amd64_libraries",
}
CLANG = f"debian_build_{TOOLS_SUITE}_amd64_clang_"


@dataclasses.dataclass(frozen=True)
class Consumer:
    """A workspace that depends on this one."""

    workspace: Checkout

    def analyse(self, label: str) -> None:
        """Do all that comes before the first action of building a target."""
        result = self.workspace.bazel("build", "--nobuild", label)
        assert result.status == 0, result.errors

    def fetched(self) -> dict[str, Path]:
        """The repositories of this module that Bazel has fetched, by their own names."""
        external = self.workspace.output_base / "external"
        found = {}
        for marker in external.glob("@python_images*.marker"):
            name = marker.name.removeprefix("@").removesuffix(".marker")
            # python_images~~debian~debian_trixie_amd64_base; a plus sign since Bazel 8.
            found[re.split("[~+]", name)[-1]] = external / name
        # The module itself.
        return {name: path for name, path in found.items() if name}


def size(folder: Path) -> int:
    """Bytes of the files below a folder."""
    return sum(
        file.stat().st_size
        for file in folder.rglob("*")
        if file.is_file() and not file.is_symlink()
    )


@pytest.fixture(scope="module")
def consumer() -> Iterator[Consumer]:
    with scratch("consumer") as copy:
        folder = copy.path.parent / "consumer"
        folder.mkdir()
        (folder / "MODULE.bazel").write_text(MODULE.format(copy.path))
        (folder / "BUILD.bazel").touch()
        (folder / "bazelw").symlink_to(copy.path / "bazelw")
        for name in (".bazelrc", ".bazelversion"):
            (folder / name).write_text((copy.path / "examples/app" / name).read_text())
        yield Consumer(dataclasses.replace(copy, path=folder))


def test_loading_images_takes_no_tools(consumer: Consumer) -> None:
    result = consumer.workspace.bazel("query", IMAGE)
    assert result.status == 0, result.errors
    # The catalog was exported beforehand.
    assert set(consumer.fetched()) & TOOLS.keys() == set()


def test_an_image_fetches_the_tools_and_what_it_is_made_of(consumer: Consumer) -> None:
    consumer.analyse(IMAGE)
    fetched = consumer.fetched()
    assert set(fetched) == TOOLS.keys() | NAMES | DEBIAN_INPUTS
    for name, limit in TOOLS.items():
        assert 0 < size(fetched[name]) <= limit * 1_000_000, name


def test_an_image_of_python_fetches_its_compiler_besides(consumer: Consumer) -> None:
    consumer.analyse(PYTHON)
    fetched = set(consumer.fetched())
    sources = {name for name in fetched if name.startswith(f"cpython_source_{MINOR}.")}
    assert len(sources) == 1
    # Of the version that CPython's JIT asks for.
    clang = {name for name in fetched if name.startswith(CLANG)}
    assert len(clang) == 1
    assert fetched == TOOLS.keys() | PYTHON_NAMES | DEBIAN_INPUTS | PYTHON_INPUTS | sources | clang


def test_another_catalog_than_was_exported_is_read_anew(consumer: Consumer) -> None:
    file = "../checkout/catalog/variants.yaml"
    with consumer.workspace.changed(file, "tag: slim-{suite}", "tag: lean-{suite}"):
        result = consumer.workspace.bazel("query", PYTHON.replace("-slim-", "-lean-"))
    assert result.status == 0, result.errors
