"""A CPython and the layers of an image are made once for everybody: keys, read off action graphs.

Nothing runs. The key of an action is its command line, its environment, and the paths and content
of its inputs and outputs. An action graph has all but the content, which is the same checkout's.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.roles import MINOR, SUITE
from tools.testing.checkout import Checkout, scratch

IMAGE = f"@python_images//images:{MINOR}-slim-{SUITE}_amd64"
# Of other layers: of libraries alone, and with a user.
OTHERS = [
    f"@python_images//images:{MINOR}-distroless-{SUITE}_amd64",
    f"@python_images//images:{MINOR}-slim-nonroot-{SUITE}_amd64",
]

# What compiles, what makes layers, and what writes the programs that do.
MNEMONICS = "|".join(
    (
        *("BuildLauncher", "BuildPython", "CompileCPython", "PackageTree", "StripCPython"),
        *("DebianLayer", "DistrolessLayer", "LayerBlob", "LinkCPython", "UserLayer"),
        "TemplateExpand",
    )
)

# Programs of those actions; others are made for each configuration.
PROGRAMS = ("//tools/cpython:", "//tools/oci:compress", "//tools/rootfs/")

# A workspace that has another name, and another name for the module.
OTHER = """\
module(name = "somebody_elses", version = "7.0")
bazel_dep(name = "python_images", version = "", repo_name = "pythons")
local_path_override(module_name = "python_images", path = "../../..")
"""

# What rules_oci does for an index of several platforms, and what some rules do for a release.
TRANSITIONS = """\
platform = transition(
    implementation = lambda _settings, _attr: {
        "//command_line_option:platforms": ["@python_images//platforms:arm64"],
    },
    inputs = [],
    outputs = ["//command_line_option:platforms"],
)

mode = transition(
    implementation = lambda _settings, _attr: {"//command_line_option:compilation_mode": "opt"},
    inputs = [],
    outputs = ["//command_line_option:compilation_mode"],
)

def _impl(ctx):
    return [DefaultInfo(files = depset(ctx.files.image))]

for_platform = rule(_impl, attrs = {"image": attr.label_list(cfg = platform)})
for_mode = rule(_impl, attrs = {"image": attr.label_list(cfg = mode)})
"""

BUILD = f"""\
load(":transitions.bzl", "for_mode", "for_platform")

for_platform(name = "for_platform", image = ["{IMAGE}"])
for_mode(name = "for_mode", image = ["{IMAGE}"])
"""


@dataclasses.dataclass(frozen=True)
class Graph:
    """An action graph of `bazel aquery`."""

    document: dict[str, Any]

    def _named(self, key: str) -> dict[int, dict[str, Any]]:
        return {entry["id"]: entry for entry in self.document.get(key, [])}

    def _paths(self) -> dict[int, str]:
        """Each artifact's path by its id."""
        fragments = self._named("pathFragments")

        def path(number: int) -> str:
            fragment = fragments[number]
            above = fragment.get("parentId")
            return f"{path(above)}/{fragment['label']}" if above else str(fragment["label"])

        return {
            number: path(artifact["pathFragmentId"])
            for number, artifact in self._named("artifacts").items()
        }

    def _inputs(self, action: dict[str, Any]) -> set[str]:
        sets, paths = self._named("depSetOfFiles"), self._paths()
        waiting, seen, found = list(action.get("inputDepSetIds", [])), set(), set()
        while waiting:
            number = waiting.pop()
            if number not in seen:
                seen.add(number)
                waiting += sets[number].get("transitiveDepSetIds", [])
                found |= {paths[file] for file in sets[number].get("directArtifactIds", [])}
        return found

    def shared(self) -> dict[str, tuple[Any, ...]]:
        """What is known of the key of each action that is to be shared, by mnemonic and label.

        Of a program's start script only what it says and where it lies.
        """
        targets, paths = self._named("targets"), self._paths()
        found = {}
        for action in self.document.get("actions", []):
            label = re.sub(r"^.*//", "//", targets[action["targetId"]]["label"])
            if action["mnemonic"] == "TemplateExpand" and not label.startswith(PROGRAMS):
                continue
            found[f"{action['mnemonic']} {label}"] = (
                action["actionKey"],
                action.get("arguments"),
                action.get("environmentVariables"),
                sorted(self._inputs(action)),
                sorted(paths[file] for file in action["outputIds"]),
            )
        return found


def graph(workspace: Checkout, label: str, *flags: str) -> Graph:
    """Return the actions that compile, and that make layers, for a target."""
    # To a file: between the lines Bazel prints it may well say that it is still loading packages.
    file = workspace.output_base / "actions.json"
    result = workspace.bazel(
        "aquery",
        *flags,
        f'mnemonic("^({MNEMONICS})$", deps({label}))',
        "--output=jsonproto",
        f"--output_file={file}",
    )
    assert result.status == 0, result.errors
    return Graph(json.loads(file.read_text()))


def assert_same(expected: Graph, other: Graph) -> None:
    """Check that two graphs' keys are the same, naming an action that differs."""
    one, two = expected.shared(), other.shared()
    assert [name for name in one if one[name] != two.get(name)] == []


@pytest.fixture(scope="module")
def copy() -> Iterator[Checkout]:
    with scratch("compile_keys") as copy:
        yield copy


@pytest.fixture(scope="module")
def consumer(copy: Checkout) -> Checkout:
    """The workspace that fills caches."""
    path = copy.path / ".ci/consumer"
    (path / "transitions.bzl").write_text(TRANSITIONS)
    (path / "BUILD.bazel").write_text(BUILD)
    return dataclasses.replace(copy, path=path)


@pytest.fixture(scope="module")
def expected(consumer: Checkout) -> Graph:
    found = graph(consumer, IMAGE)
    mnemonics = [name.partition(" ")[0] for name in found.shared()]
    assert mnemonics.count("CompileCPython") == 1
    # Debian's layers and CPython's, and the libraries between them.
    assert mnemonics.count("DebianLayer") == 3
    assert mnemonics.count("LayerBlob") == 5
    return found


@pytest.mark.parametrize("flags", [("-c", "opt"), ("--copt=-O3", "--define=a=b", "--stamp")])
def test_flags_of_the_build_are_not_of_the_key(
    consumer: Checkout, expected: Graph, flags: tuple[str, ...]
) -> None:
    assert_same(expected, graph(consumer, IMAGE, *flags))


@pytest.mark.parametrize("name", ["for_platform", "for_mode"])
def test_transitions_are_not_of_the_key(consumer: Checkout, expected: Graph, name: str) -> None:
    assert_same(expected, graph(consumer, f"//:{name}"))


@pytest.mark.parametrize("image", OTHERS)
def test_other_layers_are_shared_as_well(consumer: Checkout, image: str) -> None:
    one = graph(consumer, image)
    assert {name.partition(" ")[0] for name in one.shared()} & {"DistrolessLayer", "UserLayer"}
    assert_same(one, graph(consumer, image, "-c", "opt"))


def test_what_is_quick_is_another_cpython(consumer: Checkout, expected: Graph) -> None:
    (name,) = [name for name in expected.shared() if name.startswith("CompileCPython ")]
    quick = graph(consumer, IMAGE, "--config=quick")
    arguments = quick.shared()[name][1]
    assert arguments[arguments.index("--optimization") + 1] == "none"
    assert_same(quick, graph(consumer, IMAGE, "--config=quick", "-c", "opt"))


def test_names_are_not_of_the_key(consumer: Checkout, expected: Graph) -> None:
    path = consumer.path.parents[1] / "somebody" / "elses" / "place"
    path.mkdir(parents=True)
    (path / "MODULE.bazel").write_text(OTHER)
    (path / "BUILD.bazel").touch()
    (path / "bazelw").symlink_to(consumer.path.parents[1] / "bazelw")
    for name in (".bazelrc", ".bazelversion"):
        (path / name).write_text((consumer.path.parents[1] / "examples/app" / name).read_text())
    other = dataclasses.replace(consumer, path=path)
    image = IMAGE.replace("@python_images", "@pythons")
    assert_same(expected, graph(other, image))
    quick = graph(other, image, "--@pythons//python_images:optimization=none")
    assert_same(graph(consumer, IMAGE, "--config=quick"), quick)
