"""Hard-float code for ARMv6 gets the right answers from gcc's soft-float library, or none."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.cpython.workspace import BuildError
from tools.cpython.workspace_musl import MuslToolchain, MuslWorkspace

# The oldest CPU that Alpine's armhf runs on: no instruction of ARMv7 works there.
_CPU = "arm1176"
_COMPLEX = """\
_Complex double multiply(_Complex double a, _Complex double b) { return a * b; }
double power(double a, int b) { return __builtin_powi(a, b); }
"""


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MuslWorkspace]:
    target, triplet, *flags = os.environ["TARGET"].split()
    toolchain = MuslToolchain(
        Path(os.environ["CC"]), Path(os.environ["SYSROOT"]), Path(os.environ["HOST"]), triplet,
        os.environ["CLANG"], triplet, Path(os.environ["LIBGCC"]), target, tuple(flags),
    )  # fmt: skip
    root = tmp_path_factory.mktemp("armv6") / "work"
    with MuslWorkspace(root, toolchain, 1_000_000_000) as made:
        made.src.mkdir()
        shutil.copyfile(os.environ["SOURCE"], made.src / "armv6.c")
        (made.src / "complex.c").write_text(_COMPLEX)
        yield made


# There's no C library for it here: gcc's own objects are all that is linked.
@pytest.mark.parametrize("level", ["-O0", "-O2"])
def test_answers_are_right_on_an_old_cpu(workspace: MuslWorkspace, level: str) -> None:
    workspace.run(
        "link",
        ["gcc", level, "-static", "-nostdlib", "-fno-builtin", "armv6.c", "-lgcc", "-lgcc_eh",
         "-o", "armv6"],
    )  # fmt: skip
    emulator = Path(os.environ["EMULATOR"]).absolute()
    said = subprocess.run(
        [emulator, "-cpu", _CPU, workspace.src / "armv6"],
        check=False, capture_output=True, text=True, env={},
    )  # fmt: skip
    assert (said.returncode, said.stdout, said.stderr) == (0, "", "")
    header = workspace.run("header", ["readelf", "-h", "armv6"])
    assert re.search(r"Flags: +0x5000400\b", header), header  # version 5 of the ABI, hard float


def test_what_would_be_wrong_cannot_be_linked(workspace: MuslWorkspace) -> None:
    with pytest.raises(BuildError):
        workspace.run("complex", ["gcc", "-shared", "-nostdlib", "-fPIC", "-Wl,-z,defs",
                                  "complex.c", "-lgcc", "-o", "complex.so"])  # fmt: skip
    log = (workspace.log / "complex").read_text()
    assert set(re.findall(r"undefined symbol: (\w+)", log)) == {"__muldc3", "__powidf2"}
