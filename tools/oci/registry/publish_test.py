"""Publishing a plan to a fake registry."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tools.oci.assembler.layout import Layout
from tools.oci.registry import publish
from tools.oci.registry.fake_registry import FakeRegistry
from tools.oci.registry.fixtures import make_layout


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_layout(tmp_path_factory.mktemp("images")).parent


def plan(images: Path, folder: Path, tags: dict[str, list[str]]) -> Path:
    listing: list[dict[str, Any]] = [
        {"name": name, "layout": str(images / name), "tags": tags[name]} for name in tags
    ]
    (folder / "plan.json").write_text(json.dumps({"images": listing}))
    return folder / "plan.json"


TAGS = {"index": ["3.13-slim", "slim"], "image_amd64": ["amd64-3.13-slim"]}


def run(path: Path, registry: FakeRegistry, *more: str) -> int:
    return publish.main([f"--plan={path}", f"--repository={registry.host}/team/python", *more])


def test_all(images: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with FakeRegistry() as registry:
        path = plan(images, tmp_path, TAGS)
        assert run(path, registry, "--dry-run") == 0
        assert not registry.requests
        dry = capsys.readouterr().out
        assert run(path, registry) == 0
        told = capsys.readouterr()
        assert {"3.13-slim", "slim", "amd64-3.13-slim"} < set(registry.manifests)
        assert "sent 5 blobs" in told.err
        assert told.out.split() == dry.replace("not pushed", "new").split()
        digest = Layout(images / "index").root()["digest"]
        # Three layers of 3 MB: the one that both platforms have counts once.
        line = f"index        {digest}  2          9.0 MB  new     3.13-slim slim"
        assert line in told.out.splitlines()


def test_what_a_push_did(images: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with FakeRegistry() as registry:

        def results(tags: dict[str, list[str]]) -> list[str]:
            assert run(plan(images, tmp_path, tags), registry) == 0
            head, *lines = capsys.readouterr().out.splitlines()
            at = head.index("RESULT")
            return [line[at:].split()[0] for line in lines]

        assert results(TAGS) == ["new", "new"]
        assert results(TAGS) == ["unchanged", "unchanged"]
        assert results({**TAGS, "index": ["3.13-slim", "latest"]}) == ["tagged", "unchanged"]


def test_a_selection(images: Path, tmp_path: Path) -> None:
    with FakeRegistry() as registry:
        assert run(plan(images, tmp_path, TAGS), registry, "--only", "amd64-*") == 0
        assert [name for name in registry.manifests if ":" not in name] == ["amd64-3.13-slim"]


@pytest.mark.parametrize(
    ("tags", "more", "why"),
    [
        (TAGS, ["--only=3.99*"], "--only 3.99*: no image or tag is named so; there are 3.13-slim"),
        ({"index": ["a"], "image_amd64": ["a"]}, [], "tag a is given to both index and image_amd"),
        ({"index": ["a:b"]}, [], "'a:b': a tag is up to 128"),
        ({"missing": ["a"]}, [], "missing: not an OCI layout"),
    ],
)
def test_wrong_plans(
    images: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    tags: dict[str, list[str]],
    more: list[str],
    why: str,
) -> None:
    with FakeRegistry() as registry:
        assert run(plan(images, tmp_path, tags), registry, *more) == 1
        assert why in capsys.readouterr().err
        assert not registry.requests
