"""A good catalog loads; each fault gives the one error that names it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tools.catalog import export, family_load, fixture, yamlfile
from tools.catalog.catalog_error import CatalogError
from tools.catalog.load import FILES, load


@pytest.fixture(name="catalog")
def _catalog(tmp_path: Path) -> Path:
    for name in FILES:
        shutil.copy(fixture.FROZEN / name, tmp_path / name)
    return tmp_path


def edit(directory: Path, file: str, old: str, new: str) -> int:
    """Replace ``old`` by ``new`` once and return the 1-based line where it stood."""
    text = (directory / file).read_text()
    assert old in text, f"{file} has no {old!r}: the test is out of date"
    (directory / file).write_text(text.replace(old, new, 1))
    return text[: text.index(old)].count("\n") + 1


# The sample's platforms in the frozen catalog.
SAMPLED = ("amd64", "arm64")


def users(row: str) -> str:
    """``variants:`` of a catalog with a user."""
    return f"users:\n  {row}\nvariants:"


def hardened(row: str) -> tuple[str, str]:
    """What to replace in variants.yaml, and by what, for a hardened variant with a row."""
    old = "  slim:\n    tag: slim-{suite}\n"
    return old, f"  slim:\n    tag: nonroot-{{suite}}\n    features: [lean]\n    {row}\n"


HARDENED = (
    "  slim:\n    tag: slim-{suite}\n",
    "  slim:\n    tag: nonroot-{suite}\n    features: [leen]\n",
)

FAULTS = [
    # file, old, new, lines below the edit, words the message must have
    ("versions.yaml", "  - version: 3.14.7\n", "  - version: 3.99.0\n", 0, ["3.99", "minors"]),
    ("versions.yaml", "  - version: 3.14.7\n", "  - version: 3.14\n", 0, ["'3.14'", "release"]),
    ("versions.yaml", "version: 3.14.7\n", "version: 3.14.7t\n", 0, ["3.14.7t", "free_threaded"]),
    ("versions.yaml", "    env: {}", "    free_threaded: 1", 0, ["1", "true or false"]),
    ("versions.yaml", "    env: {}", "    wheels: [six==1.0]", 0, ["unknown wheel 'six==1.0'"]),
    ("versions.yaml", "minors:\n", "wheels: {six: 0}\nminors:\n", 0, ["'six' is not a wheel"]),
    ("versions.yaml", "    sha256: 3b48", "    sha256: Zb48", 0, ["Zb48", "SHA-256"]),
    ("versions.yaml", "    sha256: ", "    sha265: ", -1, ["sha256", "versions[0]"]),
    (
        "versions.yaml",
        "    released: 2026",
        "    realeased: 1\n    released: 2026",
        0,
        ["did you mean released"],
    ),
    ("versions.yaml", "released: 2026-08-05", "released: 2026-08-50", 0, ["2026-08-50"]),
    ("versions.yaml", "  - version: 3.13.15", "  - version: 3.14.7", 0, ["3.14.7 is there twice"]),
    ("versions.yaml", "    env: {}", "    env: []", 0, ["a list", "mapping"]),
    ("versions.yaml", "    env: {}", "    suites: [sid]", 0, ["unknown suite 'sid'", "trixie"]),
    ("versions.yaml", "    env: {}", "    aliases: [a]", 0, ["aliases", "twice"]),
    ("versions.yaml", '"3", latest]', '"3", "la test"]', 0, ["'la test'"]),
    ("versions.yaml", "/{base}/", "/{bass}/", 0, ["{bass}", "base?"]),
    ("versions.yaml", "source:\n", "source: [\n", None, ["not YAML"]),
    (
        "suites.yaml",
        "platforms: [amd64, arm64,",
        "platforms: [amd64, arm46,",
        0,
        ["arm46", "did you mean arm64"],
    ),
    ("suites.yaml", "platforms: [", "platforms: []\n    # [", 0, ["is empty"]),
    ("suites.yaml", "platforms: [amd64, arm64,", "platforms: [amd64, amd64,", 0, ["listed twice"]),
    ("suites.yaml", "security: [amd64,", "security: [riscv64,", 0, ["platform of bookworm"]),
    ("platforms.yaml", "sample: true", "sample: often", 0, ["'often'"]),
    ("platforms.yaml", "lto: true", "lto: fat", 0, ["'fat'"]),
    ("platforms.yaml", "profile: le64", "profile: LE-64", 0, ["LE-64", "or none"]),
    ("platforms.yaml", "[-fno-omit", "[fno-omit", 0, ["fno-omit", "option of gcc"]),
    ("suites.yaml", "  bookworm:", "  trixie:", 0, ["is there twice"]),
    ("platforms.yaml", "aliases: [x86_64]", "aliases: [arm64]", None, ["arm64", "already"]),
    ("platforms.yaml", "machine: 183", "machine: 65536", 0, ["65536", "0 to 65535"]),
    ("platforms.yaml", "ld_so_cache: 10", "ld_so_cache: 256", 0, ["256", "0 to 255"]),
    ("platforms.yaml", "loader: x86_64", "loader: x, libgcc: amd46", 0, ["mean amd64"]),
    ("platforms.yaml", "qemu: none", "quemu: none", None, ["qemu"]),
    ("platforms.yaml", "  windows-amd64:", "  arm64v8:", 1, ["'arm64v8' is a platform's"]),
    ("suites.yaml", "        armv7: -f", "        armv9: -f", 0, ["'armv9'", "mean armv7"]),
    ("suites.yaml", "ldflags: -Wl", "ldlfags: -Wl", None, ["ldflags"]),
    ("platforms.yaml", "bits: 64", "bits: 16", 0, ["'16'"]),
    ("variants.yaml", "layers: [base, slim]", "layers: [base, slin]", 0, ["slin", "slim?"]),
    ("variants.yaml", "strip: true", "strip: yes", 0, ["yes", "true or false"]),
    ("variants.yaml", "strip: true", "strip: true\n    sample: few", 1, ["few", "all, one"]),
    ("variants.yaml", "tag: slim-{suite}", "tag: slim", 0, ["every suite"]),
    (
        "variants.yaml",
        "strip: true",
        "strip: true\n    features: [lean]",
        1,
        ["docker-library's image with the tag 'slim-{suite}'", "KIND-{suite}"],
    ),
    ("variants.yaml", *HARDENED, 2, ["unknown feature 'leen'", "did you mean lean?"]),
    ("variants.yaml", *hardened("user: nobody"), 3, ["unknown user 'nobody'"]),
    ("variants.yaml", *hardened("above: [debag]"), 3, ["unknown package set", "debag"]),
    ("variants.yaml", *hardened("path: [bin]"), 3, ["'bin' is not an absolute path"]),
    ("variants.yaml", *hardened("path: ['/a:/b']"), 3, ["'/a:/b' is not an absolute path"]),
    ("variants.yaml", "variants:", users("nonroot: {id: 4294967296, home: /h}"), 1, ["4294967296"]),
    ("variants.yaml", "variants:", users("nonroot: {id: 2147483648, home: /h}"), 1, ["engines"]),
    ("variants.yaml", "variants:", users("nonroot: {id: 0, home: /h}"), 1, ["privileges"]),
    ("variants.yaml", "variants:", users("nonroot: {id: 99, home: /h}"), 1, ["Debian's own"]),
    ("variants.yaml", "variants:", users("nonroot: {id: 65534, home: /h}"), 1, ["is reserved"]),
    ("variants.yaml", "variants:", users("nonroot: {id: 65535, home: /h}"), 1, ["is reserved"]),
    ("variants.yaml", "variants:", users("nonroot: {id: x, home: /h}"), 1, ["not an integer"]),
    ("variants.yaml", "variants:", users("'a:b': {id: 100, home: /h}"), 1, ["'a:b' is not"]),
    ("variants.yaml", "variants:", users('"a\\n": {id: 100, home: /h}'), 1, ["control character"]),
    ("variants.yaml", "variants:", users("'': {id: 100, home: /h}"), 1, ["'' is not the name"]),
    ("variants.yaml", "variants:", users("Nonroot: {id: 100, home: /h}"), 1, ["'Nonroot' is not"]),
    ("variants.yaml", "variants:", users("-a: {id: 100, home: /h}"), 1, ["'-a' is not the name"]),
    ("variants.yaml", "variants:", users("nonroot: {id: -1, home: /h}"), 1, ["privileges"]),
    ("variants.yaml", "variants:", users("nonroot: {id: true, home: /h}"), 1, ["integer"]),
    ("variants.yaml", "variants:", users("nonroot: {home: /h}"), 1, ["number"]),
    ("variants.yaml", "variants:", users("nonroot: {id: 100}"), 1, ["home"]),
    ("variants.yaml", "variants:", users("nonroot: {id: 100, home: h}"), 1, ["absolute"]),
    ("variants.yaml", "variants:", users("nonroot: {id: 100, home: /}"), 1, ["absolute"]),
    ("variants.yaml", "variants:", users("nonroot: {id: 100, home: /h/../..}"), 1, ["absolute"]),
    ("variants.yaml", "variants:", users("nonroot: {id: 100, home: '/a:b'}"), 1, ["absolute"]),
    ("variants.yaml", "variants:", users("nonroot: {id: 100, home: /run/me}"), 1, ["mount over"]),
    ("variants.yaml", "variants:", users("nonroot: {id: 100, home: /tmp}"), 1, ["mount over"]),
    (
        "variants.yaml",
        "variants:",
        users(f"nonroot: {{id: 100, home: /{'h' * 255}}}"),
        1,
        ["255 characters at most"],
    ),
    (
        "variants.yaml",
        "variants:",
        users("one: {id: 700, home: /one}\n  two: {id: 700, home: /two}"),
        2,
        ["700 is one's number"],
    ),
    ("variants.yaml", *hardened("above: [slim]"), 3, ["root debian-slim has no sets above"]),
    ("variants.yaml", *hardened("suites: []"), 3, ["suites: is empty"]),
    ("variants.yaml", *hardened("platforms: []"), 3, ["platforms: is empty"]),
    ("variants.yaml", "base: debian:{suite}-slim", "base: 'a b'", 0, ["'a b' is not an image"]),
    ("variants.yaml", "tag: slim-{suite}", "tag: 'x-{suite}-{suite}'", 0, ["repeats it"]),
    ("variants.yaml", *hardened("hardened: yes"), 3, ["true or false"]),
    ("variants.yaml", *hardened("user: [nonroot]"), 3, ["a list"]),
    ("variants.yaml", "strip: true", "strip: true\n    hardened: true", 1, ["docker-library"]),
    ("suites.yaml", "  trixie:", "  nonroot-x:", None, ["'nonroot-x' reads as", "have no dash"]),
    ("variants.yaml", "tag: slim-{suite}", "tag: 'slim{suite}'", 0, ["doesn't end in the suite"]),
    ("variants.yaml", "tag: slim-{suite}", "tag: 'alpine-{suite}'", 0, ["Alpine's or Windows'"]),
    ("variants.yaml", "layers: [base, slim]", "layers: []", 0, ["is empty"]),
    ("variants.yaml", "root: debian-slim", "root: distroless", 1, ["no place for pip"]),
]


@pytest.mark.parametrize(("file", "old", "new", "below", "words"), FAULTS)
def test_a_fault_is_one_error_naming_file_line_and_value(
    catalog: Path, file: str, old: str, new: str, below: int | None, words: list[str]
) -> None:
    line = edit(catalog, file, old, new)
    with pytest.raises(CatalogError) as caught:
        load(catalog, Path("catalog"))
    message = str(caught.value)
    assert message.startswith(f"catalog/{file}:"), message
    assert "\n" not in message
    if below is not None:
        assert caught.value.line == line + below, message
    for word in words:
        assert word in message


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("toolchain", "'toolchain' isn't locked for distroless images with distroless below"),
        ("distroless", "'distroless' isn't locked for distroless images"),
        ("base", "write debug"),
    ],
)
def test_sets_above_cpython_are_locked_for_there(tmp_path: Path, name: str, words: str) -> None:
    catalog = tmp_path / "catalog"
    shutil.copytree(fixture.CATALOG, catalog)
    line = edit(catalog, "variants.yaml", "above: [debug]", f"above: [{name}]")
    with pytest.raises(CatalogError) as caught:
        load(catalog, Path("catalog"))
    assert str(caught.value).startswith(f"catalog/variants.yaml:{line}: variants.distroless-debug.")
    assert words in str(caught.value)


def test_the_real_catalog_is_sound() -> None:
    assert load(fixture.CATALOG).images()


def test_the_releases_for_tests_only_are_sound_and_others_than_the_catalogs() -> None:
    file = fixture.CATALOG.parent / "tests/old_versions/versions.yaml"
    old = load(fixture.CATALOG, versions=file)
    assert old.images()
    assert not old.versions.keys() & load(fixture.CATALOG).versions.keys()


def test_no_tag_of_the_real_catalog_is_two_images() -> None:
    tags = [tag for image in load(fixture.CATALOG).images() for tag in image.tags]
    assert len(tags) == len(set(tags))


def test_a_free_threaded_build_is_one_flag(catalog: Path) -> None:
    before = {image.name: image.tags for image in load(catalog).images()}
    edit(catalog, "versions.yaml", "    env: {}", "    free_threaded: true\n    sample: all")
    made = load(catalog)
    images = {image.name: image.tags for image in made.images()}
    assert {name: images[name] for name in before} == before
    assert images.keys() - before.keys() == {"3.14.7t-slim-trixie", "3.14.7t-slim-bookworm"}
    assert images["3.14.7t-slim-trixie"] == (
        "3.14.7t-slim-trixie",
        "3.14t-slim-trixie",
        "3.14.7t-slim",
        "3.14t-slim",
    )
    ordinary, threaded = made.versions["3.14.7"], made.versions["3.14.7t"]
    assert (threaded.url, threaded.sha256) == (ordinary.url, ordinary.sha256)
    assert threaded.env == ordinary.env
    assert (ordinary.sample, threaded.sample) == ("all", None)
    exported = export.export(made)["versions"]
    assert isinstance(exported, dict)
    assert list(exported) == ["3.14.7", "3.14.7t", "3.13.15"]
    assert exported["3.14.7t"]["release"] == "3.14.7"


def test_a_release_may_have_its_source_elsewhere(catalog: Path) -> None:
    edit(
        catalog,
        "versions.yaml",
        "    released: 2026-08-05\n",
        "    released: 2026-08-05\n"
        "    source: {url: 'u/{version}', pool: 'p/{debian}', strip_prefix: s}\n",
    )
    made = load(catalog).versions
    assert (made["3.14.7"].url, made["3.14.7"].pool) == ("u/3.14.7", "p/3.14.7")
    assert made["3.13.15"].url.startswith("https://www.python.org/")


def test_hardened_variants_have_a_user_and_no_page_of_docker_librarys(catalog: Path) -> None:
    before = {image.name: image.tags for image in load(catalog).images()}
    with (catalog / "variants.yaml").open("a") as file:
        file.write(
            "  lean:\n    tag: distroless-{suite}\n    hardened: true\n"
            "    base: scratch\n    root: distroless\n"
            "    layers: [slim]\n    strip: true\n    features: [lean]\n    above: [base]\n"
            "    path: [/x]\n    user: nonroot\n"
        )
    edit(catalog, "variants.yaml", "variants:", users("nonroot: {id: 65532, home: /home/nonroot}"))
    made = load(catalog)
    images = {image.name: image for image in made.images()}
    assert {name: image.tags for name, image in images.items() if name in before} == before
    assert images["3.14.7-distroless-trixie"].tags == (
        "3.14.7-distroless-trixie",
        "3.14-distroless-trixie",
        "3-distroless-trixie",
        "distroless-trixie",
        "3.14.7-distroless",
        "3.14-distroless",
        "3-distroless",
        "distroless",
    )
    assert images["3.14.7-distroless-bookworm"].tags[3:] == ("distroless-bookworm",)
    variants = export.export(made)["variants"]
    assert isinstance(variants, dict)
    assert variants["lean"]["user"] == {"name": "nonroot", "id": 65532, "home": "/home/nonroot"}
    assert (variants["lean"]["hardened"], variants["slim"]["hardened"]) == (True, False)
    (catalog / "families").mkdir()
    for name in ("alpine.yaml", "windows.yaml"):
        shutil.copy(fixture.FROZEN / name, catalog / name)
    shutil.copy(fixture.CATALOG / "families/current.yaml", catalog / "families/current.yaml")
    family = family_load.load_family("current", catalog)
    assert not [entry for entry in family.entries() if "distroless" in entry.variant]


def test_a_missing_file_is_named(catalog: Path) -> None:
    (catalog / "suites.yaml").unlink()
    with pytest.raises(CatalogError, match=r"suites\.yaml: cannot be read: No such file"):
        load(catalog)


def laughs(levels: int) -> str:
    """A mapping whose last value stands for 10 ** levels texts."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [
        f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]" for level in range(1, levels)
    ]
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize(
    ("text", "aliases", "why"),
    [
        ("suites: &a\n  trixie: *a\n", True, "points back into its own anchor"),
        ("suites: &a\n  trixie: *a\n", False, "aliases aren't allowed"),
        ("suites: &a x\n", False, "anchors and aliases aren't allowed"),
        (laughs(9), True, "stands for more than 100000 values"),
        (laughs(9), False, "aliases aren't allowed"),
        (f"a: {'[' * 100_000}{']' * 100_000}\n", False, "more than 32 levels deep"),
        (f"a: {'{b: ' * 50}1{'}' * 50}\n", False, "more than 32 levels deep"),
        ("".join(f"{' ' * n}a:\n" for n in range(500)), False, "more than 32 levels deep"),
        (f"a: [{'*b, ' * 1_000}]\nb: 1\n", True, "undefined alias"),
        (
            f"a: &a [{'x,' * 1000}]\nb: [{'*a,' * 101}]\n",
            True,
            "stands for more than 100000 values",
        ),
        ("#" * (1 << 20) + "\na: 1\n", False, "has more than 1048576 bytes"),
        ("a: \x01\n", False, "special characters are not allowed"),
        ("a: !!python/object/apply:os.system [true]\n", False, "is a value tagged"),
        ("a: *b\n", True, "undefined alias"),
    ],
)
def test_yaml_that_would_take_for_ever_or_mean_something_else(
    tmp_path: Path, text: str, aliases: bool, why: str
) -> None:
    path = tmp_path / "x.yaml"
    path.write_text(text)
    with pytest.raises(CatalogError, match=why):
        top = yamlfile.read(path, aliases=aliases)
        top.get("a").text()  # type: ignore[union-attr]


@pytest.mark.parametrize("text", ['"a\\nb"', '"a\\e[2J"', "|\n  a\n  b", '"a\\u2028b"'])
def test_a_value_is_on_one_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "x.yaml"
    path.write_text(f"a: {text}\n")
    for reader in ("text", "name"):
        with pytest.raises(CatalogError, match=r"x\.yaml:1: a: .*has a control character"):
            getattr(yamlfile.read(path).get("a"), reader)()


def test_a_number_of_thousands_of_digits(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_text(f"a: {'9' * 5000}\n")
    with pytest.raises(CatalogError, match="is not a decimal integer"):
        yamlfile.read(path).get("a").integer()  # type: ignore[union-attr]


def test_a_variant_that_repeats_a_tag_is_refused(catalog: Path) -> None:
    text = (catalog / "variants.yaml").read_text()
    row = text[text.index("  slim:") :]
    (catalog / "variants.yaml").write_text(text + row.replace("  slim:", "  thin:", 1))
    with pytest.raises(CatalogError, match=r"'slim' has 'slim-{suite}', too"):
        load(catalog)


def sampled(catalog: Path) -> dict[str, tuple[str, ...]]:
    """The images in the sample with their platforms."""
    return {image.name: image.sample for image in load(catalog).images() if image.sample}


@pytest.mark.parametrize(
    ("how", "sample"),
    [
        (
            "all",
            {
                "3.14.7-slim-trixie": SAMPLED,
                "3.14.7-slim-bookworm": SAMPLED,
                "3.13.15-slim-trixie": SAMPLED[:1],
                "3.13.15-slim-bookworm": SAMPLED[:1],
            },
        ),
        ("one", {"3.14.7-slim-trixie": SAMPLED[:1]}),
        (None, {}),
    ],
)
def test_a_variant_says_how_much_of_it_is_in_the_sample(
    catalog: Path, how: str | None, sample: dict[str, tuple[str, ...]]
) -> None:
    if how is not None:
        edit(catalog, "variants.yaml", "strip: true", f"strip: true\n    sample: {how}")
    assert sampled(catalog) == sample


@pytest.mark.parametrize(("how", "platforms"), [("one", SAMPLED[:1]), ("none", ())])
def test_a_minor_version_may_say_its_sample_itself(
    catalog: Path, how: str, platforms: tuple[str, ...]
) -> None:
    edit(catalog, "versions.yaml", "    env: {}", f"    sample: {how}")
    edit(catalog, "variants.yaml", "strip: true", "strip: true\n    sample: all")
    found = sampled(catalog)
    assert found.get("3.14.7-slim-trixie", ()) == platforms
    assert found["3.13.15-slim-trixie"] == SAMPLED[:1]


def test_a_new_patch_release_is_one_row(catalog: Path) -> None:
    before = load(catalog)
    edit(
        catalog,
        "versions.yaml",
        "versions:\n",
        f"versions:\n  - version: 3.13.16\n    sha256: {'0' * 64}\n    released: 2026-10-06\n",
    )
    after = load(catalog)
    newer = {image.name: image.tags for image in after.all_images()}
    old = {image.name: image.tags for image in before.images()}
    added = [name for name in newer if name not in old]
    assert added == ["3.13.16-slim-trixie", "3.13.16-slim-bookworm"]
    assert "3.13-slim" in newer["3.13.16-slim-trixie"]
    assert newer["3.13.15-slim-trixie"] == ("3.13.15-slim-trixie", "3.13.15-slim")
    assert [image.name for image in after.archive()] == [
        "3.13.15-slim-trixie",
        "3.13.15-slim-bookworm",
    ]
    assert newer["3.14.7-slim-trixie"] == old["3.14.7-slim-trixie"]
    assert after.versions["3.13.16"].pool.endswith("/python3.13_3.13.16.orig.tar.xz")


def test_a_pre_release_has_its_own_spellings(catalog: Path) -> None:
    edit(catalog, "versions.yaml", '"3.15":\n', '"3.15":\n    aliases: [rc]\n')
    edit(
        catalog,
        "versions.yaml",
        "versions:\n",
        f"versions:\n  - version: 3.15.0rc1\n    sha256: {'0' * 64}\n    released: 2026-07-28\n",
    )
    loaded = load(catalog)
    version = loaded.versions["3.15.0rc1"]
    assert version.url == "https://www.python.org/ftp/python/3.15.0/Python-3.15.0rc1.tar.xz"
    assert version.pool == "pool/main/p/python3.15/python3.15_3.15.0~rc1.orig.tar.xz"
    assert loaded.images()[0].tags[:2] == ("3.15.0rc1-slim-trixie", "3.15-rc-slim-trixie")
    assert not any("rc-slim" in tag and tag.startswith("rc") for tag in loaded.images()[0].tags)


def test_export_writes_nothing_for_a_bad_catalog(
    catalog: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = catalog / "out.json"
    assert export.main(["--catalog", str(catalog), "--output", str(output)]) == 0
    written = output.read_bytes()
    assert export.main(["--catalog", str(catalog), "--output", str(output)]) == 0
    assert output.read_bytes() == written
    edit(catalog, "suites.yaml", "arm64, ", "arm65, ")
    assert export.main(["--catalog", str(catalog), "--output", str(output)]) == 2
    assert output.read_bytes() == written
    assert capsys.readouterr().err.count("\n") == 1
    assert sorted(file.name for file in catalog.iterdir()) == sorted([*FILES, "out.json"])
