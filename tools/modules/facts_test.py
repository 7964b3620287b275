"""The versions that MODULE.bazel files name: whether the central registry has them."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tools.modules import facts
from tools.testing.checkout import source

RECORDED = facts.Facts(
    registry="https://registry.example",
    date="2026-08-22",
    modules={
        "rules_oci": facts.Module(("2.2.7", "2.3.0", "2.4.0-rc1"), {}),
        "rules_cc": facts.Module(("0.0.13", "0.0.14"), {"0.0.14": "it is broken"}),
    },
)


def checkout(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        file = folder / ("MODULE.bazel" if name == "root" else f"examples/{name}/MODULE.bazel")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return folder


def dependency(name: str, version: str, more: str = "") -> str:
    return f'bazel_dep(name = "{name}", version = "{version}"{more})\n'


def test_every_version_named_here_is_in_the_registry() -> None:
    root = source()
    assert facts.faults(root, facts.load(root)) == []
    assert {name for _, name, _ in facts.named(root)} >= {"bazel_skylib", "rules_oci"}


def test_nothing_is_registered_for_those_who_depend_on_this() -> None:
    """Their toolchains and platforms are theirs to choose."""
    tree = ast.parse((source() / "MODULE.bazel").read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "").startswith("register_"):
            options = {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords}
            assert options.get("dev_dependency") == "True", ast.unparse(node)


def test_the_recorded_text_is_what_is_written() -> None:
    root = source()
    assert facts.load(root).text() == (root / facts.FILE).read_text()


def test_a_version_that_was_never_published_is_named(tmp_path: Path) -> None:
    root = checkout(tmp_path, app=dependency("rules_oci", "2.3.2"))
    assert facts.faults(root, RECORDED) == [
        "examples/app/MODULE.bazel: the central registry has no rules_oci 2.3.2 "
        "(recorded on 2026-08-22); the newest is 2.3.0"
    ]


def test_a_dev_dependency_counts_too(tmp_path: Path) -> None:
    text = dependency("rules_oci", "2.3.2", ", dev_dependency = True")
    assert len(facts.faults(checkout(tmp_path, root=text), RECORDED)) == 1


def test_a_yanked_version_is_named_with_its_reason(tmp_path: Path) -> None:
    root = checkout(tmp_path, root=dependency("rules_cc", "0.0.14"))
    (fault,) = facts.faults(root, RECORDED)
    assert fault == "MODULE.bazel: rules_cc 0.0.14 is yanked: it is broken; the newest is 0.0.13"


def test_an_unknown_module_is_a_fault(tmp_path: Path) -> None:
    root = checkout(tmp_path, root=dependency("rules_zig", "1.0"))
    (fault,) = facts.faults(root, RECORDED)
    assert fault.startswith("MODULE.bazel: nothing is recorded of the module rules_zig")


def test_what_comes_with_its_source_is_not_asked_for(tmp_path: Path) -> None:
    app = dependency("python_images", "0.1.0") + (
        'local_path_override(module_name = "python_images", path = "../..")\n'
    )
    root = checkout(tmp_path, root='module(name = "python_images", version = "1")\n', app=app)
    assert facts.faults(root, RECORDED) == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"registry": "r", "date": "d", "modules": {"m": {"versions": [], "yanked": {}}}}',
        '{"registry": "r", "date": "d", "modules": {"m": {"versions": ["1"], "yanked": []}}}',
        '{"registry": "r", "date": "d", "modules": {"m": {"versions": [1], "yanked": {}}}}',
        '{"date": "d", "modules": {}}',
    ],
)
def test_a_malformed_file_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / facts.FILE
    file.parent.mkdir(parents=True)
    file.write_text(text)
    with pytest.raises(facts.FactsError, match=r"modules\.json"):
        facts.load(tmp_path)
