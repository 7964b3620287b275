"""Every image of every family has a Dockerfile: well formed, with the right facts in it."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tools.catalog import family_load, fixture, load
from tools.catalog.catalog_error import CatalogError
from tools.catalog.family import Entry, Family
from tools.catalog.model import Patch
from tools.pages.dockerfile import recipe
from tools.pages.dockerfile.dockerfile import FRAGMENTS, dockerfile, main

CATALOG = Path(__file__).parents[3] / "catalog"
FAMILIES = {name: family_load.load_family(name, CATALOG) for name in family_load.names(CATALOG)}
RECIPES = recipe.read(CATALOG)
IMAGES = [(family, entry) for family in FAMILIES.values() for entry in family.entries()]


def instructions(text: str) -> list[tuple[str, str]]:
    """A Dockerfile's (keyword, rest), continued lines joined and comments left out."""
    found: list[tuple[str, str]] = []
    pending = ""
    for line in text.splitlines():
        if line.lstrip().startswith("#"):
            continue
        assert line.strip() or not pending, f"an empty line inside an instruction: {text}"
        pending += line
        if pending.endswith("\\"):
            pending = pending[:-1]
        elif pending.strip():
            keyword, _, rest = pending.partition(" ")
            found.append((keyword, rest))
            pending = ""
    assert not pending
    return found


def one(family: str, tag: str, fragment: str | None = None) -> str:
    entry = next(entry for entry in FAMILIES[family].entries() if tag in entry.tags)
    return dockerfile(FAMILIES[family], entry, RECIPES, fragment=fragment)


# Long, and with what a shell or a Dockerfile might take for something else.
_OLD = "".join(f"{number} 'old' \\ $x %s\n" for number in range(200))
_PATCH = "--- a/Lib/x\n+++ b/Lib/x\n@@ -1,200 +1,200 @@\n"
_PATCH += "".join(f"-{line}\n+{line.upper()}\n" for line in _OLD.splitlines())


def test_patches_are_applied_in_the_build_step(tmp_path: Path) -> None:
    file = tmp_path / "patches/fix.patch"
    file.parent.mkdir()
    file.write_text(_PATCH)
    digest = hashlib.sha256(_PATCH.encode()).hexdigest()
    fixes, origin = ("CVE-2026-1234",), "https://example.org/1"
    patch = Patch("patches/fix.patch", digest, fixes, origin, tmp_path)
    family = FAMILIES["current"]
    entries = [entry for entry in family.entries() if entry.release.release.free_threaded is False]
    for kind in ("slim-", "alpine", "windows/", ""):
        entry = next(one for one in entries if one.variant.startswith(kind))
        release = dataclasses.replace(entry.release, revision=1, patches=(patch,))
        text = dockerfile(family, dataclasses.replace(entry, release=release), RECIPES)
        if kind == "windows/":
            # python.org's own build.
            assert "patch" not in text
            continue
        assert "# patches/fix.patch fixes CVE-2026-1234, from https://example.org/1\n" in text
        assert ("        patch \\\n" in text) == (kind in ("slim-", "alpine"))
        steps = next(rest for word, rest in instructions(text) if word == "RUN" and "patch" in rest)
        steps = steps[steps.index("printf %s '") : steps.index("triplet=")]
        _applied(tmp_path, steps)


def _applied(folder: Path, steps: str) -> None:
    """Run the steps in a folder with the old file, if there is a GNU patch."""
    if not shutil.which("patch"):
        return
    source = folder / "source/Lib/x"
    source.parent.mkdir(parents=True, exist_ok=True)
    source.write_text(_OLD)
    steps = steps.replace("/tmp/python.patch", str(folder / "python.patch"))
    subprocess.run(["sh", "-euc", steps], cwd=folder / "source", check=True)
    assert source.read_text() == _OLD.upper()


def test_every_image_has_a_well_formed_dockerfile_and_fragments() -> None:
    shell = shutil.which("sh")
    assert shell is not None
    scripts: set[str] = set()
    for family, entry in IMAGES:
        whole = instructions(dockerfile(family, entry, RECIPES))
        keywords = [keyword for keyword, _ in whole]
        assert [word for word in keywords if word == "FROM"] == ["FROM"]
        assert keywords[-1] == "CMD"
        assert set(keywords) <= {"ARG", "FROM", "ENV", "RUN", "SHELL", "CMD"}
        for fragment in FRAGMENTS:
            instructions(dockerfile(family, entry, RECIPES, fragment=fragment))
        if entry.constraint is None:
            scripts |= {rest for keyword, rest in whole if keyword == "RUN"}
            scripts |= {
                rest
                for keyword, rest in instructions(
                    dockerfile(family, entry, RECIPES, fragment="copy")
                )
                if keyword == "RUN"
            }
    assert len(scripts) > 20
    for script in scripts:
        done = subprocess.run(
            [shell, "-n"], input=script, text=True, capture_output=True, check=False
        )
        assert done.returncode == 0, f"{done.stderr}\n{script}"


def test_the_environment_is_the_images() -> None:
    catalog = load.load(CATALOG)
    current = FAMILIES["current"]
    for entry in current.entries():
        env = dict(
            rest.split("=", 1)
            for keyword, rest in instructions(dockerfile(current, entry, RECIPES))
            if keyword == "ENV"
        )
        wanted = dict(catalog.versions[entry.release.name].env)
        wanted["PATH"] = "/usr/local/bin:$PATH"
        if entry.constraint is not None:
            # The installer sets PATH; the checksum is of what the Dockerfile fetches, if known.
            wanted = {"PYTHONIOENCODING": "UTF-8", "PYTHON_VERSION": str(entry.release.release)}
            if entry.release.windows_sha256:
                wanted["PYTHON_SHA256"] = entry.release.windows_sha256
        assert env == wanted
        assert list(env) == list(wanted)


def packages(family: str, tag: str) -> set[str]:
    return set(re.findall(r"^        ([a-z0-9.+-]+) \\$", one(family, tag), re.M))


def test_facts_that_depend_on_the_version() -> None:
    assert "libzstd-dev" in packages("2026-02", "3.14-slim")
    assert "libzstd-dev" not in packages("2026-02", "3.13-slim")
    assert "zstd-dev" in packages("2026-02", "3.14-alpine")
    own_libmpdec = "--without-system-libmpdec"
    assert own_libmpdec in one("2026-02", "3.15-rc-slim")
    assert own_libmpdec not in one("2026-02", "3.14-slim")
    assert "frame-pointer" in one("2026-02", "3.12-slim")
    assert "frame-pointer" not in one("2026-02", "3.11-slim")
    assert "'setuptools==79.0.1'" in one("2026-02", "3.11-slim")
    assert "setuptools" not in one("2026-02", "3.12-slim")
    assert "ENV LANG=C.UTF-8" in one("2026-02", "3.12-slim")
    assert "LANG" not in one("2026-02", "3.13-slim")
    assert "GPG_KEY" in one("2026-02", "3.13-slim")
    assert "GPG_KEY" not in one("2026-02", "3.14-slim")
    assert "--with-lto" not in one("2019-01", "3.5-slim")


def test_facts_that_depend_on_the_variant() -> None:
    assert "FROM buildpack-deps:trixie\n" in one("2026-02", "3.14-trixie")
    assert "FROM debian:trixie-slim\n" in one("2026-02", "3.14-slim")
    assert "FROM alpine:3.23\n" in one("2026-02", "3.14-alpine")
    assert "ARG BASE=windows/servercore:ltsc2025\n" in one(
        "2026-02", "3.14-windowsservercore-ltsc2025"
    )
    assert "FROM ubuntu:noble\n" in one("infra7-2024-10", "3.13-noble")
    assert "strip-all" in one("2026-02", "3.14-slim")
    assert "strip-all" not in one("2026-02", "3.14-trixie")
    assert "gdb" in one("2026-02", "3.14-trixie")
    assert "apt-get dist-clean" in one("2026-02", "3.14-slim-trixie")
    assert "rm -rf /var/lib/apt/lists/*" in one("2026-02", "3.14-slim-bookworm")
    assert "THREAD_STACK_SIZE" in one("2026-02", "3.14-alpine")
    assert "--enable-optimizations" not in one("2026-02", "3.14-alpine")


def test_a_familys_own_environment_and_command() -> None:
    text = one("infra7", FAMILIES["infra7"].entries()[0].name)
    assert re.findall("^ENV ([A-Z_0-9]+)=", text, re.M) == ["PATH", "LANG"]
    assert re.findall("^ARG (PYTHON_VERSION|PYTHON_SHA256)=", text, re.M) == [
        "PYTHON_VERSION",
        "PYTHON_SHA256",
    ]
    assert text.endswith('CMD ["python"]\n')
    assert re.search("^FROM debian:[a-z]+-slim$", text, re.M)
    assert "GPG_KEY" not in text
    official = one("current", "slim")
    assert "ENV PYTHON_VERSION=" in official
    assert official.endswith('CMD ["python3"]\n')


def test_python_2_keeps_its_own_names() -> None:
    text = one("2019-01", "2.7-slim")
    assert 'CMD ["python2"]' in text
    assert "ln -s" not in text
    assert "--enable-unicode=ucs4" in text
    assert ".amd64.msi" in one("2019-01", "2.7-windowsservercore-1709")


def test_what_has_no_checksum_is_checked_by_its_signature() -> None:
    assert "gpg --batch --verify" in one("2022-09", "3.10-slim")
    assert "gnupg" in packages("2022-09", "3.10-slim")
    assert "Get-AuthenticodeSignature" in one("2022-09", "3.10-windowsservercore-1809")
    assert "gpg" not in one("2025-10", "3.13-slim")
    assert "Get-FileHash" in one("2025-10", "3.13-windowsservercore-ltsc2022")


def test_a_fragment_is_the_dockerfiles_own_part() -> None:
    for tag in ("3.14-slim", "3.14-alpine", "3.14-windowsservercore-ltsc2025"):
        whole = one("2026-02", tag)
        for fragment in ("runtime", "build"):
            assert one("2026-02", tag, fragment).strip() in whole
    assert one("2026-02", "3.14-slim", "links").strip() in one("2026-02", "3.14-slim")


def test_copy_takes_python_and_what_its_libraries_need() -> None:
    text = one("2026-02", "3.14-slim", "copy")
    assert "FROM python:3.14.3-slim-trixie AS python\n" in text
    assert "COPY --from=python /usr/local /usr/local\n" in text
    assert "ENV PYTHON_VERSION=3.14.3\n" in text
    assert "COPY --from=python:3.14.3-windowsservercore-ltsc2025 C:/Python C:/Python" in one(
        "2026-02", "3.14-windowsservercore-ltsc2025", "copy"
    )


def test_command_line(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BUILD_WORKSPACE_DIRECTORY", str(fixture.checkout(tmp_path)))
    assert main(["latest", "--family", "2026-02"]) == 0
    assert "FROM buildpack-deps:trixie" in capsys.readouterr().out
    assert main(["3.14-slim", "--fragment", "links"]) == 0
    assert "ln -s" in capsys.readouterr().out
    assert main(["3.14-slim", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["base"] == "debian:trixie-slim"
    assert main(["3.41-slim"]) == 2
    assert "did you mean 3.14-slim" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("  alpine: alpine:{name}", "  alpine: alpine:{nam}", ["{nam}", "name?"]),
        ("dist_clean:", "dist_cleen:", ["has no 'dist_clean'"]),
        ('frame_pointers: "3.12"', 'frame_pointers: "3"', ["'3'", "minor version"]),
        ("    build: []", "    build: []\n    built: []", ["unknown key", "build?"]),
    ],
)
def test_a_fault_in_the_recipes_is_one_error(
    tmp_path: Path, old: str, new: str, words: list[str]
) -> None:
    folder = tmp_path / "catalog"
    shutil.copytree(CATALOG, folder)
    file = folder / "dockerfiles.yaml"
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new, 1))
    with pytest.raises(CatalogError) as caught:
        recipe.read(folder, Path("catalog"))
    assert str(caught.value).startswith("catalog/dockerfiles.yaml")
    for word in words:
        assert word in str(caught.value)


VARIANTS = """\
users:
  acme: {id: 1000, home: /home/acme}
variants:
  tools:
    tag: tools-{suite}
    base: acme/debian:{suite}
    root: debian-slim
    layers: [base, slim]
    strip: true
    user: acme
    path: [/opt/acme]
    suites: [trixie]
    packages: {trixie: acme_debs}
  bare:
    tag: bare-{suite}
    base: debian:{suite}-slim
    root: debian
    layers: [base]
    strip: false
  tiny:
    tag: tiny-{suite}
    base: scratch
    root: debian-slim
    layers: [base]
    strip: true
    features: [lean]
"""


def test_variants_of_another_workspace(tmp_path: Path) -> None:
    """As //catalog:added lays them beside the catalog."""
    folder = fixture.checkout(tmp_path) / "catalog"
    (folder / "added/packages").mkdir(parents=True)
    (folder / "added/variants.yaml").write_text(VARIANTS)
    (folder / "added/packages/acme_debs.txt").write_text("jq\ntree\n")
    family = family_load.load_family("current", folder)
    recipes = recipe.read(folder)
    entries = {entry.variant: entry for entry in family.entries() if entry.release.name == "3.14.7"}
    tools = dockerfile(family, entries["tools-trixie"], recipes)
    shell = dict.fromkeys(instructions(tools))
    assert ("FROM", "acme/debian:trixie") in shell
    assert ("USER", "1000") in shell
    assert ("WORKDIR", "/home/acme") in shell
    assert ("ENV", "PATH=$PATH:/opt/acme") in shell
    runtime = dockerfile(family, entries["tools-trixie"], recipes, fragment="runtime")
    for name in ("jq", "tree", "tzdata"):
        assert f"        {name} \\\n" in runtime
    assert "strip-all" in tools
    bare = dockerfile(family, entries["bare-bookworm"], recipes)
    assert "FROM debian:bookworm-slim\n" in bare
    assert "strip-all" not in bare
    assert "gdb" in bare
    assert "useradd" not in bare
    with pytest.raises(CatalogError, match=r"no Dockerfile makes .*\[lean\]; build the target"):
        dockerfile(family, entries["tiny-trixie"], recipes)


def test_a_variant_without_recipe_is_an_error() -> None:
    family: Family = FAMILIES["2026-02"]
    entry: Entry = family.entries()[6]
    nano = Entry(**{**vars(entry), "variant": "windows/nanoserver-1809"})
    with pytest.raises(CatalogError, match="nothing for 'windows/nanoserver-1809'"):
        dockerfile(family, nano, RECIPES)
