"""catalog/windows.yaml: images on Windows Server Core. A catalog without the file has none."""

from __future__ import annotations

import re
from collections.abc import Mapping as Dict
from dataclasses import dataclass
from pathlib import Path

from tools.catalog import load, tags, yamlfile
from tools.catalog.model import Catalog, Version
from tools.catalog.yamlfile import Value

FILE = "windows.yaml"
RELEASE = r"ltsc\d{4}"
_PREFIX = f"{tags.WINDOWS}windowsservercore-"


@dataclass(frozen=True)
class Sums:
    """SHA-256 of a release's zip archive and of its installer; None where unknown."""

    archive: str | None = None
    installer: str | None = None


@dataclass(frozen=True)
class Windows:
    """The whole file; its comments describe the fields. `releases` maps a tag to its build."""

    repository: str
    releases: Dict[str, str]
    minors: tuple[str, ...]
    archive: str
    leave_out: tuple[str, ...]
    path: tuple[str, ...]
    system_path: tuple[str, ...]
    env: Dict[str, str]
    cmd: tuple[str, ...]
    shell: tuple[str, ...]
    sha256: Dict[str, Sums]

    def variants(self, version: Version) -> list[str]:
        """The variants a release has on Windows: ``windows/windowsservercore-ltsc2025`` ...

        An archived release has none: its base images move on without it.
        """
        if version.minor.name not in self.minors or version.release.free_threaded:
            return []
        if version.archived:
            return []
        return [_PREFIX + release for release in self.releases]

    def sums(self, version: Version) -> Sums:
        """What is known of a release's files."""
        return self.sha256.get(version.release.number, Sums())

    def url(self, version: Version) -> str:
        """Where python.org has the release's zip archive."""
        return self.archive.format(base=version.release.base, version=version.release.number)


@dataclass(frozen=True)
class WindowsImage:
    """One image: a release on one Windows; `tags` are its alone."""

    version: Version
    release: str
    tags: tuple[str, ...]

    @property
    def name(self) -> str:
        """The first tag."""
        return self.tags[0]


@dataclass(frozen=True)
class Joint:
    """An index of a release's images on several systems.

    Attributes:
        version: the release.
        tags: all of it, shared tags of rule 4.
        images: names of its Windows images.
        linux: name of the image on the default suite; "" in an index of Windows images alone.
    """

    version: Version
    tags: tuple[str, ...]
    images: tuple[str, ...]
    linux: str


def images(catalog: Catalog, windows: Windows) -> tuple[list[WindowsImage], list[Joint]]:
    """Every Windows image of the catalog, and every index that joins some; newest release first."""
    newest = catalog.newest()
    made: list[WindowsImage] = []
    joints: list[Joint] = []
    for version in catalog.versions.values():
        above = windows.variants(version)
        pairs = catalog.combinations(version)
        below = [variant.on(suite.name) for suite, variant in pairs]
        bases = tags.base_tags(
            version.release,
            version.aliases,
            newest=newest[version.release.label] is version,
        )
        ours = [
            WindowsImage(
                version,
                variant.removeprefix(_PREFIX),
                tuple(tags.simple_tags(bases, variant, (*below, *above))),
            )
            for variant in above
        ]
        made += ours
        if not ours:
            continue
        names = tuple(image.name for image in ours)
        shared = tags.shared_tags(bases, above[0], (*below, *above))
        alone = tuple(tag for tag in shared if tag not in bases)
        joints.append(Joint(version, alone, names, ""))
        linux = [name for name in below if set(bases) & set(tags.shared_tags(bases, name, below))]
        if linux:
            first = tags.simple_tags(bases, linux[0], below)[0]
            joints.append(Joint(version, tuple(bases), names, first))
    return made, joints


def _texts(value: Value) -> tuple[str, ...]:
    """A list of texts that may repeat."""
    return tuple(item.text() for item in value.sequence())


def _folder(value: Value) -> str:
    return value.matching(
        r"(?!/)[^\\:;]+", "a path in the archive", "write it with / and without a drive"
    )


def _releases(value: Value) -> dict[str, str]:
    rows = value.mapping()
    found: dict[str, str] = {}
    for name, item in rows.items():
        rows.key(name).matching(RELEASE, "a Windows release", "write it as tags do: ltsc2025")
        row = item.mapping()
        found[name] = row.need("build", "add what its os.version begins with").matching(
            r"\d+\.\d+\.\d+", "a build of Windows", "write it as 10.0.26100"
        )
        row.done()
    return found


def _sums(value: Value) -> dict[str, Sums]:
    found: dict[str, Sums] = {}
    rows = value.mapping()
    for name, item in rows.items():
        load.release(rows.key(name))
        row = item.mapping()
        archive, installer = row.get("archive"), row.get("installer")
        found[name] = Sums(
            None if archive is None else load.sha256(archive),
            None if installer is None else load.sha256(installer),
        )
        row.done()
    return found


def read(directory: Path, shown: Path | None = None) -> Windows | None:
    """The checked file of the catalog in ``directory``, or None if it has none.

    Raises:
        CatalogError: anything is missing, malformed or unknown.
    """
    if not (directory / FILE).is_file():
        return None
    top = yamlfile.read(directory / FILE, (shown or directory) / FILE)
    minors = top.need("minors", "list the minor versions that have Windows images")
    known = load.minors(directory, shown)
    for minor in minors.sequence():
        minor.one_of(known, "minor version")
    leave_out = top.need("leave_out", "list what of the archive isn't wanted")
    for item in leave_out.sequence():
        _folder(item)
    env = top.need("env", "add a mapping, {} for none").mapping()
    variables = {name: value.text() for name, value in env.items()}
    for name in variables:
        if name.upper() in ("PATH", "PYTHON_VERSION", "PYTHON_SHA256"):
            raise env.key(name).error("is set by the build", "remove it")
    windows = Windows(
        repository=top.need("repository", "name the base images' repository").matching(
            r"[a-z0-9]+([._/-][a-z0-9]+)*", "a repository", "write it without a registry's host"
        ),
        releases=_releases(top.need("releases", "add a mapping of base images")),
        minors=minors.names(),
        archive=load.template(
            top.need("archive", "add the address of the zip"), {"base", "version"}
        ),
        leave_out=leave_out.names(),
        path=_texts(top.need("path", "list Python's folders")),
        system_path=_texts(top.need("system_path", "list Windows' folders")),
        env=variables,
        cmd=_texts(top.need("cmd", "list the default command")),
        shell=_texts(top.need("shell", "list the shell of RUN")),
        sha256=_sums(top.need("sha256", "add a mapping of releases, {} for none")),
    )
    top.done()
    for key in ("path", "system_path"):
        for folder in getattr(windows, key):
            if not re.match(r"[A-Z]:\\", folder) or ";" in folder:
                raise top.need(key, "").error(
                    f"{folder!r} is no folder of Windows", r"write it as C:\Python"
                )
    return windows


def export(catalog: Catalog, windows: Windows | None) -> dict[str, object]:
    """What Starlark is told of Windows images; the shape is in export.py."""
    if windows is None:
        return {"releases": [], "images": [], "joints": [], "archives": {}}
    made, joints = images(catalog, windows)
    versions = {image.version.name: image.version for image in made}
    return {
        "repository": windows.repository,
        "releases": list(windows.releases),
        "leave_out": list(windows.leave_out),
        "path": list(windows.path),
        "system_path": list(windows.system_path),
        "env": dict(windows.env),
        "cmd": list(windows.cmd),
        "shell": list(windows.shell),
        "archives": {
            name: {"url": windows.url(version), "sha256": windows.sums(version).archive or ""}
            for name, version in versions.items()
        },
        "images": [
            {
                "name": image.name,
                "version": image.version.name,
                "release": image.release,
                "tags": list(image.tags),
            }
            for image in made
        ],
        "joints": [
            {
                "version": joint.version.name,
                "tags": list(joint.tags),
                "images": list(joint.images),
                "linux": joint.linux,
            }
            for joint in joints
        ],
    }
