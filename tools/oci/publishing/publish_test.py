"""Publishing to a fake registry, what is chosen built by a stand-in for Bazel."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.oci.assembler import index
from tools.oci.assembler.layout import Layout
from tools.oci.publishing import publish
from tools.oci.publishing.fake_bazel import FakeBazel
from tools.oci.registry.fake_registry import FakeRegistry
from tools.oci.registry.push_fixtures import make_layout

TAGS = {"index": ["3.13-slim", "slim"], "image_amd64": ["amd64-3.13-slim"]}
_FILES = ("oci-layout", "index.json")


def label(name: str) -> str:
    return f"@@//images:{name}"


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the outlines of an index and of its images, in bazel-out as Bazel has them."""
    folder = tmp_path_factory.mktemp("images")
    make_layout(folder, outline=True)
    for name in ("image_amd64", "image_arm64"):
        shutil.move(folder / "bazel-out" / name, folder / f"bazel-out/index_{name[6:]}.outline")
    shutil.move(folder / "image_amd64", folder / "bazel-out/whole")
    return folder


class World:
    """A registry and a workspace in which `tags` can be published."""

    def __init__(self, folder: Path, registry: FakeRegistry, compiles: int = 1) -> None:
        self.registry = registry
        self.folder = folder
        outlines = {
            label(name): {"oci_outline": [f"bazel-out/{name}.outline/{file}" for file in _FILES]}
            for name in ("index", "index_amd64", "index_arm64")
        }
        # An image of others: it has no outline.
        whole = {label("image_amd64"): {"default": [f"bazel-out/whole/{file}" for file in _FILES]}}
        cpythons = [f"@@//cpython:{number}" for number in range(compiles)]
        self.bazel = FakeBazel(
            folder,
            {label("index"): [label("index_amd64"), label("index_arm64")]},
            {label("index"): cpythons, label("index_arm64"): cpythons},
            outlines | whole,
        )

    def run(self, tags: dict[str, list[str]], *more: str) -> int:
        listed = [{"name": one, "label": label(one), "tags": names} for one, names in tags.items()]
        settings = {"@@//python_images:vendor": "Acme"}
        file = self.folder / "selection.json"
        file.write_text(json.dumps({"images": listed, "settings": settings}))
        return publish.main(
            [
                f"--selection={file}",
                f"--bazel={self.bazel.path}",
                f"--repository={self.registry.host}/team/python",
                *more,
            ]
        )


@pytest.fixture
def world(images: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setenv("BUILD_WORKSPACE_DIRECTORY", str(images))
    (images / "calls").unlink(missing_ok=True)
    with FakeRegistry() as registry:
        yield World(images, registry)


def test_all(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    assert world.run(TAGS) == 0
    told = capsys.readouterr()
    assert {"3.13-slim", "slim", "amd64-3.13-slim"} < set(world.registry.manifests)
    assert "sent 5 blobs" in told.err
    digest = Layout(world.folder / "index").root()["digest"]
    # Three layers of 3 MB: the one that both platforms have counts once.
    line = f"index        {digest}  2          9.0 MB  new     3.13-slim slim"
    assert line in told.out.splitlines()
    # As this program was built.
    assert all("--//python_images:vendor=Acme" in call for call in world.bazel.calls("build"))


def test_what_a_push_did(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    def results(tags: dict[str, list[str]]) -> list[str]:
        assert world.run(tags) == 0
        head, *lines = capsys.readouterr().out.splitlines()
        at = head.index("RESULT")
        return [line[at:].split()[0] for line in lines]

    assert results(TAGS) == ["new", "new"]
    assert results(TAGS) == ["unchanged", "unchanged"]
    assert results({**TAGS, "index": ["3.13-slim", "latest"]}) == ["tagged", "unchanged"]


def test_only_what_is_chosen_is_built(world: World) -> None:
    assert world.run(TAGS, "--only", "slim") == 0
    assert world.bazel.built() == [label("index")]
    assert [name for name in world.registry.manifests if ":" not in name] == ["3.13-slim", "slim"]


def test_only_the_platforms_that_are_named(world: World, tmp_path: Path) -> None:
    assert world.run(TAGS, "--only", "slim", "--platform", "arm64") == 0
    assert world.bazel.built() == [label("index_arm64")]
    index.build([world.folder / "bazel-out/index_arm64.outline"], {}, tmp_path / "x", outline=True)
    digest = Layout(tmp_path / "x").root()["digest"]
    assert world.registry.manifests["slim"] == world.registry.manifests[digest]
    # All of them: the index that the build makes.
    assert world.run(TAGS, "--only=slim", "--platform=arm64", "--platform=amd64") == 0
    digest = Layout(world.folder / "index").root()["digest"]
    assert world.registry.manifests["slim"] == world.registry.manifests[digest]


def test_a_dry_run_builds_and_asks_nothing(
    images: Path, world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world = World(images, world.registry, compiles=3)
    assert world.run(TAGS, "--dry-run") == 0
    told = capsys.readouterr()
    assert told.out == ""
    assert "At most 3 compiles" in told.err
    assert "  index [amd64 arm64] 3.13-slim slim" in told.err
    assert not world.bazel.built()
    assert not world.registry.requests


def test_more_than_one_compile_has_to_be_agreed_to(
    images: Path, world: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(images, world.registry, compiles=3)
    monkeypatch.setattr("sys.stdin", (images / "selection.json").open())
    assert world.run(TAGS) == 1
    assert "up to 3 compiles of CPython" in capsys.readouterr().err
    assert not world.bazel.built()
    assert not world.registry.requests
    assert world.run(TAGS, "--yes") == 0


@pytest.mark.parametrize(
    ("tags", "more", "why"),
    [
        (TAGS, ["--only=3.99*"], "--only 3.99*: no image or tag is named so; there are 3.13-slim"),
        ({"index": ["a"], "image_amd64": ["a"]}, [], "tag a is given to both index and image_amd"),
        ({"index": ["a:b"]}, [], "'a:b': a tag is up to 128"),
        (TAGS, ["--platform=s390x"], "--platform s390x: no chosen image has it; there are amd64"),
        ({"missing": ["a"]}, [], "@@//images:missing is not an image"),
    ],
)
def test_wrong_choices(
    world: World,
    capsys: pytest.CaptureFixture[str],
    tags: dict[str, list[str]],
    more: list[str],
    why: str,
) -> None:
    assert world.run(tags, *more) == 1
    assert why in capsys.readouterr().err
    assert not world.registry.requests


def test_outside_of_bazel_run(
    world: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("BUILD_WORKSPACE_DIRECTORY")
    assert world.run(TAGS) == 1
    assert "start it with `bazel run`" in capsys.readouterr().err


def test_a_build_that_fails(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.bazel.path.write_text("#!/bin/sh\n[ $1 = query ] || { echo no such target >&2; exit 7; }")
    assert world.run(TAGS) == 1
    assert "exit status 7" in capsys.readouterr().err
    assert not world.registry.requests


def test_a_query_that_fails(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.bazel.path.write_text("#!/bin/sh\necho ERROR: no such >&2; echo package >&2; exit 7")
    assert world.run(TAGS) == 1
    said = f"ERROR: no such\npackage\npublish: {world.bazel.path} query: exit status 7\n"
    assert capsys.readouterr().err == said


@pytest.mark.parametrize("said", ["", "echo '{' >$FILE", "echo '[5]' >$FILE", "mkdir $FILE"])
def test_a_program_that_is_no_bazel(
    world: World, capsys: pytest.CaptureFixture[str], said: str
) -> None:
    find = "for word; do case $word in --build_event_json_file=*) FILE=${word#*=} ;; esac; done"
    world.bazel.path.write_text(f"#!/bin/sh\n{find}\n[ $1 != build ] || {said or ':'}\n")
    assert world.run(TAGS) == 1
    err = capsys.readouterr().err
    assert "doesn't tell what it has built" in err
    assert "name your Bazel in --bazel" in err
    assert not world.registry.requests


@pytest.mark.parametrize(
    ("command", "why"), [("./bazelw 'x", "No closing quotation"), (" ", "names no program")]
)
def test_a_command_that_is_none(
    world: World, capsys: pytest.CaptureFixture[str], command: str, why: str
) -> None:
    with pytest.raises(SystemExit):
        world.run(TAGS, f"--bazel={command}")
    assert f"argument --bazel: {command!r}: {why}" in capsys.readouterr().err
