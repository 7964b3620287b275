"""What a Dockerfile is made from: catalog/dockerfiles.yaml and an image of a family."""

from __future__ import annotations

import base64
import re
import textwrap
from collections.abc import Mapping as Dict
from dataclasses import dataclass
from pathlib import Path

from tools.catalog import added, grammar, load, shape, tags
from tools.catalog.catalog_error import CatalogError
from tools.catalog.family import Entry, Family
from tools.catalog.model import Minor, Patch, Suite, Variant
from tools.catalog.yamlfile import Value

_LINKS = ("idle3", "pip3", "pydoc3", "python3", "python3-config")


def _order(minor: str) -> tuple[int, ...]:
    return tuple(int(part) for part in minor.split("."))


def _until(since: Dict[str, tuple[str, ...]], minor: str) -> list[str]:
    """What there is for a minor version of lists by the first minor version they are for."""
    return [
        name for first, names in since.items() if _order(first) <= _order(minor) for name in names
    ]


@dataclass(frozen=True)
class Packages:
    """What one kind of variant installs; ``build_from`` adds to build from a minor version on."""

    runtime: tuple[str, ...]
    build: tuple[str, ...]
    build_from: Dict[str, tuple[str, ...]]

    def for_minor(self, minor: str) -> list[str]:
        """The build packages of a minor version, sorted."""
        return sorted((*self.build, *_until(self.build_from, minor)))


@dataclass(frozen=True)
class Other:
    """A variant that docker-library hasn't, on a suite; ``packages`` is what it installs."""

    variant: Variant
    suite: Suite
    packages: tuple[str, ...]


@dataclass(frozen=True)
class Recipes:
    """catalog/dockerfiles.yaml; its comments describe the fields.

    ``file`` is what errors call it, ``others`` the variants that docker-library hasn't, by their
    names in tags.
    """

    file: Path
    bases: Dict[str, str]
    packages: Dict[str, Packages]
    dist_clean: tuple[str, ...]
    frame_pointers: str
    lto: str
    configure: Dict[str, tuple[str, ...]]
    configure_from: Dict[str, tuple[str, ...]]
    minors: Dict[str, Minor]
    others: Dict[str, Other]


def _packages(value: Value) -> Packages:
    row = value.mapping()
    later = row.get("build_from")
    return Packages(
        runtime=row["runtime"].names(),
        build=row["build"].names(),
        build_from={} if later is None else _by_minor(later),
    )


def _by_minor(lists: Value) -> dict[str, tuple[str, ...]]:
    """Lists by the first minor version they are for."""
    return {minor: names.names() for minor, names in lists.mapping().items()}


def _base(value: Value) -> str:
    """The template of an image's name."""
    found = load.template(value, {"name"})
    if not re.fullmatch(grammar.IMAGE[0], found.format(name="x")):
        raise value.error(f"{found!r} is not {grammar.IMAGE[1]}", grammar.IMAGE[2])
    return found


def _own_packages(directory: Path, name: str) -> tuple[str, ...]:
    """The Debian packages of a repository, as //catalog:added puts them beside the variants."""
    listed = (directory / added.FOLDER / "packages" / f"{name}.txt").read_text()
    return tuple(listed.split())


def _others(directory: Path, shown: Path | None) -> dict[str, Other]:
    """The variants of a catalog that docker-library hasn't."""
    catalog = load.load(directory, shown)
    return {
        variant.on(suite.name): Other(
            variant,
            suite,
            (
                *(name for layer in variant.layers for name in suite.package_sets[layer]),
                *(
                    _own_packages(directory, variant.packages[suite.name])
                    if variant.packages
                    else ()
                ),
            ),
        )
        for variant in catalog.variants.values()
        for suite in catalog.suites.values()
        if tags.additional(variant.tag) and (variant.suites is None or suite.name in variant.suites)
    }


def read(directory: Path, shown: Path | None = None) -> Recipes:
    """The checked recipes of a catalog's directory.

    Raises:
        CatalogError: anything is missing, malformed or unknown.
    """
    file = (shown or directory) / "dockerfiles.yaml"
    row = shape.read("dockerfiles", directory / "dockerfiles.yaml", file)
    bases = row["bases"].mapping()
    packages = row["packages"].mapping()
    configure = row["configure"].mapping()
    later = row["configure_from"]
    return Recipes(
        file=file,
        bases={kind: _base(value) for kind, value in bases.items()},
        packages={kind: _packages(value) for kind, value in packages.items()},
        dist_clean=row["dist_clean"].names(),
        frame_pointers=row["frame_pointers"].name(),
        lto=row["lto"].name(),
        configure={major: value.names() for major, value in configure.items()},
        configure_from=_by_minor(later),
        minors=load.minors(directory, shown),
        others=_others(directory, shown),
    )


def kind(variant: str) -> tuple[str, str]:
    """A variant's kind and its name without it: ``slim-trixie`` is (slim, trixie)."""
    name = tags.name(variant)
    if variant.startswith(tags.WINDOWS):
        found, _, rest = name.partition("-")
        return found, rest
    for prefix in ("slim-", "alpine"):
        if name.startswith(prefix):
            return prefix.rstrip("-"), name.removeprefix(prefix)
    return "default", name


def _patch(patch: Patch) -> dict[str, object]:
    """A patch as the build step has it: whole, since a Dockerfile comes without other files."""
    packed = base64.b64encode((patch.folder / patch.file).read_bytes()).decode()
    return {
        "file": patch.file,
        "sha256": patch.sha256,
        "fixes": list(patch.fixes),
        "origin": patch.origin,
        "lines": textwrap.wrap(packed, 96),
    }


def values(recipes: Recipes, family: Family, entry: Entry) -> dict[str, object]:
    """Everything the templates use, for one image.

    Raises:
        CatalogError: there are no recipes for that kind of image or minor version.
    """
    found, name = kind(entry.variant)
    target = family.targets.get(entry.variant)
    base = recipes.bases.get(found, "").format(name=name)
    own = recipes.others.get(entry.variant)
    if own is not None:
        # The slim variant's steps bring all that they need, whatever the base has.
        found, name, base = "slim", own.suite.name, own.variant.base.format(suite=own.suite.name)
        if own.variant.features:
            raise CatalogError(
                f"//images:{entry.name}",
                None,
                "",
                f"no Dockerfile makes what has features: [{', '.join(own.variant.features)}]",
                "build the target",
            )
    if target is not None and target.base is not None:
        found, base = "slim", target.base
    if not base:
        raise CatalogError(
            recipes.file, None, "bases", f"nothing for {entry.variant!r}", "add its kind"
        )
    minor = entry.release.release.minor
    if minor not in recipes.minors:
        raise CatalogError(
            recipes.file.parent / "versions.yaml",
            None,
            "minors",
            f"nothing for {minor!r}",
            "add a row",
        )
    windows = entry.constraint is not None
    alpine = found == "alpine"
    two = entry.release.release.major == 2
    sha256 = entry.release.windows_sha256 if windows else entry.release.sha256
    packages = recipes.packages.get(found, Packages((), (), {}))
    build = packages.for_minor(minor)
    if not windows and sha256 is None and build:
        build = sorted([*build, "gnupg"])
    # The full variant's base has it.
    if found in ("slim", "alpine") and entry.release.patches:
        build = sorted([*build, "patch"])
    env = {"PYTHONIOENCODING": "UTF-8"} if windows else dict(recipes.minors[minor].env)
    env["PYTHON_VERSION"] = entry.release.release.number
    if sha256 is not None:
        env["PYTHON_SHA256"] = sha256
    # What the steps need and the image is not to have.
    arguments: dict[str, str] = {}
    cmd = ["python2" if two else "python" if windows else "python3"]
    if family.build is not None:
        arguments = {
            name: text for name, text in env.items() if name not in recipes.minors[minor].env
        }
        env, cmd = dict(family.build.env), list(family.build.cmd)
    options = [
        *recipes.configure["python2" if two else "python3"],
        *_until(recipes.configure_from, minor),
    ]
    threads = ["--disable-gil"] if entry.release.release.free_threaded else []
    lto = ["--with-lto"] if _order(recipes.lto) <= _order(minor) else []
    # musl has no working profile run, and CPython 2 none worth having.
    pgo = ["--enable-optimizations"] if not alpine and not two else []
    return {
        "family": family.name,
        "image": family.image,
        "tag": entry.name,
        "base": base,
        "system": "windows" if windows else "alpine" if alpine else "debian",
        "env": env,
        "arguments": arguments,
        "cmd": cmd,
        "runtime": sorted({*own.packages} if own else packages.runtime),
        "build": build,
        "clean": "apt-get dist-clean"
        if name in recipes.dist_clean
        else "rm -rf /var/lib/apt/lists/*",
        "sha256": sha256,
        "configure": sorted([*options, *threads]),
        "optimization": pgo + lto,
        "strip": own.variant.strip if own else found == "slim",
        "gdb": not own.variant.strip if own else found == "default",
        "path": list(own.variant.path) if own else [],
        "user": own.variant.user if own else None,
        "frame_pointers": _order(recipes.frame_pointers) <= _order(minor),
        "setuptools": entry.release.setuptools,
        "python": "python2" if two else "python3",
        "pip": "pip2" if two else "pip3",
        "links": [] if two or windows else list(_LINKS),
        "patches": [] if windows else [_patch(one) for one in entry.release.patches],
        "msi": windows and two,
    }
