import shutil
from pathlib import Path

import pytest

from tools.catalog.catalog_error import CatalogError
from tools.packages.debian import package_sets

CATALOG = Path("catalog")


@pytest.fixture
def catalog(tmp_path: Path) -> Path:
    """A copy of the real catalog, to be spoilt."""
    copy = tmp_path / "catalog"
    shutil.copytree(CATALOG, copy)
    for path in copy.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    return copy


def test_real_catalog() -> None:
    plan = package_sets.load(CATALOG)
    for suite in plan.sets:
        names = [s.name for s in plan.sets_for(suite, "amd64")]
        sets = ["base", "slim", "curl", "scm", "full", "dev", "libraries"]
        assert names == [*sets, "distroless", "debug", "toolchain"]
        build = {s.name for s in plan.sets_for(suite, "amd64", build=True)}
        assert build >= {"sysroot", "cc_amd64", "cc_arm64", "rootfs_tools"}
        assert [s.name for s in plan.sets_for(suite, "arm64", build=True)] == ["sysroot"]
        base, slim = plan.sets_for(suite, "arm64")[:2]
        assert (base.minbase, base.above) == (True, None)
        assert (slim.minbase, slim.above) == (False, "base")


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        ("package_sets.yaml", "slim: {above: base}", "slim: {above: bas}", "did you mean base?"),
        ("package_sets.yaml", "slim: {above: base}", "slim: {over: base}", "unknown key"),
        ("package_sets.yaml", "base: {minbase: true}", "base: {minbase: yes}", "write true or"),
        ("package_sets.yaml", "{debian: amd64}", "{debian: amd46}", "did you mean amd64"),
        ("package_sets.yaml", "  slim:", "  Slim:", "'Slim' is not a set's name"),
        ("package_sets.yaml", "  sysroot: {}", "  base: {}", "in package_sets already"),
        ("package_sets.yaml", "above: hosttools", "above: base", "unknown earlier package set"),
        ("suites.yaml", "    build_sets:\n", "", "move it to build_sets, as in package_sets.yaml"),
        ("suites.yaml", "    sysroot:", "    sysrot:", "unknown package set 'sysrot'"),
        (
            "suites.yaml",
            "netbase, tzdata",
            "Netbase, tzdata",
            "'Netbase' is not the name of a package",
        ),
        ("suites.yaml", "[ca-certificates, netbase, tzdata]", "[]", "names no package"),
    ],
)
def test_bad_catalog(catalog: Path, file: str, old: str, new: str, said: str) -> None:
    path = catalog / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(CatalogError) as caught:
        package_sets.load(catalog, Path("catalog"))
    assert str(caught.value).startswith(f"catalog/{file}")
    assert said in str(caught.value)
