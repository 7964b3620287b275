"""What the document rules made in this build."""

from __future__ import annotations

import json
from pathlib import Path

HERE = Path(__file__).parent


def made(name: str) -> str:
    return (HERE / name).read_text()


def test_an_own_family_and_template() -> None:
    tags = "3.14.7-slim-trixie, 3.14-slim-trixie, 3-slim-trixie, 3.14.7-slim, 3.14-slim, 3-slim"
    assert made("own.md") == f"# Acme's Python\n* acme/python:{tags}\n"
    assert made("library.txt").split("\n\n", 1)[1] == (
        "GitRepo: https://example.org/images.git\n"
        "Builder: buildkit\n\n"
        f"Tags: {tags}\n"
        "Architectures: amd64, arm64v8\n"
        "Directory: 3.14/slim-trixie\n"
    )


def test_published_families() -> None:
    assert "## `i386/python:<version>-slim`" in made("readme.md")
    assert json.loads(made("versions.json"))["3.14"]["version"] == "3.14.3"
    assert "COPY --from=python /usr/local /usr/local" in made("copy.Dockerfile")


def test_the_current_family() -> None:
    assert "FROM debian:" in made("Dockerfile")
    job = json.loads(made("matrix.json"))["matrix"][0]
    assert job["TARGET"].startswith(f"//images:{job['IMAGE']}_")
    assert json.loads(made("components.json"))["platform"] == "arm64"
