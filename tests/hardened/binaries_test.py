"""How the programs and libraries of an image are linked: RELRO, BIND_NOW, PIE, their stacks."""

from __future__ import annotations

import io
import os
import re
import tomllib
from pathlib import Path, PurePosixPath

import pytest
from elftools.elf.dynamic import DynamicSegment
from elftools.elf.elffile import ELFFile

from tests.hardened.image_tree import File, files_of

LATE: dict[str, dict[str, str]] = tomllib.loads(
    Path(__file__).with_name("binaries.toml").read_text()
)
# Debian links it statically, to a fixed address.
STATIC = "busybox/busybox"
_EXECUTABLE, _BIND_NOW, _NOW = 1, 8, 1  # PF_X, DF_BIND_NOW, DF_1_NOW


@pytest.fixture(scope="module", name="files")
def _files() -> dict[str, File]:
    return files_of(Path(os.environ["IMAGE"]))


@pytest.fixture(scope="module", name="suite")
def _suite(files: dict[str, File]) -> str:
    release = files["usr/lib/os-release"].content.decode()
    found = re.search(r"^VERSION_CODENAME=(.+)$", release, re.MULTILINE)
    assert found
    return found[1]


@pytest.fixture(scope="module", name="binaries")
def _binaries(files: dict[str, File]) -> dict[str, ELFFile]:
    found = {
        path: ELFFile(io.BytesIO(file.content))
        for path, file in files.items()
        if file.content.startswith(b"\x7fELF")
    }
    assert len(found) > 50
    return found


def _flags(binary: ELFFile, kind: str) -> list[int]:
    """The flags of all segments of a kind."""
    return [one["p_flags"] for one in binary.iter_segments() if one["p_type"] == kind]


def _binds_now(binary: ELFFile) -> bool:
    (dynamic,) = [one for one in binary.iter_segments() if isinstance(one, DynamicSegment)]
    tags = {tag.entry.d_tag: tag.entry.d_val for tag in dynamic.iter_tags()}
    return (
        "DT_BIND_NOW" in tags
        or bool(tags.get("DT_FLAGS", 0) & _BIND_NOW)
        or bool(tags.get("DT_FLAGS_1", 0) & _NOW)
    )


def test_all_have_relro(binaries: dict[str, ELFFile]) -> None:
    assert [path for path, one in binaries.items() if not _flags(one, "PT_GNU_RELRO")] == []


def test_no_stack_is_executable(binaries: dict[str, ELFFile]) -> None:
    stacks = {path: _flags(one, "PT_GNU_STACK") for path, one in binaries.items()}
    assert [path for path, found in stacks.items() if not found] == []
    assert [path for path, found in stacks.items() if found[0] & _EXECUTABLE] == []


def test_all_can_be_loaded_anywhere(binaries: dict[str, ELFFile]) -> None:
    fixed = [path for path, one in binaries.items() if one["e_type"] != "ET_DYN"]
    assert fixed == [path for path in binaries if path == STATIC]


def test_libraries_bind_at_start_where_debian_s_do(
    binaries: dict[str, ELFFile], suite: str
) -> None:
    """CPython itself is built to bind late, as docker-library's is."""
    debian = {
        path: one
        for path, one in binaries.items()
        if not path.startswith("usr/local/") and path != STATIC
    }
    assert any(_binds_now(one) for one in debian.values())
    late = {PurePosixPath(path).name for path, one in debian.items() if not _binds_now(one)}
    patterns = [*LATE["all"], *LATE.get(suite, ())]
    fitting = {name: [one for one in patterns if re.fullmatch(one, name)] for name in late}
    assert [name for name, found in fitting.items() if not found] == []
    assert {one for found in fitting.values() for one in found} == set(patterns)
