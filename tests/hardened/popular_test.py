"""Popular projects with compiled code work in an image: its libraries are those that wheels take.

RUN is `.run` of the image, WHEELS its wheels, TRIED the projects to try: "" stands for all.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

from tools.formats.elf import read_elf
from tools.wheels.install import install

MINOR = os.environ["MINOR"]
SITE = f"usr/local/lib/python{MINOR}/site-packages"
HERE = Path(__file__).parent
PROGRAMS: dict[str, str] = tomllib.loads((HERE / "popular.toml").read_text())
TRIED = os.environ["TRIED"].split() or list(PROGRAMS)

# Each program has an interpreter of its own, so that none gets what another one has loaded.
_TRY = """
import json, subprocess, sys
failed = {}
for name, program in json.load(open("/given")).items():
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    if done.returncode:
        failed[name] = done.stderr or f"status {done.returncode}"
print(json.dumps(failed))
"""
_LOAD = """
import ctypes, json
failed = {}
for name, users in json.load(open("/given")).items():
    try:
        ctypes.CDLL(name)
    except OSError as error:
        failed[name] = f"{error}; needed by {users}"
print(json.dumps(failed))
"""


@pytest.fixture(scope="module", name="site")
def _site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of packages, as pip of the image would have filled it."""
    root = tmp_path_factory.mktemp("popular")
    for wheel in os.environ["WHEELS"].split():
        for path, (content, mode) in install(Path(wheel), MINOR).items():
            file = root / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
            file.chmod(mode)
    return root / SITE


def _in_image(site: Path, program: str, given: object) -> dict[str, str]:
    """What the program prints, run by the image's Python as the image's user."""
    file = site.parent / "given.json"
    file.write_text(json.dumps(given))
    command = [str(Path(os.environ["RUN"]).absolute()), "--no-network"]
    command += [f"--volume={site}:/{SITE}:ro", f"--volume={file}:/given:ro"]
    done = subprocess.run(
        [*command, "python3", "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    failed: dict[str, str] = json.loads(done.stdout)
    return failed


@pytest.fixture(scope="module", name="failed")
def _failed(site: Path) -> dict[str, str]:
    return _in_image(site, _TRY, {name: PROGRAMS[name] for name in TRIED})


def test_every_project_has_a_program() -> None:
    lines = (HERE / "popular.in").read_text().splitlines()
    names = [re.sub(r"\[.*", "", line) for line in lines if not line.startswith("#")]
    assert names == list(PROGRAMS)
    assert len(names) == 50


@pytest.mark.parametrize("name", TRIED)
def test_its_compiled_code_works(failed: dict[str, str], name: str) -> None:
    assert failed.get(name, "") == ""


def test_all_libraries_are_there(site: Path) -> None:
    """Also those that only modules load which the programs don't import."""
    brought: set[str] = set()
    needed: dict[str, str] = {}
    for path in sorted(site.rglob("*.so*")):
        elf = read_elf(path.read_bytes())
        if elf is not None:
            brought |= {path.name, elf.soname or path.name}
            needed |= {name: str(path.relative_to(site)) for name in elf.needed}
    outside = {name: user for name, user in needed.items() if name not in brought}
    assert {"libc.so.6", "libstdc++.so.6", "libz.so.1"} <= outside.keys()
    assert _in_image(site, _LOAD, outside) == {}
