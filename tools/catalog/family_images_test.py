"""Which images of a family are built, by which names, and which are missing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tools.catalog import export, family_images, family_load, fixture, load
from tools.catalog.catalog_error import CatalogError
from tools.catalog.family import Family


@pytest.fixture(name="folder")
def _folder(tmp_path: Path) -> Path:
    return fixture.checkout(tmp_path) / "catalog"


def infra7(folder: Path) -> Family:
    return family_load.load_family("infra7", folder)


def test_names_and_tags_are_those_of_the_page(folder: Path) -> None:
    catalog = load.load(folder)
    found = {image.name: image for image in family_images.images(infra7(folder), catalog)}
    assert list(found) == [
        "3.14.7-trixie",
        "3.14.7-bookworm",
        "3.13.15-trixie",
        "3.13.15-bookworm",
    ]
    assert found["3.13.15-bookworm"].tags == (
        "3.13.15-bookworm",
        "3.13-bookworm",
        "3.13",
        "3.13.15",
    )
    assert found["3.14.7-bookworm"].tags[-1] == "latest"
    assert found["3.14.7-trixie"].tags == ("3.14.7-trixie", "3.14-trixie")
    assert {image.platforms for image in found.values()} == {("amd64", "arm64")}
    assert {image.variant.name for image in found.values()} == {"slim"}
    assert {name: image.sample for name, image in found.items() if image.sample} == {
        "3.14.7-bookworm": ("amd64",)
    }


def test_a_suite_the_catalog_lacks_is_missing(folder: Path) -> None:
    found = family_images.missing(infra7(folder), load.load(folder))
    assert [one.name for one in found] == [
        f"{release}-{suite}" for release in ("3.14.7", "3.13.15") for suite in ("jammy", "noble")
    ]
    assert found[0].suite == "jammy"
    assert found[0].tags == ("3.14.7-jammy", "3.14-jammy")


def test_a_platform_nobody_knows_is_named(folder: Path) -> None:
    file = folder / "families" / "infra7.yaml"
    file.write_text(file.read_text().replace("trixie: [amd64, arm64]", "trixie: [arm32v6]"))
    with pytest.raises(CatalogError, match="'arm32v6' is no platform"):
        infra7(folder)


def test_prereleases_and_free_threaded_builds_are_not_in_it(folder: Path) -> None:
    file = folder / "versions.yaml"
    text = file.read_text().replace("    env: {}", "    env: {}\n    free_threaded: true", 1)
    file.write_text(
        text.replace(
            "  - version: 3.14.7\n",
            "  - version: 3.14.8rc1\n    sha256: "
            + "0" * 64
            + "\n    released: 2026-09-01\n  - version: 3.14.7\n",
            1,
        )
    )
    assert {release.name for release in infra7(folder).releases} == {"3.14.7", "3.13.15"}


def test_the_export_has_what_starlark_needs(folder: Path) -> None:
    catalog = load.load(folder)
    exported: Any = export.export(catalog, families=family_load.built(folder))
    assert list(exported["families"]) == ["infra7"]
    made = exported["families"]["infra7"]
    assert made["repository"] == "infra7/python"
    assert list(made["env"]) == ["PATH", "LANG"]
    assert made["cmd"] == ["python"]
    assert made["aliases"] == {"amd64": ["x86_64", "x86"], "arm64": ["arm64v8", "aarch64"]}
    official = {image["name"]: image for image in exported["images"]}
    for image in made["images"]:
        like = official[f"{image['version']}-slim-{image['suite']}"]
        assert set(image) == set(like)
        assert image["base"] == like["base"]
    assert [one["suite"] for one in made["missing"]] == ["jammy", "noble"] * 2
    assert {tuple(one) for one in made["missing"]} == {tuple(made["images"][0])}
    assert [one["base"] for one in made["missing"]] == ["ubuntu:jammy", "ubuntu:noble"] * 2
    assert export.export(catalog)["families"] == {}


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("variant: slim", "variant: slime", "unknown variant 'slime'; did you mean slim"),
        ("variant: slim", "env: {}", "key|env"),
        ("cmd: [python]", "command: [python]", "has no 'cmd'"),
        ("  sample: one", "  sample: two", "unknown sample 'two'"),
        ("  sample: one", "  sample: [3.13-bookwrm_amd64]", "did you mean 3.13-bookworm_amd64"),
        ("  sample: one", "  sample: [3.13-noble_amd64]", "unknown image"),
        ("catalog: newest", "catalog: oldest", "unknown choice of releases"),
        ("  aliases: [latest]", "  alias: latest", "unknown key"),
    ],
)
def test_a_fault_is_named(folder: Path, old: str, new: str, words: str) -> None:
    file = folder / "families" / "infra7.yaml"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))
    with pytest.raises(CatalogError, match=words):
        infra7(folder)


def test_a_family_of_its_own_releases_is_not_built(folder: Path) -> None:
    file = folder / "families" / "infra7-2024-10.yaml"
    file.write_text(file.read_text() + "images: {variant: slim, cmd: [python]}\n")
    with pytest.raises(CatalogError, match=r"only releases of versions\.yaml can be built"):
        family_load.load_file(file, folder)


def exporting(folder: Path, family: Path, output: Path) -> int:
    return export.main([f"--catalog={folder}", f"--family={family}", f"--output={output}"])


def test_a_family_of_another_workspace_is_added(folder: Path, tmp_path: Path) -> None:
    file, output = tmp_path / "acme.yaml", tmp_path / "out.json"
    text = (folder / "families/infra7.yaml").read_text()
    file.write_text(text.replace("image: infra7/python", "image: acme/python"))
    assert exporting(folder, file, output) == 0
    families: Any = json.loads(output.read_text())["families"]
    assert list(families) == ["infra7", "acme"]
    assert families["acme"]["repository"] == "acme/python"


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("infra7", ("", ""), "the catalog has a family 'infra7' already; rename the file"),
        ("acme", ("\nimages:\n", "\nimagery:\n"), "imagery: unknown key"),
    ],
)
def test_what_is_wrong_with_it_is_said(
    folder: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    name: str,
    change: tuple[str, str],
    message: str,
) -> None:
    file, output = tmp_path / f"{name}.yaml", tmp_path / "out.json"
    file.write_text((folder / "families/infra7.yaml").read_text().replace(*change))
    assert exporting(folder, file, output) == 2
    assert message in capsys.readouterr().err
    assert not output.exists()


def test_a_family_without_images_has_nothing_to_build(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "acme.yaml"
    file.write_text((folder / "families/2026-02.yaml").read_text())
    assert exporting(folder, file, tmp_path / "out.json") == 2
    assert "acme.yaml: images: is missing; say what the images are" in capsys.readouterr().err


OFFICIAL = """\
title: Acme's Python
image: acme/python
scheme: official
page: tags
architectures:
  trixie: [amd64, arm64v8]
  bookworm: [amd64]
variants:
  all: [trixie, slim-trixie, slim-bookworm]
  slim: [slim-trixie]
images:
  variant: slim
  env: {LANG: C.UTF-8}
  cmd: [python]
  sample: one
releases:
  catalog: newest
  variants: slim
  aliases: [latest]
"""


def test_a_family_with_the_official_tags(folder: Path, tmp_path: Path) -> None:
    """As docs/catalog.md shows it: the suite is what is left of a variant's name."""
    file, output = tmp_path / "acme.yaml", tmp_path / "out.json"
    file.write_text(OFFICIAL)
    assert exporting(folder, file, output) == 0
    made: Any = json.loads(output.read_text())["families"]["acme"]
    first = made["images"][0]
    assert first["name"] == "3.14.7-slim-trixie"
    assert first["tags"] == [
        "3.14.7-slim-trixie",
        "3.14-slim-trixie",
        "slim-trixie",
        "3.14.7-slim",
        "3.14-slim",
        "slim",
    ]
    facts = ("suite", "variant", "variant_tag", "base", "platforms", "is_default", "sample")
    assert [first[key] for key in facts] == [
        "trixie",
        "slim",
        "slim-trixie",
        "debian:trixie-slim",
        ["amd64", "arm64"],
        True,
        ["amd64"],
    ]
    assert made["missing"] == []


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "  variants: slim\n",
            "  variants: all\n",
            "'trixie' of the releases is no variant of variants.yaml on trixie; did you mean slim-",
        ),
        ("variant: slim", "variant: other", "is not what 'slim-trixie' has by its name"),
        ("[slim-trixie]", "[slim-sid]", "'slim-sid' of 3.14.7 has no architectures"),
        ("  catalog: newest\n  variants: slim\n", "  catalog: newest\n", "has no 'variants'"),
    ],
)
def test_a_fault_in_a_family_with_the_official_tags(
    folder: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    old: str,
    new: str,
    message: str,
) -> None:
    file, output = tmp_path / "acme.yaml", tmp_path / "out.json"
    file.write_text(OFFICIAL.replace(old, new))
    variants = folder / "variants.yaml"
    slim = variants.read_text().partition("variants:\n")[2].replace("slim:", "other:", 1)
    variants.write_text(variants.read_text() + slim.replace("slim-{", "other-{"))
    assert exporting(folder, file, output) == 2
    said = capsys.readouterr().err
    assert message in said
    # Bazel shows it: nothing that it would mangle.
    assert said.isascii()
    assert not output.exists()


def test_a_third_variant_takes_no_code(folder: Path, tmp_path: Path) -> None:
    """A row in variants.yaml is one more image of each release and suite, for families, too."""
    file = folder / "variants.yaml"
    tiny = """\
  tiny:
    tag: tiny-{suite}
    base: debian:{suite}-slim
    root: debian-slim
    layers: [base]
    strip: true
"""
    file.write_text(f"{file.read_text()}{tiny}")
    catalog = load.load(folder)
    exported: Any = export.export(catalog)
    found = {image["name"]: image for image in exported["images"]}
    assert found["3.14.7-tiny-trixie"]["variant"] == "tiny"
    assert found["3.14.7-tiny-trixie"]["tags"][:2] == ["3.14.7-tiny-trixie", "3.14-tiny-trixie"]
    current = family_load.load_family("current", folder)
    tinies = {e.name: e for e in current.entries() if e.variant.startswith("tiny-")}
    assert "amd64" in tinies["3.14.7-tiny-trixie"].architectures
    own, output = tmp_path / "acme.yaml", tmp_path / "out.json"
    text = OFFICIAL.replace("[slim-trixie]", "[tiny-trixie]").replace(
        "variant: slim", "variant: tiny"
    )
    own.write_text(text)
    assert exporting(folder, own, output) == 0
    images: Any = json.loads(output.read_text())["families"]["acme"]["images"]
    assert {(image["suite"], image["variant"]) for image in images} == {("trixie", "tiny")}
