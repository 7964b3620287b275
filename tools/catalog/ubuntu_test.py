"""Ubuntu's suites: what is read of them, and what is refused."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tools.catalog import load, ubuntu
from tools.catalog.catalog_error import CatalogError

CATALOG = Path(__file__).parents[2] / "catalog"


@pytest.fixture
def catalog(tmp_path: Path) -> Path:
    """A copy of the real catalog, to be spoilt."""
    return Path(shutil.copytree(CATALOG, tmp_path / "catalog"))


def test_suites_and_the_halves_of_the_archive() -> None:
    whole = load.load(CATALOG)
    read = ubuntu.load(CATALOG, whole)
    assert list(read.suites) == ["noble", "jammy"]
    assert read.components == ("main", "universe")
    debian = {
        archive: {
            whole.platforms[name].debian for name, half in read.archives.items() if half == archive
        }
        for archive in ubuntu.ARCHIVES
    }
    assert debian == {
        "archive": {"amd64", "i386"},
        "ports": {"arm64", "armhf", "ppc64el", "riscv64", "s390x"},
    }
    for suite in read.suites.values():
        assert suite.security == suite.platforms
        compilers = {name for name in suite.build_sets if name.startswith("cc_")}
        assert compilers == {f"cc_{platform}" for platform in suite.platforms}


def test_export(catalog: Path) -> None:
    whole = load.load(catalog)
    read = ubuntu.read(catalog, whole)
    exported = ubuntu.export(read)["suites"]
    assert isinstance(exported, dict)
    assert exported["jammy"]["release"] == "22.04"
    assert exported["noble"]["package_sets"]["slim"] == ["ca-certificates", "netbase", "tzdata"]
    assert exported["noble"]["build_sets"]["cc_amd64"][-1] == "gcc-13"
    assert not set(exported) & set(whole.suites)
    (catalog / ubuntu.FILE).unlink()
    assert ubuntu.export(ubuntu.read(catalog, whole)) == {"suites": {}}


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("components: [main, universe]", "components: []", "components: is empty"),
        ("components: [main", "components: [Main", "'Main' is not a component"),
        ("  ports: [arm64", "  port: [arm64", "has no 'ports'"),
        ("  ports: [arm64", "  ports: [amd64", "'amd64' is in both halves"),
        ("archive: [amd64", "archive: [amd46", "did you mean amd64"),
        ("  noble:", "  Noble:", "'Noble' is not a suite's name"),
        ("  noble:", "  trixie:", "'trixie' is also one of Debian's"),
        ('release: "24.04"', 'release: "noble"', "'noble' is not a release"),
        ("platforms: [amd64, arm64", "platforms: [mips64le, arm64", "unknown platform of"),
        ("[amd64, arm64, armv7, ppc64le, riscv64, s390x]", "[]", "platforms: is empty"),
        ("      base: []", "      bass: []", "has no 'base'"),
        ("      libraries:", "      librarys:", "has no 'libraries'"),
        ("      sysroot: &sysroot", "      sysrot: &sysroot", "has no 'sysroot'"),
        ("    build_sets:", "    built_sets:", "has no 'build_sets'"),
        ("      cc_s390x:", "      cc_s309x:", "has no 'cc_s390x'"),
        ("    eol: ", "    eof: ", "has no 'eol'"),
    ],
)  # fmt: skip
def test_what_is_refused(catalog: Path, old: str, new: str, said: str) -> None:
    file = catalog / ubuntu.FILE
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))
    with pytest.raises(CatalogError) as caught:
        ubuntu.load(catalog, load.load(catalog), Path("catalog"))
    assert str(caught.value).startswith("catalog/ubuntu.yaml:")
    assert said in str(caught.value)
