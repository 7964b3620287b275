"""What //images declares, for the whole matrix: read off the targets, nothing is analysed or built.

So it holds for platforms whose packages nobody fetched yet, and for releases that can't be fetched.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from tests.e2e.roles import OTHER_MINOR, SUITE
from tools.catalog import proofs
from tools.testing.checkout import Checkout, scratch

# os, architecture and variant that container runtimes look for, as docker-library publishes them.
PLATFORMS = {
    "amd64": ("linux", "amd64", ""),
    "arm64": ("linux", "arm64", "v8"),
    "armv5": ("linux", "arm", "v5"),
    "armv6": ("linux", "arm", "v6"),
    "armv7": ("linux", "arm", "v7"),
    "i386": ("linux", "386", ""),
    "mips64le": ("linux", "mips64le", ""),
    "ppc64le": ("linux", "ppc64le", ""),
    "riscv64": ("linux", "riscv64", ""),
    "s390x": ("linux", "s390x", ""),
}

# docker-library's name of a platform, which everyone knows its images by.
DOCKER = {"arm64": "arm64v8", "armv5": "arm32v5", "armv7": "arm32v7"}

# The real rules_oci's oci_image is a macro around a rule of the same name.
IMAGES = 'kind("oci_image rule$", //images:all)'


@dataclass(frozen=True)
class Declared:
    """The catalog, and the targets of //images by name: their kind and attributes."""

    catalog: Mapping[str, Any]
    targets: Mapping[str, tuple[str, Mapping[str, Any]]]
    checkout: Checkout

    def labels(self, expression: str) -> list[str]:
        """What a query finds, in this repository."""
        result = self.checkout.bazel("query", expression, "--output=label", "--noshow_progress")
        assert result.status == 0, result.errors
        return [line for line in result.output.splitlines() if line.startswith("//")]

    def resolve(self, name: str) -> str:
        """The target that a name stands for, aliases followed."""
        kind, attributes = self.targets[name]
        if kind != "alias":
            return name
        return self.resolve(attributes["actual"].removeprefix("//images:"))

    def published(self, target: str) -> list[str]:
        """The images that a program publishes, of which it has the labels alone."""
        result = self.checkout.bazel(
            "query", target, "--output=streamed_jsonproto", "--noshow_progress"
        )
        assert result.status == 0, result.errors
        (line,) = [one for one in result.output.splitlines() if one.startswith('{"type":"RULE"')]
        rule = json.loads(line)["rule"]
        (images,) = [_value(one) for one in rule["attribute"] if one["name"] == "images"]
        return [label.removeprefix("@@") for label in images]

    def images(self) -> Iterator[tuple[Mapping[str, Any], str, str]]:
        """Image of the catalog, platform, and the name of the target."""
        for image in self.catalog["images"]:
            for platform in (*image["platforms"], *image["apart"]):
                yield image, platform, f"{image['name']}_{platform}"


def _value(attribute: Mapping[str, Any]) -> Any:
    if "stringDictValue" in attribute:
        return {entry["key"]: entry["value"] for entry in attribute["stringDictValue"]}
    return attribute.get("stringListValue") or attribute.get("stringValue", "")


@pytest.fixture(scope="module", name="declared")
def _declared() -> Iterator[Declared]:
    with scratch("targets") as checkout:
        result = checkout.bazel(
            "query", "//images:all", "--output=streamed_jsonproto", "--noshow_progress"
        )
        assert result.status == 0, result.errors
        rules = [
            json.loads(line)["rule"]
            for line in result.output.splitlines()
            if line.startswith('{"type":"RULE"')
        ]
        names = Counter(rule["name"] for rule in rules)
        assert set(names.values()) == {1}
        (file,) = (checkout.output_base / "external").glob("*[~+]catalog/catalog.json")
        yield Declared(
            catalog=json.loads(file.read_text()),
            targets={
                rule["name"].removeprefix("//images:"): (
                    rule["ruleClass"].removeprefix("_"),
                    {a["name"]: _value(a) for a in rule["attribute"]},
                )
                for rule in rules
            },
            checkout=checkout,
        )


def test_every_image_says_what_it_runs_on(declared: Declared) -> None:
    found = {
        name: tuple(attributes[key] for key in ("os", "architecture", "variant"))
        for name, (kind, attributes) in declared.targets.items()
        if kind == "oci_image"
    }
    assert found == {name: PLATFORMS[platform] for _, platform, name in declared.images()}


def test_an_index_has_every_published_platform_of_its_suite(declared: Declared) -> None:
    for image in declared.catalog["images"]:
        kind, attributes = declared.targets[image["name"]]
        assert kind == "oci_image_index"
        suite = declared.catalog["suites"][image["suite"]]
        assert attributes["images"] == [
            f"//images:{image['name']}_{platform}" for platform in suite["published"]
        ]


def test_every_tag_and_platform_name_is_one_image(declared: Declared) -> None:
    owners: dict[str, str] = {}
    for image, platform, target in declared.images():
        names = {platform, DOCKER.get(platform, platform)}
        names |= set(declared.catalog["platforms"][platform]["aliases"])
        for tag in image["tags"]:
            assert owners.setdefault(tag, image["name"]) == image["name"]
            assert declared.resolve(tag) == image["name"]
            hardened = declared.catalog["variants"][image["variant"]]["hardened"]
            for name in names:
                # Companion targets of a hardened image have its platform's first name only.
                others = not hardened or name == platform
                for companion in ("", *((".digest", ".load", ".push", ".tar") if others else ())):
                    one = declared.resolve(f"{tag}_{name}{companion}")
                    # The archive is a file of what loads it.
                    assert one == target + companion, f"{tag}_{name}{companion}"


def test_the_readmes_image_is_one_that_its_test_command_builds(declared: Declared) -> None:
    text = (declared.checkout.path / "README.md").read_text()
    lines = text.splitlines()[:25]
    (build,) = [
        line.split()[2] for line in lines if line.startswith("    ./bazelw build //images:")
    ]
    assert [line for line in lines if line.startswith("    ./bazelw test //... ")]
    name = declared.resolve(build.removeprefix("//images:"))
    assert f"//images:{name}" in declared.targets["matrix_sample"][1]["srcs"]


def test_every_tag_has_the_tests_of_its_image(declared: Declared) -> None:
    for image, platform, target in declared.images():
        assert declared.targets[f"{target}.test"][0] == "py_test"
        suite = declared.targets[f"{image['name']}.test"][1]["tests"]
        assert (f"//images:{target}.test" in suite) is (platform in image["platforms"])
    for image in declared.catalog["images"]:
        tests = declared.targets[f"{image['name']}.test"][1]["tests"]
        assert len(tests) == 1 + len(image["platforms"])
        for tag in image["tags"][1:]:
            assert declared.targets[f"{tag}.test"][1]["tests"] == [f"//images:{image['name']}.test"]
            for platform in image["platforms"]:
                one = f"//images:{image['name']}_{platform}.test"
                assert declared.targets[f"{tag}_{platform}.test"][1]["tests"] == [one]


def test_what_is_published_of_a_version_is_all_of_it(declared: Declared) -> None:
    everything = declared.published("//images:publish")
    # So that a selection builds nothing else.
    assert not set(everything) & set(declared.labels("deps(//images:publish)"))
    published = [image for image in declared.catalog["images"] if not image["archived"]]
    assert len(published) < len(declared.catalog["images"])
    assert len(everything) == len(published)
    for version, facts in declared.catalog["versions"].items():
        of_version = [image["name"] for image in published if image["version"] == version]
        if not of_version:
            assert f"publish_{facts['label']}" not in declared.targets
            continue
        chosen = declared.published(f"//images:publish_{facts['label']}")
        assert {f"//images:{name}" for name in of_version} <= set(chosen) <= set(everything)


def test_another_familys_tags_and_platforms_are_targets(declared: Declared) -> None:
    facts = declared.catalog["families"]["infra7"]
    labels = set(declared.labels("//images/infra7:all"))
    wanted = {
        f"{OTHER_MINOR}-{SUITE}",
        f"{OTHER_MINOR}-{SUITE}_arm64v8",
        "latest",
        "latest_x86",
        f"{OTHER_MINOR}-noble_aarch64",
    }
    assert {f"//images/infra7:{name}" for name in wanted} <= labels
    for image in (*facts["images"], *facts["missing"]):
        for tag in image["tags"]:
            names = [""] + [
                f"_{name}"
                for platform in image["platforms"]
                for name in (platform, *facts["aliases"][platform])
            ]
            for name in names:
                for companion in ("", ".digest", ".load", ".push", ".tar"):
                    assert f"//images/infra7:{tag}{name}{companion}" in labels
    for image in facts["images"]:
        for tag in image["tags"]:
            for companion in (".sbom", ".provenance", ".sign", ".test"):
                assert f"//images/infra7:{tag}{companion}" in labels
    published = declared.published("//images/infra7:publish")
    assert set(published) == {f"//images/infra7:{image['name']}" for image in facts["images"]}
    assert {f"//images/infra7:{label}" for label in (f"publish_{OTHER_MINOR}", "sign")} <= labels


def test_the_tests_of_fixtures_are_there(declared: Declared) -> None:
    tests = set(proofs.read(declared.checkout.path / "catalog").all_tests())
    assert tests
    assert set(declared.labels(" + ".join(sorted(tests)))) == tests


def test_one_compile_for_each_version_suite_and_platform(declared: Declared) -> None:
    # An image's layer is a blob, of a tar, of the files of one CPython.
    found = declared.labels(f'kind("^cpython rule$", deps({IMAGES}, 3))')
    assert sorted(found) == sorted(
        {
            f"//python_images/cpython:{image['version']}_{image['suite']}_{platform}"
            for image, platform, _ in declared.images()
        }
    )


def test_one_base_layer_for_each_suite_platform_and_kind_of_root(declared: Declared) -> None:
    layers = declared.labels(f'kind("^catalog_debian_layer rule$", deps({IMAGES}, 2))')
    found = Counter(
        tuple(label.partition(":")[2].split("_")[:2]) for label in layers if label.endswith("_base")
    )
    wanted = {
        (image["suite"], platform, declared.catalog["variants"][image["variant"]]["root"])
        for image, platform, _ in declared.images()
    }
    assert found == Counter(
        (suite, platform) for suite, platform, root in wanted if root != "distroless"
    )
    distroless = declared.labels(f'kind("^distroless_layer rule$", deps({IMAGES}, 2))')
    assert Counter(
        tuple(label.partition(":")[2].split("_")[:2])
        for label in distroless
        if label.endswith("_distroless")
    ) == Counter((suite, platform) for suite, platform, root in wanted if root == "distroless")


def test_another_family_is_built_on_ubuntu_once_that_is_locked(declared: Declared) -> None:
    facts = declared.catalog["families"]["infra7"]
    (image, *_) = [image for image in facts["missing"] if image["suite"] == "noble"]
    index = f"//images/infra7:{image['name']}"
    assert declared.labels(f"kind(unlocked, {index}_arm64)") == [f"{index}_arm64"]
    suite = declared.catalog["ubuntu"]["suites"]["noble"]
    for sets, folder in (("package_sets", "ubuntu"), ("build_sets", "ubuntu/build")):
        roles = ",".join(f"{name}=requested" for name in suite[sets])
        for arch in ("amd64", "arm64"):
            lock = declared.checkout.path / "third_party" / folder / f"noble_{arch}.lock"
            lock.write_text(
                f"suite noble\narch {arch}\nsnapshot 20261120T000000Z\n"
                "mirror https://mirror.test/ubuntu\nsecurity_mirror https://mirror.test/ubuntu\n"
                f"base-files 1 {arch} pool/base-files.deb {'a' * 64} 1 {roles}\n"
            )
    assert declared.labels(f"labels(tars, {index}_arm64)") == [
        f"//python_images/cpython:{image['version']}_noble_arm64.{layer}.blob"
        for layer in ("links", "runtime", "stripped")
    ] + [f"//python_images/rootfs:noble_arm64_{layer}.blob" for layer in ("base", "slim")]
    assert index in declared.published("//images/infra7:publish")
    assert declared.labels(f"{index}_arm64.test") == [f"{index}_arm64.test"]
    jammy = index.replace("noble", "jammy")
    assert declared.labels(f"kind(unlocked, {jammy})") == [jammy]
