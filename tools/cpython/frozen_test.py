"""The interpreter of the tools freezes modules as the release's own build python does.

So it can drive the compilation of another release of its minor version.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tools.cpython.workspace import extract_source

# How CPython's Makefile calls Programs/_freeze_module.py: module, source, file to write.
_FREEZE = re.compile(r"(?m)^\t\$\(FREEZE_MODULE(?:_BOOTSTRAP)?\) (\S+) \$\(srcdir\)/(\S+) (\S+)$")


@pytest.fixture(scope="module", name="source")
def _source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("source") / "src"
    extract_source(Path(os.environ["SOURCE"]), directory)
    return directory


def freeze(python: list[str], source: Path, out: Path, **environment: str) -> dict[str, bytes]:
    """What an interpreter writes for each module that the Makefile freezes."""
    out.mkdir()
    modules = _FREEZE.findall((source / "Makefile.pre.in").read_text())
    for name, path, _ in modules:
        script = [*python, "Programs/_freeze_module.py", name, path, str(out / name)]
        subprocess.run(
            script, cwd=source, check=True, env={**os.environ, **environment}, capture_output=True
        )
    return {name: (out / name).read_bytes() for name, _, _ in modules}


def test_both_freeze_the_same(source: Path, tmp_path: Path) -> None:
    minor = f"{sys.version_info.major}.{sys.version_info.minor}"
    python = tmp_path / "own/bin" / f"python{minor}"
    python.parent.mkdir(parents=True)
    python.symlink_to(Path(os.environ["BUILD_PYTHON"]).absolute())
    (tmp_path / "own/lib").mkdir()
    (tmp_path / "own/lib" / f"python{minor}").symlink_to(source / "Lib")
    library = str(source / "Lib")
    own = freeze([str(python)], source, tmp_path / "by-its-own", PYTHONPATH=library)
    tools = freeze([sys.executable, "-S"], source, tmp_path / "by-the-tools", PYTHONPATH=library)
    assert len(own) > 20
    assert {name for name in own if own[name] != tools[name]} == set()
