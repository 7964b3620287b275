"""docs/customise.md and the families of docs/catalog.md, pasted into empty workspaces.

Their commands run, and wrong input is one error. What holds CPython is analysed only, as in
applications_test.py; python_images/tests/apps builds and runs such an image, and
examples_images_test.py a variant.
"""

from __future__ import annotations

import tarfile
from collections.abc import Iterator

import pytest

from tests.documents.pasted import page, pasted, refuses, succeeds
from tools.testing.checkout import Checkout

IMAGE = page("customise.md", "An image with packages and a certificate authority")
VARIANT = page("customise.md", "A variant of your own")
RELEASE = page(
    "customise.md", "A release of your own", replaced={"3.14.N": "3.14.99", "SHA256": "ab" * 32}
)
OFFICIAL = page("catalog.md", "A family that you build")
TARGETS = page("catalog.md", "A family by targets")

LOCK = "@acme_debs//:lock"
IMAGES = "@python_images//images"


@pytest.fixture(scope="module")
def workspace() -> Iterator[Checkout]:
    both = type(IMAGE)(IMAGE.name, [*IMAGE.blocks, *VARIANT.blocks])
    with pasted(both, {"acme_root.crt": "own-base/acme_root.crt"}) as made:
        yield made


def ran(workspace: Checkout, commands: list[list[str]]) -> list[tuple[str, str]]:
    """Run the commands, but analyse only what they build; their targets, and what they printed."""
    told = []
    for launcher, command, target, *words in commands:
        assert launcher == "./bazelw"
        how = ("build", "--nobuild") if command == "build" else (command,)
        told.append((target, succeeds(workspace.bazel(*how, target, *words))))
    return told


def test_without_its_lock_the_error_has_the_command(workspace: Checkout) -> None:
    result = workspace.bazel("build", "--nobuild", "//:acme_amd64")
    assert result.status != 0
    assert "jq of trixie for amd64: there is no acme_debs.lock. To lock them: " in result.errors
    assert "bazel run @acme_debs//:lock" in result.errors


def test_the_pages_commands(workspace: Checkout) -> None:
    told = ran(workspace, IMAGE.commands)
    assert [target for target, _ in told] == [LOCK, "//:acme_amd64"]
    assert "\njq " in (workspace.path / "acme_debs.lock").read_text()


def test_all_that_the_page_says_comes_with_an_image(workspace: Checkout) -> None:
    """Per platform and together, of an own image and of a variant; no target of them is built."""
    suffixes = ["load", "push", "tar", "run", "shell", "digest", "test"]
    suffixes += ["sbom", "provenance", "cves", "sign"]
    names = ("//:acme", "//:acme_arm64", f"{IMAGES}:3.14-tools", f"{IMAGES}:3.14-tools_arm64")
    labels = [f"{name}.{suffix}" for name in names for suffix in suffixes]
    succeeds(workspace.bazel("build", "--nobuild", *names, *labels))


def test_a_variant_of_ones_own(workspace: Checkout) -> None:
    told = dict(ran(workspace, VARIANT.commands))
    listed = told["@python_images//tools:catalog"]
    for tag in ("3.14-tools", "tools", "3.14-git", "3.14-git-bookworm"):
        assert f" {tag} " in " ".join(listed.split()) + " "
    dockerfile = told["@python_images//tools:dockerfile"]
    assert "FROM debian:trixie-slim\n" in dockerfile
    assert "        jq \\\n" in dockerfile
    build = "image_readme(name = 'readme', out = 'README.md')\n"
    load = "load('@python_images//python_images:defs.bzl', 'image_readme')\n"
    folder = workspace.path / "readme"
    folder.mkdir()
    (folder / "BUILD.bazel").write_text(load + build)
    succeeds(workspace.bazel("build", "//readme"))
    (written,) = workspace.output("//readme")
    assert "3.14-tools" in written.read_text()
    labels = [f"{IMAGES}:3.14-git_{platform}" for platform in ("amd64", "arm64")]
    succeeds(workspace.bazel("build", "--nobuild", *labels, f"{labels[0]}.test"))


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        ("BUILD.bazel", "3.14-slim-trixie", "3.14-slim-trixy", "no such tag; did you mean 3."),
        ("BUILD.bazel", "3.14-slim-trixie", "3.14-slim-bookworm", "belong to trixie for amd64"),
        (
            "BUILD.bazel",
            "pip = False,",
            'platforms = ["amd46"],',
            'platforms: "amd46" isn\'t one of "3.14-slim-trixie"; known are amd64, arm64',
        ),
        ("MODULE.bazel", '["jq"]', '["jq", "tree"]', "acme_debs.lock was written without tree"),
        ("MODULE.bazel", '"trixie"', '"trixi"', 'suite = "trixi" is no suite of Debian\'s'),
        ("variants.yaml", "acme_debs", "acme_deb", "variants.yaml:9: variants.tools.packages"),
        ("variants.yaml", "[base, slim]", "[base, slin]", "did you mean slim?"),
        ("variants.yaml", "scm]", "slim]", "write [base, slim]"),
    ],
)
def test_wrong_input_is_one_error(
    workspace: Checkout, file: str, old: str, new: str, said: str
) -> None:
    errors = refuses(workspace, file, old, new, "//:acme_amd64")
    assert said in errors
    assert "Traceback (most recent call last):\n  " not in errors


def test_a_release_of_ones_own() -> None:
    """Its source isn't there to be fetched."""
    with pasted(RELEASE) as workspace:
        (query, build) = RELEASE.commands
        succeeds(workspace.bazel(*query[1:]))
        label = f"{IMAGES}:3.14-slim_amd64"
        assert build[1:] == ["build", label]
        told = workspace.bazel("query", "--output=build", label)
        assert f'actual = "{IMAGES}:3.14.99-slim-trixie_amd64"' in told.output.replace(
            "@@python_images~//", "@python_images//"
        )
        errors = refuses(workspace, "versions.yaml", "ab" * 32, "ab", label)
        assert "versions.yaml:3: versions[0].sha256: 'ab' is not a SHA-256" in errors
        errors = refuses(workspace, "versions.yaml", "3.14.99", "3.41.1", label)
        assert "versions.yaml:2: versions[0].version: '3.41' of 3.41.1 is not among" in errors


def test_families_of_both_schemes() -> None:
    with pasted(OFFICIAL) as workspace:
        told = ran(workspace, OFFICIAL.commands)
        assert len(told) == 2
        suffixes = ("load", "push", "tar", "run", "test", "sbom", "cves", "sign")
        labels = [
            f"//:3.14-slim{of}.{suffix}" for of in ("", "_arm64", "_amd64") for suffix in suffixes
        ]
        succeeds(workspace.bazel("build", "--nobuild", "//:slim", *labels))
        # The other scheme's file, in a package of its own.
        TARGETS.paste(workspace.path)
        with (workspace.path / "MODULE.bazel").open("a") as module:
            module.write('catalog.family(name = "lean_catalog", file = "//:lean.yaml")\n')
            module.write('use_repo(catalog, "lean_catalog")\n')
        build = OFFICIAL.files["BUILD.bazel"].replace("acme_catalog", "lean_catalog")
        (workspace.path / "lean").mkdir()
        (workspace.path / "lean/BUILD.bazel").write_text(
            build.replace('"acme"', '"lean"').replace('"acme_test.yaml"', '"//:acme_test.yaml"')
        )
        (workspace.path / "BUILD.bazel").open("a").write('exports_files(["acme_test.yaml"])\n')
        succeeds(workspace.bazel("build", "--nobuild", "//lean:latest", "//lean:3.14_amd64.test"))
        for old, new, said in (
            ("all: [trixie]", "all: [trixy]", "variant 'trixy' of"),
            ("scheme: targets", "scheme: target", "did you mean targets?"),
            ("variant: slim", "variant: slin", "unknown variant 'slin'; did you mean slim"),
        ):
            errors = refuses(workspace, "lean.yaml", old, new, "//lean:3.14_amd64")
            assert said in errors
            assert "lean.yaml:" in errors


# Upon Debian alone, so that no CPython is needed: what each build fails with, and its remedy.
BAD = """\
load("@python_images//python_images:defs.bzl", "python_image")

python_image(
    name = "bad",
    base = "@python_images//images/debian:trixie-slim",
    platforms = ["amd64"],
    {attributes}
)
"""


# Upon the layers of slim, which has Debian's authorities.
AUTHORITY = """\
load("@python_images//python_images:defs.bzl", "settings_layer")

settings_layer(
    name = "authority",
    below = "@python_images//python_images/rootfs:trixie_amd64_slim",
    certificates = ["not.crt"],
)
"""


def bad(workspace: Checkout, attributes: str) -> str:
    """The errors of building an image with the attributes; there have to be some."""
    folder = workspace.path / "bad"
    folder.mkdir(exist_ok=True)
    (folder / "BUILD.bazel").write_text(BAD.format(attributes=attributes))
    result = workspace.bazel("build", "//bad:bad_amd64")
    assert result.status != 0
    return result.errors


@pytest.mark.parametrize(
    ("attributes", "said"),
    [
        (
            'layers = ["secret.tar"], user = "10001"',
            ["can't read /srv/secret: it has the mode 0600 of 0:0", "Give the files"],
        ),
        (
            'user = "app"',
            ["the image has no user 'app'", 'Add it: users = {"app": "10001"}'],
        ),
    ],
)
def test_what_a_build_refuses_is_one_error(
    workspace: Checkout, attributes: str, said: list[str]
) -> None:
    folder = workspace.path / "bad"
    folder.mkdir(exist_ok=True)
    with tarfile.open(folder / "secret.tar", "w") as tar:
        secret = tarfile.TarInfo("srv/secret")
        secret.mode = 0o600
        tar.addfile(secret)
    errors = bad(workspace, attributes)
    for words in said:
        assert words in errors
    assert errors.count("Give ") + errors.count("Add it") == 1
    assert "Traceback" not in errors


def test_what_is_no_certificate_is_one_error(workspace: Checkout) -> None:
    folder = workspace.path / "authority"
    folder.mkdir()
    (folder / "not.crt").write_text("no certificate\n")
    (folder / "BUILD.bazel").write_text(AUTHORITY)
    result = workspace.bazel("build", "//authority")
    assert result.status != 0
    assert "settings_layer: certificate not: no certificate in PEM" in result.errors
    assert "Give one in PEM." in result.errors
    assert "Traceback" not in result.errors


def test_a_script_that_nobody_reviewed_is_one_error(workspace: Checkout) -> None:
    """sgml-base has scripts of its own, and no image of the catalog has it."""
    with (
        workspace.changed("MODULE.bazel", '["jq"]', '["sgml-base"]'),
        workspace.changed("MODULE.bazel", "//:acme_debs.lock", "//:other.lock"),
    ):
        succeeds(workspace.bazel("run", LOCK))
        errors = bad(workspace, 'packages = "@acme_debs"')
    assert "sgml-base" in errors
    assert "review" in errors
    assert "scripts.toml" in errors
    assert "Traceback" not in errors
