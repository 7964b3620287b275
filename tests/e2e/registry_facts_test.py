"""Every workspace is resolved by Bazel against a registry that has what is recorded, and no more.

The closed network's own registry has each version that anything names, so it can't tell a version
that was never published. The one made here has a ``metadata.json`` of each recorded module and
entries of recorded versions only. Its modules are the real ones of Debian's packages.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tools.modules import facts
from tools.testing.checkout import Checkout, Result, scratch, source

WORKSPACES = [
    str(file.parent.relative_to(source()))
    for file in facts.module_files(source())
    if "third_party" not in file.parts
]
WHY = "its archive was replaced"


def provisioned(workspace: Path) -> list[str]:
    """The command line of the provisioned Bazel for a workspace that has a bazelw."""
    said = subprocess.run(
        [str(workspace / "bazelw"), "--bazelw-where"],
        cwd=workspace,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    (line,) = [line for line in said.splitlines() if line.startswith("command ")]
    return line.split()[1:]


def recorded_registry(closed: Path, path: Path, modules: Mapping[str, facts.Module]) -> Path:
    """Make a registry of recorded versions from the closed network's; return its bazelrc.

    Modules of which nothing is recorded keep what they have: only Bazel itself names them.
    """
    shutil.copytree(closed, path)
    for name, module in modules.items():
        folder = path / "modules" / name
        if not folder.exists():
            continue
        for entry in folder.iterdir():
            if entry.name not in module.versions:
                shutil.rmtree(entry)
        metadata = {"versions": list(module.versions), "yanked_versions": dict(module.yanked)}
        (folder / "metadata.json").write_text(json.dumps(metadata))
    bazelrc = path.with_suffix(".bazelrc")
    bazelrc.write_text(
        f"common --noenable_workspace --lockfile_mode=off --registry=file://{path}\n"
    )
    return bazelrc


@pytest.fixture(scope="module")
def checkout() -> Iterator[Checkout]:
    with scratch("registry_facts") as copy:
        yield copy


def resolve(checkout: Checkout, workspace: str = ".", **changed: facts.Module) -> Result:
    """Let Bazel print a workspace's graph of modules, of a registry of what is recorded.

    Args:
        checkout: the checkout that has the workspace.
        workspace: its folder there.
        **changed: what is recorded of these modules instead.
    """
    where = checkout.path / workspace
    command = provisioned(where)
    (option,) = [word for word in command if word.startswith("--bazelrc=")]
    closed = Path(option.removeprefix("--bazelrc=").removesuffix(".bazelrc"))
    # Bazel's server takes what it has read from a registry to be final: a folder for each.
    folder = Path(tempfile.mkdtemp(dir=checkout.path.parent))
    modules = {**facts.load(checkout.path).modules, **changed}
    bazelrc = recorded_registry(closed, folder / "registry", modules)
    command[command.index(option)] = f"--bazelrc={bazelrc}"
    run = subprocess.run(
        [*command, f"--output_base={checkout.output_base}", "mod", "graph", "--color=no"],
        cwd=where,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return Result(run.returncode, run.stdout)


@pytest.mark.parametrize("workspace", WORKSPACES)
def test_every_workspace_can_be_resolved(checkout: Checkout, workspace: str) -> None:
    result = resolve(checkout, workspace)
    assert result.status == 0, result.output
    assert "rules_oci@" in result.output


def rules_oci(checkout: Checkout) -> str:
    """The version of rules_oci that MODULE.bazel names."""
    (version,) = {
        version
        for file, name, version in facts.named(checkout.path)
        if name == "rules_oci" and file == Path("MODULE.bazel")
    }
    return version


def test_a_version_that_was_never_published_is_refused(checkout: Checkout) -> None:
    named = rules_oci(checkout)
    wrong = "99.0.0"
    with checkout.changed(
        "MODULE.bazel", f'"rules_oci", version = "{named}"', f'"rules_oci", version = "{wrong}"'
    ):
        result = resolve(checkout)
    assert result.status != 0
    assert f"rules_oci@{wrong} not found in registries" in result.output


def test_a_yanked_version_is_refused_with_its_reason(checkout: Checkout) -> None:
    named = rules_oci(checkout)
    module = facts.load(checkout.path).modules["rules_oci"]
    yanked = facts.Module(module.versions, {**module.yanked, named: WHY})
    result = resolve(checkout, rules_oci=yanked)
    assert result.status != 0
    assert WHY in result.output
