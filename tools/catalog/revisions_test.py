"""Patches of a row are checked when the catalog is read; what follows from them is theirs alone."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from tools.catalog import alpine as on_alpine
from tools.catalog import export, family_load, fixture, windows
from tools.catalog.added import Added
from tools.catalog.catalog_error import CatalogError
from tools.catalog.load import load

PATCH = b"--- a/Lib/os.py\n+++ b/Lib/os.py\n@@ -1 +1 @@\n-old\n+new\n"
SHA256 = hashlib.sha256(PATCH).hexdigest()
FILE = "patches/3.14.7/CVE-2026-1234.patch"
KEYS = f"""\
    revision: 1
    revised: 2026-11-25
    patches:
      - file: {FILE}
        sha256: {SHA256}
        fixes: [CVE-2026-1234, CVE-2026-1235]
        origin: https://github.com/python/cpython/commit/0a1b
"""


@pytest.fixture(name="catalog")
def _catalog(tmp_path: Path) -> Path:
    folder = fixture.checkout(tmp_path) / "catalog"
    put(folder, FILE, PATCH)
    edits = [
        ("versions.yaml", "    env: {}\n", "    free_threaded: true\n"),
        (on_alpine.FILE, "minors: []", 'minors: ["3.14"]'),
        (windows.FILE, "minors: []", 'minors: ["3.14"]'),
        (windows.FILE, "releases: {}", "releases: {ltsc2025: {build: 10.0.26100}}"),
    ]
    for name, old, new in edits:
        text = (folder / name).read_text()
        assert old in text
        (folder / name).write_text(text.replace(old, new))
    return folder


def put(folder: Path, file: str, data: bytes) -> None:
    """Write a file and the folders above it."""
    (folder / file).parent.mkdir(parents=True, exist_ok=True)
    (folder / file).write_bytes(data)


def give(catalog: Path, keys: str) -> int:
    """Add keys to the row of 3.14.7; the 1-based line of the first of them."""
    file = catalog / "versions.yaml"
    lines = file.read_text().splitlines(keepends=True)
    at = lines.index("  - version: 3.14.7\n") + 1
    file.write_text("".join([*lines[:at], keys, *lines[at:]]))
    return at + 1


def versions_of(catalog: Path) -> dict[str, dict[str, object]]:
    """The releases as Starlark is told of them."""
    found = export.export(load(catalog))["versions"]
    assert isinstance(found, dict)
    return found


def test_a_row_with_patches_is_a_revision_of_its_release(catalog: Path) -> None:
    plain = versions_of(catalog)
    give(catalog, KEYS)
    versions = versions_of(catalog)
    for name in versions:
        if not name.startswith("3.14"):
            assert versions[name] == plain[name]
    row = versions["3.14.7"]
    assert {key: row[key] for key in row if row[key] != plain["3.14.7"][key]} == {
        "source": "@cpython_sources//:3.14.7-r1",
        "revised": "3.14.7-r1",
        "patches": [
            {
                "file": FILE,
                "sha256": SHA256,
                "fixes": ["CVE-2026-1234", "CVE-2026-1235"],
                "origin": "https://github.com/python/cpython/commit/0a1b",
            }
        ],
        "epoch": 1795564800,
    }
    assert row["env"] == plain["3.14.7"]["env"]
    # Its free-threaded build has the same source.
    assert versions["3.14.7t"]["revised"] == "3.14.7-r1"


def test_images_have_the_revision_in_additional_tags(catalog: Path) -> None:
    plain = {image.name: image.tags for image in load(catalog).images()}
    give(catalog, KEYS)
    found = {image.name: image.tags for image in load(catalog).images()}
    assert found.keys() == plain.keys()
    for name, tags in found.items():
        assert tuple(tag for tag in tags if tag in plain[name]) == plain[name]
        more = [tag for tag in tags if tag not in plain[name]]
        assert bool(more) == name.startswith("3.14.7")
        assert all(tag.startswith(("3.14.7-r1", "3.14.7t-r1")) for tag in more)
    assert {"3.14.7-r1-slim-trixie", "3.14.7-r1-slim"} <= set(found["3.14.7-slim-trixie"])
    assert "3.14.7t-r1-slim" in found["3.14.7t-slim-trixie"]
    assert "3.14.7-r1-slim-bookworm" in found["3.14.7-slim-bookworm"]


def test_alpine_has_the_revision_and_windows_has_not(catalog: Path) -> None:
    give(catalog, KEYS)
    whole = load(catalog)
    alpine, win = on_alpine.read(catalog), windows.read(catalog)
    assert alpine
    assert win
    ours = {tag for image in on_alpine.images(whole, alpine) for tag in image.tags}
    assert "3.14.7-r1-alpine" in ours
    theirs, joints = windows.images(whole, win)
    every = [*(one.tags for one in theirs), *(one.tags for one in joints)]
    assert every
    assert not [tag for tags in every for tag in tags if "-r1" in tag]
    # As the family's manifest and page have it.
    entries = family_load.load_family("current", catalog).entries()
    listed = {tag for one in entries for tag in (*one.tags, *one.shared_tags) if "-r1" in tag}
    built = {tag for image in whole.images() for tag in image.tags if "-r1" in tag}
    assert listed == built | {tag for tag in ours if "-r1" in tag}
    assert not [e for e in entries if e.constraint and any("-r1" in tag for tag in e.tags)]


@pytest.mark.parametrize(
    ("old", "new", "below", "message"),
    [
        ("    revision: 1\n", "", None, "has no 'revision'; number this set of patches"),
        ("    revised: 2026-11-25\n", "", None, "has no 'revised'; add the day"),
        ("revision: 1", "revision: 0", 0, "0 is not a revision; write one from 1 to 999"),
        ("revision: 1", "revision: r1", 0, "is a text 'r1', not an integer"),
        ("revised: 2026-11-25", "revised: 2026-01-01", 1, "is before the release, 2026-08-05"),
        ("CVE-2026-1235", "CVE-26-1", 5, "'CVE-26-1' is not the number of a vulnerability"),
        ("CVE-2026-1235", "CVE-2026-1234", 5, "'CVE-2026-1234' is listed twice"),
        ("https://", "http://", 6, "is not an https address"),
        (FILE, "../secret.patch", 3, "is not the path of a patch; write it like patches/"),
        (FILE, "patches/../x.patch", 3, "is not the path of a patch"),
        (FILE, "patches/x.txt", 3, "is not the path of a patch"),
        (FILE, "patches/x.patch", 3, "patches/x.patch can't be read: No such file"),
        (SHA256[:3], "f0f", 4, f"{FILE} has sha256 {SHA256}, not f0f{SHA256[3:]}; review"),
        ("        sha256", "        sha1", None, "has no 'sha256'; add sha256"),
        ("        origin", "        url", 6, "unknown key"),
    ],
)
def test_a_fault_names_line_and_value(
    catalog: Path, old: str, new: str, below: int | None, message: str
) -> None:
    assert old in KEYS
    line = give(catalog, KEYS.replace(old, new, 1))
    with pytest.raises(CatalogError) as caught:
        load(catalog, Path("catalog"))
    assert message in str(caught.value)
    if below is not None:
        assert str(caught.value).startswith(f"catalog/versions.yaml:{line + below}: versions[")


def test_a_revision_without_patches_stands_for_nothing(catalog: Path) -> None:
    line = give(catalog, "    revision: 1\n")
    with pytest.raises(CatalogError, match=f":{line}: .*revision: stands for patches"):
        load(catalog)
    give(catalog, "    patches: []\n    revised: 2026-11-25\n")
    with pytest.raises(CatalogError, match="patches: is empty"):
        load(catalog)


def test_the_same_patch_twice(catalog: Path) -> None:
    again = KEYS[KEYS.index("      - file") :]
    give(catalog, KEYS + again)
    with pytest.raises(CatalogError, match=r"CVE-2026-1234.patch is there twice; remove one"):
        load(catalog)


def test_what_is_no_patch_names_its_line(catalog: Path) -> None:
    data = PATCH.replace(b"a/Lib", b"a/../Lib")
    put(catalog, FILE, data)
    line = give(catalog, KEYS.replace(SHA256, hashlib.sha256(data).hexdigest()))
    with pytest.raises(CatalogError) as caught:
        load(catalog, Path("catalog"))
    assert str(caught.value) == (
        f"catalog/versions.yaml:{line + 3}: versions[0].patches[0].file: {FILE}:1: "
        "'a/../Lib/os.py' is no path in the source; write it as git does, a/PATH and b/PATH"
    )


REVISIONS = f"revisions:\n  - version: 3.14.7\n{KEYS}"


@pytest.fixture(name="own")
def _own(tmp_path: Path) -> Path:
    put(tmp_path, f"acme/{FILE}", PATCH)
    put(tmp_path, "acme/python.yaml", REVISIONS.encode())
    return tmp_path / "acme/python.yaml"


def test_another_workspace_patches_a_release(own: Path, tmp_path: Path) -> None:
    catalog = fixture.checkout(tmp_path) / "catalog"
    whole = load(catalog, more=Added(revisions=own))
    assert {name: one.revised for name, one in whole.versions.items() if one.revision} == {
        "3.14.7": "3.14.7-r1",
    }
    exported = export.export(whole)["versions"]
    assert isinstance(exported, dict)
    assert exported["3.14.7"]["listed_in"] == "revisions"
    infra7 = family_load.load_family("infra7", catalog, more=Added(revisions=own))
    tags = {tag for one in infra7.entries() for tag in (*one.tags, *one.shared_tags)}
    assert {"3.14.7-r1", "3.14.7-r1-bookworm"} <= tags


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "version: 3.14.7",
            "version: 3.14.4",
            r":2: .*python_images has no 3.14.4; remove the",
        ),
        ("version: 3.14.7", "version: 3.14", r":2: .*not a CPython release"),
        ("    revision: 1\n", "", "has no 'revision'"),
        (KEYS, "", "nothing is patched of 3.14.7; add patches"),
        (REVISIONS, REVISIONS + REVISIONS[11:], "3.14.7 is there twice"),
        (FILE, "patches/x.patch", r"python.yaml:6: .*put it beside python.yaml"),
    ],
)
def test_faults_of_another_workspace_s_file(
    own: Path, tmp_path: Path, old: str, new: str, message: str
) -> None:
    own.write_text(REVISIONS.replace(old, new, 1))
    with pytest.raises(CatalogError, match=message):
        load(fixture.checkout(tmp_path) / "catalog", more=Added(revisions=own))


def test_another_workspace_s_patches_replace_the_catalog_s_by_a_higher_number(
    own: Path, catalog: Path
) -> None:
    give(catalog, KEYS)
    with pytest.raises(CatalogError, match=r"python_images has revision 1 of 3.14.7; take a hi"):
        load(catalog, more=Added(revisions=own))
    own.write_text(REVISIONS.replace("revision: 1", "revision: 2"))
    assert load(catalog, more=Added(revisions=own)).versions["3.14.7"].revised == "3.14.7-r2"
