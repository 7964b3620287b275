"""What hadolint says of the generated Dockerfiles, and of that of docs/hardened.md."""

from __future__ import annotations

import json
import os
import subprocess
import tomllib
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.documents.pages import Page

ALLOWED: dict[str, dict[str, str]] = tomllib.loads(
    Path(__file__).with_name("dockerfiles.toml").read_text()
)
FILES = [Path(name) for name in os.environ["DOCKERFILES"].split() if name.endswith("/Dockerfile")]
WINDOWS = {path for path in FILES if "windows" in path.parts}


def _broken(paths: Iterable[Path]) -> dict[str, list[str]]:
    """By rule, where Dockerfiles break it."""
    done = subprocess.run(
        [os.environ["HADOLINT"], "--no-fail", "--format=json", *sorted(paths)],
        check=True,
        capture_output=True,
        text=True,
    )
    found: dict[str, list[str]] = {}
    for each in json.loads(done.stdout):
        found.setdefault(each["code"], []).append(f"{each['file']}:{each['line']}")
    return found


@pytest.mark.parametrize(("kind", "paths"), [("linux", set(FILES) - WINDOWS), ("windows", WINDOWS)])
def test_generated_dockerfiles_break_the_listed_rules_alone(kind: str, paths: set[Path]) -> None:
    assert paths
    allowed, broken = ALLOWED[kind].keys(), _broken(paths)
    assert {rule: places for rule, places in broken.items() if rule not in allowed} == {}
    assert allowed - broken.keys() == set()


def test_the_dockerfile_of_the_page_breaks_none(tmp_path: Path) -> None:
    section = Page.read(Path("docs/hardened.md")).section("Build an application in two stages")
    file = tmp_path / "Dockerfile"
    file.write_text(section.blocks[0].text)
    assert _broken([file]) == {}


def test_hadolint_finds_what_is_wrong(tmp_path: Path) -> None:
    file = tmp_path / "Dockerfile"
    file.write_text("FROM debian:latest\nRUN sudo true\n")
    assert {"DL3004", "DL3007"} <= _broken([file]).keys()
