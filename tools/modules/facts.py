"""third_party/registry/modules.json: which versions of Bazel modules the central registry has.

Bazel asks the registry itself, but not on a closed network, where every version that is named
exists. With the recorded facts a version that nobody else could resolve is noticed there, too.

The file is JSON::

    {"registry": "https://bcr.bazel.build",      # whose metadata.json files the facts are from
     "date": "2026-08-22",                       # the day they were
     "modules": {"rules_oci": {
         "versions": ["2.2.7", "2.3.0"],         # in the registry's order, the newest last
         "yanked": {"2.2.7": "why"}}}}           # those that Bazel refuses
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tools.bootstrap.registry import ModuleFile

FILE = Path("third_party", "registry", "modules.json")
# Whose MODULE.bazel files other people's Bazel resolves; the stubs of tools/bootstrap are never
# resolved against the central registry.
_MODULE_FILES = (
    "MODULE.bazel",
    "examples/*/MODULE.bazel",
    "tests/e2e/*/MODULE.bazel",
    "third_party/*/MODULE.bazel",
)


class FactsError(Exception):
    """The file of facts, or what was offered for it, isn't as it should be."""


@dataclass(frozen=True)
class Module:
    """What the registry says of one module.

    Attributes:
        versions: those it has, in its order, the newest last.
        yanked: those of them that Bazel refuses, and why.
    """

    versions: tuple[str, ...]
    yanked: Mapping[str, str]


@dataclass(frozen=True)
class Facts:
    """What the registry said on one day."""

    registry: str
    date: str
    modules: Mapping[str, Module]

    def text(self) -> str:
        """The content of the file."""
        modules = {
            name: {"versions": list(module.versions), "yanked": dict(module.yanked)}
            for name, module in sorted(self.modules.items())
        }
        document = {"registry": self.registry, "date": self.date, "modules": modules}
        return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def module(document: object, where: str) -> Module:
    """One module out of a document with ``versions`` and ``yanked``; ``where`` is for errors.

    Raises:
        FactsError: it has another form, or names no version.
    """
    rows = document if isinstance(document, dict) else {}
    versions, yanked = rows.get("versions"), rows.get("yanked")
    if not (
        isinstance(versions, list)
        and versions
        and all(isinstance(version, str) and version for version in versions)
        and isinstance(yanked, dict)
        and all(isinstance(reason, str) for reason in yanked.values())
    ):
        raise FactsError(f"{where}: `versions` has to be a list of texts, `yanked` a mapping")
    return Module(tuple(versions), yanked)


def load(root: Path) -> Facts:
    """The facts that the checkout ``root`` has recorded.

    Raises:
        FactsError: the file is missing or malformed.
    """
    try:
        document = json.loads((root / FILE).read_text(encoding="utf-8"))
        modules = {
            name: module(rows, f"{FILE}: {name}") for name, rows in document["modules"].items()
        }
        return Facts(str(document["registry"]), str(document["date"]), modules)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise FactsError(f"{FILE}: can't be read: {error!r}; restore it from git") from None


def module_files(root: Path) -> list[Path]:
    """The MODULE.bazel files of a checkout that the central registry has to satisfy."""
    return [file for pattern in _MODULE_FILES for file in sorted(root.glob(pattern))]


def named(root: Path) -> Iterator[tuple[Path, str, str]]:
    """(file, module, version) of each dependency that a registry has to have."""
    files = {file.relative_to(root): ModuleFile(str(file)) for file in module_files(root)}
    # Found by their paths. A stand-in is for those who have no registry.
    own = {read.name for file, read in files.items() if "third_party" not in file.parts}
    for file, read in files.items():
        for name, version in read.dependencies(dev=True):
            if name not in own:
                yield file, name, version


def faults(root: Path, facts: Facts) -> list[str]:
    """What is wrong with the versions a checkout names: one line each."""
    found: list[str] = []
    for file, name, version in named(root):
        known = facts.modules.get(name)
        if known is None:
            found.append(
                f"{file}: nothing is recorded of the module {name}; ./bazelw run //tools:update"
            )
        elif version not in known.versions:
            found.append(
                f"{file}: the central registry has no {name} {version} (recorded on {facts.date}); "
                f"the newest is {newest(known)}"
            )
        elif version in known.yanked:
            found.append(
                f"{file}: {name} {version} is yanked: {known.yanked[version]}; "
                f"the newest is {newest(known)}"
            )
    return found


def newest(known: Module) -> str:
    """The newest version that is neither yanked nor a pre-release, if there is one."""
    usable = [version for version in known.versions if version not in known.yanked]
    final = [version for version in usable if "-" not in version]
    return (final or usable or list(known.versions))[-1]
