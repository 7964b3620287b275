"""The toolchain for musl works wherever it is unpacked; its programs are the target's."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from toolchains.trees.unpack import extract
from tools.cpython.workspace_musl import MuslToolchain, MuslWorkspace
from tools.formats import elf

# e_machine by platform, of the ELF specification.
MACHINES: dict[str, int] = json.loads(os.environ["MACHINES"])
HELLO = """\
#include <pthread.h>
#include <stdio.h>
static void *greet(void *name)
{
    printf("%s %s %s\\n", (char *)name, __FILE__, __DATE__);
    return 0;
}
int main(void)
{
    pthread_t thread;
    return pthread_create(&thread, 0, greet, "hello") || pthread_join(thread, 0);
}
"""
# Needs gcc's libraries on 32-bit platforms, and little of a C library.
DIVIDE = """\
struct shared { int first; long long count; };
long long divide(long long a, long long b) { return a / b; }
long long count(struct shared *shared)
{
    return __atomic_add_fetch(&shared->count, 1, __ATOMIC_SEQ_CST);
}
"""


def toolchain(platform: str) -> MuslToolchain:
    target, triplet, *flags = os.environ[f"TARGET_{platform}"].split()
    return MuslToolchain(
        Path(os.environ["CC"]), Path(os.environ["SYSROOT"]), Path(os.environ["HOST"]), triplet,
        os.environ["CLANG"], triplet, Path(os.environ[f"LIBGCC_{platform}"]), target, tuple(flags),
    )  # fmt: skip


def unpack(root: Path) -> MuslWorkspace:
    workspace = MuslWorkspace(root, toolchain("amd64"), 1_000_000_000)
    workspace.src.mkdir()
    (workspace.src / "hello.c").write_text(HELLO)
    (workspace.src / "divide.c").write_text(DIVIDE)
    return workspace


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MuslWorkspace]:
    with unpack(tmp_path_factory.mktemp("here") / "work") as made:
        yield made


def compiled(workspace: MuslWorkspace, *options: str) -> Path:
    path = workspace.src / "hello.c"
    workspace.run("compile", ["gcc", "-g", "-O2", *options, path, "-o", "hello"])
    return workspace.src / "hello"


@pytest.mark.parametrize("options", [(), ("-static",), ("-static-pie",)])
def test_programs_run(workspace: MuslWorkspace, options: tuple[str, ...]) -> None:
    program = compiled(workspace, *options)
    loader = [] if options else [workspace.root / "sysroot/lib/ld-musl-x86_64.so.1"]
    said = subprocess.run([*loader, program], check=True, capture_output=True, text=True, env={})
    assert said.stdout == "hello hello.c Sep  9 2001\n"  # the given epoch, not today


def test_nothing_of_the_machine_is_named(workspace: MuslWorkspace, tmp_path: Path) -> None:
    first = compiled(workspace).read_bytes()
    assert str(workspace.root).encode() not in first
    with unpack(tmp_path / "a longer/way" / "to work") as elsewhere:
        assert compiled(elsewhere).read_bytes() == first


@pytest.mark.parametrize("platform", sorted(MACHINES))
def test_every_platform_links_with_gcc_s_library(workspace: MuslWorkspace, platform: str) -> None:
    # One clang makes all platforms' code: what is said last counts. There's no C library for most
    # of them here, so only gcc's objects are linked.
    target = toolchain(platform)
    extract(target.libgcc, workspace.root / platform)
    (start,) = (workspace.root / platform).rglob("crtbeginS.o")
    workspace.run(
        "link",
        ["gcc", f"--target={target.target}", *target.flags, f"--gcc-install-dir={start.parent}",
         "-O2", "-fPIC", "-shared", "-nostdlib", start, workspace.src / "divide.c",
         "-lgcc", start.with_name("crtendS.o"), "-o", f"{platform}.so"],
    )  # fmt: skip
    header = elf.read_elf((workspace.src / f"{platform}.so").read_bytes())
    assert header is not None
    assert header.machine == MACHINES[platform]
    workspace.run("archive", ["ar", "rcs", f"{platform}.a", f"{platform}.so"])
    workspace.run("index", ["ranlib", f"{platform}.a"])
    names = workspace.run("names", ["nm", "-D", f"{platform}.so"])
    assert "divide" in names
    # Atomic operations are inside, and nobody else gets this copy of them.
    assert "__atomic" not in names
    workspace.run("strip", ["strip", f"{platform}.so"])
