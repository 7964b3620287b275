"""The recipe, prebuilt.json, the archive, and what a registry sends for it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tools.oci.assembler.spec import digest_of
from tools.oci.registry.fake_registry import FakeRegistry
from tools.prebuilt import archive, check, fetch, listing, push, recipe
from tools.prebuilt.listing import PrebuiltError

CATALOG = {
    "newest": {"3.14": "3.14.7"},
    "default_suite": "trixie",
    "suites": {"trixie": {"platforms": ["amd64"]}},
    "versions": {
        "3.14.7": {
            "epoch": 1785888000,
            "free_threaded": False,
            "patches": [{"file": "patches/x.patch", "sha256": "a" * 64, "fixes": []}],
            "release": "3.14.7",
            "sha256": "b" * 64,
            "wheels": ["wheel==0.45.1"],
            "tags": ["not", "of", "it"],
        }
    },
    "wheels": {"wheel==0.45.1": "c" * 64},
}

NAME = "3.14.7_trixie_amd64"


def document(**changes: Any) -> dict[str, Any]:
    entry = {
        "blob": "sha256:" + "d" * 64,
        "size": 12,
        "facts": listing.facts(CATALOG, "3.14.7"),
    }
    return {
        "repository": "registry.example/team/cpython",
        "recipe": "sha256:" + "e" * 64,
        "cpythons": {NAME: {**entry, **changes}},
    }


@pytest.fixture(name="module")
def _module(tmp_path: Path) -> Path:
    for name in (
        "catalog/platforms.yaml",
        "third_party/debian/build/trixie_amd64.lock",
        "tools/cpython/compile.py",
        "tools/cpython/compile_test.py",
        "tools/cpython/BUILD.bazel",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    return tmp_path


def test_a_recipe_is_of_what_compiles(module: Path) -> None:
    before = recipe.digest(module)
    for name in ("tools/cpython/compile_test.py", "tools/cpython/BUILD.bazel"):
        (module / name).write_text("other")
    assert recipe.digest(module) == before
    (module / "tools/cpython/compile.py").write_text("other")
    changed = recipe.digest(module)
    (module / "tools/cpython/compile.py").rename(module / "tools/cpython/compiles.py")
    assert len({before, changed, recipe.digest(module)}) == 3


def test_facts_are_of_source_patches_and_wheels() -> None:
    assert listing.facts(CATALOG, "3.14.7") == {
        "epoch": 1785888000,
        "free_threaded": False,
        "patches": ["a" * 64],
        "release": "3.14.7",
        "sha256": "b" * 64,
        "wheels": {"wheel==0.45.1": "c" * 64},
    }


def test_what_is_written_is_read(tmp_path: Path) -> None:
    file = tmp_path / "prebuilt.json"
    push.save(file, document())
    assert listing.read(file, "x") == document()
    assert [path.name for path in tmp_path.iterdir()] == ["prebuilt.json"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "//:p.json: not JSON"),
        ("[]", "//:p.json: a JSON object is expected here"),
        ("{}", "//:p.json: has to have repository, recipe and cpythons, and has nothing; ./bazelw"),
        (
            json.dumps({**document(), "repository": "team/cpython"}),
            "//:p.json: 'team/cpython': a repository begins with its registry's host",
        ),
        (json.dumps({**document(), "recipe": "sha1:0"}), "//:p.json: 'sha1:0' is not a digest"),
        (
            json.dumps({**document(), "cpythons": {"../x": {}}}),
            "//:p.json: '../x' is no <version>_<suite>_<platform>",
        ),
        (json.dumps(document(size=-1)), f"//:p.json: {NAME}: -1 is no size"),
        (json.dumps(document(size=True)), f"//:p.json: {NAME}: True is no size"),
        (json.dumps(document(blob="d" * 64)), f"//:p.json: {NAME}: '{'d' * 64}' is not a digest"),
        (json.dumps(document(other=1)), f"//:p.json: {NAME}: has to be an object with blob,"),
    ],
)
def test_a_file_that_is_wrong_is_one_message(
    module: Path, capsys: pytest.CaptureFixture[str], text: str, message: str
) -> None:
    file = module / "p.json"
    file.write_text(text)
    words = [f"--root={module}", f"--file={file}", "--shown=//:p.json"]
    assert check.main(words) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith(message)
    assert shown.err.count("\n") == 1


def test_a_name_is_of_the_catalog() -> None:
    assert push.release_of(CATALOG, "3.14_trixie_amd64") == "3.14.7"
    assert push.release_of(CATALOG, NAME) == "3.14.7"
    with pytest.raises(PrebuiltError, match=r"no release '3\.99'; see catalog/versions"):
        push.release_of(CATALOG, "3.99_trixie_amd64")
    with pytest.raises(PrebuiltError, match=r"no trixie/vax; .* such as 3.14_trixie_amd64"):
        push.release_of(CATALOG, "3.14_trixie_vax")


def files(folder: Path) -> dict[str, Path]:
    found = {name: folder / f"some {name}" for name in archive.NAMES}
    for name, path in found.items():
        path.write_text(name)
    return found


def test_an_archive_is_the_same_each_time(tmp_path: Path) -> None:
    given = files(tmp_path)
    digests = []
    for folder in (tmp_path / "one", tmp_path / "two"):
        folder.mkdir()
        layout, blob = push.artifact(folder, NAME, given)
        assert layout.image()[1]["layers"] == [blob]
        digests.append(layout.root()["digest"])
    assert digests[0] == digests[1]


def test_what_a_registry_sends_is_checked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with FakeRegistry() as registry:
        right, wrong = b"right", b"wrong"
        registry.blobs[digest_of(right)] = right
        output = tmp_path / "blob"
        words = [f"--repository={registry.host}/team/cpython", f"--output={output}"]
        assert fetch.main([*words, f"--digest={digest_of(right)}", "--size=5"]) == 0
        assert output.read_bytes() == right
        output.unlink()
        registry.blobs[digest_of(right)] = wrong
        assert fetch.main([*words, f"--digest={digest_of(right)}", "--size=5"]) == 1
        assert f"sent 5 bytes with the digest {digest_of(wrong)}" in capsys.readouterr().err
        del registry.blobs[digest_of(right)]
        assert fetch.main([*words, f"--digest={digest_of(right)}", "--size=5"]) == 1
        assert f"no blob {digest_of(right)}" in capsys.readouterr().err
        assert not output.exists()


def test_all_are_those_of_published_images() -> None:
    def image(suite: str, *platforms: str, archived: bool = False) -> dict[str, Any]:
        return {
            "version": "3.14.7",
            "suite": suite,
            "platforms": platforms,
            "apart": ["riscv64"],
            "archived": archived,
        }

    images = [
        image("trixie", "amd64", "arm64"),
        image("trixie", "amd64"),
        image("bookworm", "amd64"),
        image("bullseye", "amd64", archived=True),
    ]
    assert push.published({"images": images}) == [
        "3.14.7_trixie_amd64",
        "3.14.7_trixie_arm64",
        "3.14.7_bookworm_amd64",
    ]


def test_nothing_named_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        push.main(["--catalog", str(tmp_path / "none"), "--repository", "127.0.0.1:1/a"])
    assert stopped.value.code == 2
    assert "name a CPython, such as 3.14_trixie_amd64, or --all" in capsys.readouterr().err
