"""catalog/windows.yaml: images on Windows Server Core. A catalog without the file has none."""

from __future__ import annotations

from collections.abc import Mapping as Dict
from dataclasses import dataclass
from pathlib import Path

from tools.catalog import load, shape, tags
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


def _releases(value: Value) -> dict[str, str]:
    return {name: row.mapping()["build"].name() for name, row in value.mapping().items()}


def _sums(value: Value) -> dict[str, Sums]:
    found: dict[str, Sums] = {}
    rows = value.mapping()
    for name, item in rows.items():
        load.release(rows.key(name))
        row = item.mapping()
        archive, installer = row.get("archive"), row.get("installer")
        found[name] = Sums(
            None if archive is None else archive.name(),
            None if installer is None else installer.name(),
        )
    return found


def read(directory: Path, shown: Path | None = None) -> Windows | None:
    """The checked file of the catalog in ``directory``, or None if it has none.

    Raises:
        CatalogError: anything is missing, malformed or unknown.
    """
    if not (directory / FILE).is_file():
        return None
    top = shape.read("windows", directory / FILE, (shown or directory) / FILE)
    minors = top["minors"]
    known = load.minors(directory, shown)
    for minor in minors.sequence():
        minor.one_of(known, "minor version")
    env = top["env"].mapping()
    variables = {name: value.text() for name, value in env.items()}
    for name in variables:
        if name.upper() in ("PATH", "PYTHON_VERSION", "PYTHON_SHA256"):
            raise env.key(name).error("is set by the build", "remove it")
    return Windows(
        repository=top["repository"].name(),
        releases=_releases(top["releases"]),
        minors=minors.names(),
        archive=load.template(top["archive"], {"base", "version"}),
        leave_out=top["leave_out"].names(),
        path=_texts(top["path"]),
        system_path=_texts(top["system_path"]),
        env=variables,
        cmd=_texts(top["cmd"]),
        shell=_texts(top["shell"]),
        sha256=_sums(top["sha256"]),
    )


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
