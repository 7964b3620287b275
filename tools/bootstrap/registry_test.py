import ast
import json
from pathlib import Path

import pytest

from tools.bootstrap import launch, packages, registry
from tools.bootstrap.common import BootstrapError


def module(directory: Path, text: str) -> str:
    directory.mkdir(parents=True)
    (directory / "MODULE.bazel").write_text(text)
    return str(directory)


def versions(path: Path, name: str) -> list[str]:
    return sorted(p.name for p in (path / "modules" / name).iterdir())


@pytest.fixture
def sources(tmp_path: Path) -> list[str]:
    return [
        module(
            tmp_path / "a",
            '"""Docs."""\nmodule(\n    name = "a",\n    version = "1.5",\n'
            '    compatibility_level = 2,\n)\n\nbazel_dep(name = "b", version = "0.3")\n'
            'bazel_dep(name = "absent", version = "1", dev_dependency = True)\n'
            'bazel_dep(name = "absent", version = "1", dev_dependency = not IN_TREE)\n',
        ),
        module(tmp_path / "b", 'module(name = "b", version = "0.0.0")\n'),
        module(tmp_path / "platforms", 'module(name = "platforms")\n'),
    ]


@pytest.fixture
def embedded(tmp_path: Path) -> str:
    return module(
        tmp_path / "tools", 'module(name = "bazel_tools")\nbazel_dep(name = "a", version = "1.2")\n'
    )


def test_every_version_that_is_named(tmp_path: Path, sources: list[str], embedded: str) -> None:
    root = module(
        tmp_path / "root",
        'module(name = "root")\nbazel_dep(name = "a", version = "9.1.0-rc1")\n'
        'bazel_dep(name = "b", version = "7", dev_dependency = True)\n'
        'single_version_override(module_name = "b", version = "8")\n'
        'bazel_dep(name = "elsewhere", version = "1")\n'
        'local_path_override(module_name = "elsewhere", path = "../x")\n',
    )
    made = tmp_path / "registry"
    registry.generate(str(made), sources, embedded, [f"{root}/MODULE.bazel"])
    assert json.loads((made / "bazel_registry.json").read_text()) == {}
    assert versions(made, "a") == ["1.2", "1.5", "9.1.0-rc1"]
    assert versions(made, "b") == ["0.3", "7", "8"]
    assert versions(made, "platforms") == ["0.0.7"]
    entry = made / "modules" / "a" / "9.1.0-rc1"
    assert json.loads((entry / "source.json").read_text()) == {
        "type": "local_path",
        "path": sources[0],
    }
    text = (entry / "MODULE.bazel").read_text()
    assert text.startswith('module(name = "a", version = "9.1.0-rc1", compatibility_level = 2)\n')
    calls = [n.func.id for n in ast.walk(ast.parse(text)) if isinstance(n, ast.Call)]  # type: ignore[attr-defined]
    assert calls.count("module") == 1
    assert calls.count("bazel_dep") == 3


def test_unknown_module_of_the_workspace(tmp_path: Path, sources: list[str], embedded: str) -> None:
    root = module(tmp_path / "root", 'bazel_dep(name = "rules_x", version = "1")\n')
    with pytest.raises(BootstrapError, match=r"root/MODULE\.bazel: .*rules_x"):
        registry.generate(str(tmp_path / "r"), sources, embedded, [f"{root}/MODULE.bazel"])
    assert not (tmp_path / "r").exists()


def test_malformed_module_file(tmp_path: Path, sources: list[str], embedded: str) -> None:
    root = module(tmp_path / "root", 'module(name = "x")\nbazel_dep(\n')
    with pytest.raises(BootstrapError, match=r"root/MODULE\.bazel:2"):
        registry.generate(str(tmp_path / "r"), sources, embedded, [f"{root}/MODULE.bazel"])


def test_path_follows_what_goes_in(tmp_path: Path) -> None:
    root = tmp_path / "root"
    for parent in packages.MODULE_PARENTS:
        (root / parent).mkdir(parents=True)
    module(root / packages.EMBEDDED_TOOLS, 'module(name = "bazel_tools")\n')
    module(root / packages.MODULE_PARENTS[1] / "platforms", 'module(name = "platforms")\n')
    checkout = tmp_path / "checkout"
    module(checkout, 'module(name = "c")\nbazel_dep(name = "rules_oci", version = "2.0")\n')
    (checkout / "tools/bootstrap/stubs").mkdir(parents=True)
    stand_in = module(checkout / packages.STAND_INS["rules_oci"], 'module(name = "rules_oci")\n')

    def ensure(workspace: Path) -> Path:
        where = str(tmp_path / "registries")
        return Path(launch.registry_for(where, str(root), str(checkout), str(workspace)))

    first = ensure(checkout)
    source = json.loads((first / "modules/rules_oci/2.0/source.json").read_text())
    assert source["path"] == stand_in
    assert ensure(checkout) == first

    user = tmp_path / "user"  # another workspace, with this ./bazelw
    module(user, 'module(name = "u")\nbazel_dep(name = "rules_oci", version = "3.0")\n')
    second = ensure(user)
    assert versions(second, "rules_oci") == ["2.0", "3.0"]
    assert ensure(checkout) == first

    (checkout / "MODULE.bazel").write_text('bazel_dep(name = "rules_oci", version = "2.1")\n')
    assert versions(ensure(checkout), "rules_oci") == ["2.1"]
    assert sorted(p.name for p in first.parent.iterdir() if p.name.endswith(".tmp")) == []
