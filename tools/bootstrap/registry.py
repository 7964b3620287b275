"""The module registry of a closed network: one directory per module, whatever version is asked for.

Debian has one version of each Starlark module. Bazel's resolution wants every version that any
MODULE.bazel names, so the registry has an entry for each of them, and all of a module's entries
point to the one directory there is (a `local_path` source). An entry's MODULE.bazel is the module's
own, with the name and version that were asked for.
"""

from __future__ import annotations

import ast
import json
import os
from collections.abc import Iterator

from tools.bootstrap import packages
from tools.bootstrap.common import BootstrapError

# Calls that take a module out of the registry's hands, because its source is given with it.
_OVERRIDES = ("archive_override", "git_override", "local_path_override")
# Asked for inside Bazel (the repository @local_config_platform), in no MODULE.bazel.
_BUILT_IN = {"platforms": {"0.0.7"}}
_NO_VERSION = "0.0.1"


class ModuleFile:
    """What one MODULE.bazel says, as far as a registry is concerned."""

    def __init__(self, path: str) -> None:
        self.path = path
        with open(path, encoding="utf-8") as source:
            self.text = source.read()
        try:
            self._tree = ast.parse(self.text)  # the subset of Starlark allowed here is Python
        except SyntaxError as error:
            raise BootstrapError(
                f"{path}:{error.lineno}: not a MODULE.bazel: {error.msg}"
            ) from error
        self.name = ""
        self.version = ""
        self.compatibility_level: object = 0
        self._after_module = 0
        for call, arguments in self._calls("module"):
            self.name = str(arguments.get("name", ""))
            self.version = str(arguments.get("version", ""))
            self.compatibility_level = arguments.get("compatibility_level", 0)
            self._after_module = call.end_lineno or 0

    def dependencies(self, dev: bool) -> Iterator[tuple[str, str]]:
        """(module, version) of each thing a registry is asked for; dev dependencies if dev."""
        overridden = {
            arguments.get("module_name")
            for name in _OVERRIDES
            for _, arguments in self._calls(name)
        }
        for _, arguments in self._calls("bazel_dep"):
            # A dev_dependency that is an expression counts as one: those are Bazel's own in-tree.
            if arguments.get("dev_dependency", False) is not False and not dev:
                continue
            if not (dev and arguments.get("name") in overridden):
                yield str(arguments.get("name")), str(arguments.get("version", ""))
        if dev:  # overrides are heeded in the root module only, as dev dependencies are
            for _, arguments in self._calls("single_version_override"):
                yield str(arguments.get("module_name")), str(arguments.get("version", ""))

    def entry(self, version: str) -> str:
        """This file's text for a registry entry of the given version."""
        head = (
            f"module(name = {json.dumps(self.name)}, version = {json.dumps(version)}, "
            f"compatibility_level = {self.compatibility_level})\n"
        )
        return head + "".join(self.text.splitlines(keepends=True)[self._after_module :])

    def _calls(self, function: str) -> Iterator[tuple[ast.Call, dict[str, object]]]:
        for node in ast.walk(self._tree):
            if isinstance(node, ast.Call) and getattr(node.func, "id", None) == function:
                yield (
                    node,
                    {
                        k.arg: k.value.value if isinstance(k.value, ast.Constant) else k.value
                        for k in node.keywords
                        if k.arg
                    },
                )


def generate(registry: str, sources: list[str], embedded_tools: str, roots: list[str]) -> None:
    """Write a registry of the modules in the directories `sources` (each with a MODULE.bazel).

    It has the versions named by those modules, by Bazel's own (in the directory embedded_tools) and
    by the root modules' files `roots`, whose dev dependencies count too. Raises BootstrapError when
    something is named that no directory provides.
    """
    modules: dict[str, tuple[str, ModuleFile]] = {}
    for source in sources:
        module = ModuleFile(os.path.join(source, "MODULE.bazel"))
        modules[module.name] = (source, module)
    versions: dict[str, set[str]] = {name: set(_BUILT_IN.get(name, ())) for name in modules}
    for name, (_, module) in modules.items():
        versions[name].add(module.version)

    asking = [(module, False) for _, module in modules.values()]
    asking.append((ModuleFile(os.path.join(embedded_tools, "MODULE.bazel")), False))
    asking += [(ModuleFile(path), True) for path in roots]
    root_names = {module.name for module, dev in asking if dev}
    for module, dev in asking:
        for name, version in module.dependencies(dev):
            if name in versions:
                versions[name].add(version)
            elif name not in root_names:
                raise BootstrapError(
                    f"{module.path}: no Debian package provides the Bazel module {name}; "
                    "give it a stand-in (tools/bootstrap/packages.py) or use the central registry"
                )

    os.makedirs(registry)
    _write(os.path.join(registry, "bazel_registry.json"), "{}\n")
    for name, (source, module) in modules.items():
        for version in sorted(versions[name] - {"", "0.0.0"}) or [_NO_VERSION]:
            entry = os.path.join(registry, "modules", name, version)
            os.makedirs(entry)
            _write(os.path.join(entry, "MODULE.bazel"), module.entry(version))
            location = {"type": "local_path", "path": source}
            _write(os.path.join(entry, "source.json"), json.dumps(location) + "\n")


def debian_modules(root: str) -> list[str]:
    """The directories of the Starlark modules in the unpacked packages."""
    return [
        d for parent in packages.MODULE_PARENTS for d in _modules_in(os.path.join(root, parent))
    ]


def stubs(checkout: str) -> list[str]:
    """The directories of the modules that Bazel names but nothing here uses."""
    return _modules_in(os.path.join(checkout, "tools", "bootstrap", "stubs"))


def stand_ins(checkout: str) -> list[str]:
    """The directories of the modules that the checkout provides itself."""
    directories = [os.path.join(checkout, path) for path in packages.STAND_INS.values()]
    return [d for d in directories if os.path.isfile(os.path.join(d, "MODULE.bazel"))]


def _modules_in(parent: str) -> list[str]:
    directories = [os.path.join(parent, name) for name in sorted(os.listdir(parent))]
    return [d for d in directories if os.path.isfile(os.path.join(d, "MODULE.bazel"))]


def _write(path: str, text: str) -> None:
    with open(path, "w", encoding="utf-8") as out:
        out.write(text)
