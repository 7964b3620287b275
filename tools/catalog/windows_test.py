"""Windows images of a catalog: which there are, their tags, what a wrong file says."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.catalog import fixture, windows
from tools.catalog.catalog_error import CatalogError
from tools.catalog.load import load

SUM = "ab" * 32


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A catalog with Windows images of 3.14 on two releases."""
    made = fixture.checkout(tmp_path) / "catalog"
    replace(
        made, "releases: {}", "releases: {ltsc2025: {build: 10.0.26100}, ltsc2022: {build: 1.2.3}}"
    )
    replace(made, "minors: []", 'minors: ["3.14"]')
    return made


def replace(folder: Path, old: str, new: str) -> None:
    file = folder / windows.FILE
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def read(folder: Path) -> windows.Windows:
    found = windows.read(folder)
    assert found is not None
    return found


def test_images_and_their_tags(folder: Path) -> None:
    catalog = load(folder)
    release = catalog.newest()["3.14"].name
    images, _ = windows.images(catalog, read(folder))
    assert [image.name for image in images] == [
        f"{release}-windowsservercore-ltsc2025",
        f"{release}-windowsservercore-ltsc2022",
    ]
    assert images[0].tags == (
        f"{release}-windowsservercore-ltsc2025",
        "3.14-windowsservercore-ltsc2025",
        "3-windowsservercore-ltsc2025",
        "windowsservercore-ltsc2025",
    )


def test_joint_indexes(folder: Path) -> None:
    replace_variant = folder / "variants.yaml"
    replace_variant.write_text(
        replace_variant.read_text()
        + "  default:\n    tag: '{suite}'\n    base: buildpack-deps:{suite}\n"
        "    root: debian-slim\n    layers: [base, slim]\n    strip: false\n"
    )
    catalog = load(folder)
    release = catalog.newest()["3.14"].name
    images, joints = windows.images(catalog, read(folder))
    names = tuple(image.name for image in images)
    assert joints == [
        windows.Joint(
            catalog.newest()["3.14"],
            (
                f"{release}-windowsservercore",
                "3.14-windowsservercore",
                "3-windowsservercore",
                "windowsservercore",
            ),
            names,
            "",
        ),
        windows.Joint(
            catalog.newest()["3.14"],
            (release, "3.14", "3", "latest"),
            names,
            f"{release}-trixie",
        ),
    ]
    linux = {image.name: image.tags for image in catalog.images()}
    assert set(joints[1].tags) <= set(linux[joints[1].linux])


def test_without_a_default_variant_windows_has_no_bare_tags(folder: Path) -> None:
    _, joints = windows.images(load(folder), read(folder))
    assert [joint.linux for joint in joints] == [""]
    assert "latest" not in joints[0].tags


def test_no_free_threaded_builds(folder: Path) -> None:
    images, _ = windows.images(load(folder), read(folder))
    assert not [image for image in images if image.version.release.free_threaded]


def test_a_catalog_without_the_file(folder: Path) -> None:
    (folder / windows.FILE).unlink()
    assert windows.read(folder) is None
    exported = windows.export(load(folder), None)
    assert exported["images"] == []


def test_known_and_unknown_sums(folder: Path) -> None:
    catalog = load(folder)
    release = catalog.newest()["3.14"].name
    assert exported_sum(folder) == ""
    replace(folder, "sha256: {}", f"sha256: {{{release}: {{archive: {SUM}}}}}")
    assert exported_sum(folder) == SUM
    assert read(folder).sums(catalog.versions[release]).installer is None


def exported_sum(folder: Path) -> str:
    archives = windows.export(load(folder), read(folder))["archives"]
    assert isinstance(archives, dict)
    (archive,) = archives.values()
    assert archive["url"].endswith("-amd64.zip")
    return str(archive["sha256"])


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('minors: ["3.14"]', 'minors: ["3.41"]', "unknown minor version '3.41'"),
        ("windows/servercore", "HOST:1/x", "without a registry's host"),
        ("10.0.26100", "26100", "is not a build of Windows"),
        ("ltsc2025:", "2025:", "is not a Windows release"),
        ("leave_out: []", "leave_out: ['C:/Doc']", "is not a path in the archive"),
        ("path: []", "path: [/usr/bin]", "is not a folder of Windows"),
        ("env: {}", "env: {Path: x}", "is set by the build"),
        ("sha256: {}", "sha256: {3.14: {}}", "is not a CPython release"),
        ("sha256: {}", "sha256: {3.14.7: {archive: 1f}}", "is not a SHA-256"),
        ("{version}", "{release}", "unknown placeholder {release}"),
        ("cmd:", "cmdd:", "has no 'cmd'"),
    ],
)
def test_a_wrong_file_is_one_error(folder: Path, old: str, new: str, said: str) -> None:
    replace(folder, old, new)
    with pytest.raises(CatalogError, match=r"windows\.yaml:\d+") as caught:
        windows.read(folder)
    assert said in str(caught.value)
