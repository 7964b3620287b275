"""catalog/platforms.yaml: the platforms images exist for, and the architectures pages name."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tools.catalog import shape
from tools.catalog.yamlfile import Mapping, Value

FILE = "platforms.yaml"


@dataclass(frozen=True)
class OciPlatform:
    """The platform of an image index entry."""

    os: str
    architecture: str
    variant: str | None

    def __str__(self) -> str:
        """As Docker's --platform has it."""
        return "/".join(filter(None, (self.os, self.architecture, self.variant)))


@dataclass(frozen=True)
class Architecture:
    """An architecture as pages name it.

    Attributes:
        name: docker-library's name.
        description: what it is, for people.
        others: other usual names, the first being Docker's platform.
        platform: Docker's platform in full, such as ``linux/arm/v7``.
        namespace: where images for this architecture alone are published.
    """

    name: str
    description: str
    others: tuple[str, ...]
    platform: str
    namespace: str


@dataclass(frozen=True)
class Rootfs:
    """What a Debian root file system has of a platform; fields as in catalog/platforms.yaml."""

    ld_so_cache: int
    links: tuple[str, ...]


@dataclass(frozen=True)
class Musl:
    """What compiling for Alpine takes; fields as in catalog/platforms.yaml."""

    name: str
    gnu: str
    triplet: str
    clang: str
    loader: str
    flags: tuple[str, ...]
    libgcc: str
    libraries: tuple[str, ...]


@dataclass(frozen=True)
class Compile:
    """How CPython is compiled on a platform; fields as in catalog/platforms.yaml."""

    frame_pointers: tuple[str, ...]
    jit: bool
    lto: bool
    profile: str | None


@dataclass(frozen=True)
class Platform:
    """A platform images are built for; fields as in catalog/platforms.yaml.

    ``qemu`` is None where the build machine runs its programs, ``alpine`` where Alpine hasn't it.
    """

    name: str
    oci: OciPlatform
    docker: str
    page: Architecture
    debian: str
    triplet: str
    gnu: str
    bits: int
    endian: str
    machine: int
    uname: str
    cpu: str
    qemu: str | None
    rootfs: Rootfs
    alpine: Musl | None
    compile: Compile
    aliases: tuple[str, ...]
    sample: bool


def _optional(row: Mapping, key: str, otherwise: str) -> str:
    value = row.get(key)
    return otherwise if value is None else value.name()


def _listed(row: Mapping, key: str) -> tuple[str, ...]:
    value = row.get(key)
    return () if value is None else value.names()


def _oci(value: Value) -> OciPlatform:
    row = value.mapping()
    variant = row.get("variant")
    return OciPlatform(
        os=row["os"].text(),
        architecture=row["architecture"].text(),
        variant=None if variant is None else variant.text(),
    )


def _page(name: str, value: Value, oci: OciPlatform | None = None) -> Architecture:
    row = value.mapping()
    platform = None if oci else row["platform"]
    return Architecture(
        name=name,
        description=row["description"].text(),
        others=row["others"].names(),
        platform=platform.text() if platform else str(oci),
        namespace=name.replace("windows-", "win"),
    )


def _rootfs(value: Value) -> Rootfs:
    row = value.mapping()
    return Rootfs(
        ld_so_cache=row["ld_so_cache"].integer(),
        links=_listed(row, "links"),
    )


def _alpine(value: Value, platforms: Iterable[str]) -> Musl:
    row = value.mapping()
    gnu = row["gnu"].name()
    libgcc = row.get("libgcc")
    return Musl(
        name=row["name"].name(),
        gnu=gnu,
        triplet=_optional(row, "triplet", gnu),
        clang=_optional(row, "clang", gnu),
        loader=row["loader"].name(),
        flags=_listed(row, "flags"),
        libgcc="" if libgcc is None else libgcc.one_of(platforms, "platform"),
        libraries=_listed(row, "libraries"),
    )


def _compile(value: Value) -> Compile:
    row = value.mapping()
    jit = row.get("jit")
    flags = row["frame_pointers"]
    profile = row["profile"].name()
    return Compile(
        frame_pointers=flags.names(),
        jit=jit is not None and jit.boolean(),
        lto=row["lto"].boolean(),
        profile=None if profile == "none" else profile,
    )


def _platform(name: str, row: Mapping, platforms: Iterable[str]) -> Platform:
    sample, gnu, alpine = row.get("sample"), row.get("gnu"), row.get("alpine")
    triplet = row["triplet"].text()
    docker = row["docker"].name()
    qemu = row["qemu"].name()
    oci = _oci(row["oci"])
    return Platform(
        name=name,
        oci=oci,
        docker=docker,
        page=_page(docker, row["page"], oci),
        debian=row["debian"].text(),
        triplet=triplet,
        gnu=triplet if gnu is None else gnu.text(),
        bits=row["bits"].integer(),
        endian=row["endian"].name(),
        machine=row["machine"].integer(),
        uname=row["uname"].name(),
        cpu=row["cpu"].name(),
        qemu=None if qemu == "none" else qemu,
        rootfs=_rootfs(row["rootfs"]),
        alpine=None if alpine is None else _alpine(alpine, platforms),
        compile=_compile(row["compile"]),
        aliases=_listed(row, "aliases"),
        sample=sample is not None and sample.boolean(),
    )


@dataclass(frozen=True)
class Platforms:
    """The whole file.

    Attributes:
        platforms: those images are built for.
        pages: architectures as pages name them, by docker-library's name.
    """

    platforms: dict[str, Platform]
    pages: dict[str, Architecture]


def parse(top: Mapping) -> Platforms:
    """What the file holds. Raises CatalogError."""
    listed = top["platforms"]
    older = top.get("pages")
    found: dict[str, Platform] = {}
    taken: dict[str, str] = {}
    rows = [(name, row.mapping()) for name, row in listed.mapping().items()]
    names = [name for name, _ in rows]
    for name, row in rows:
        platform = _platform(name, row, names)
        for alias in (name, *platform.aliases):
            if alias in taken:
                raise (row.get("aliases") or row.value).error(
                    f"{alias!r} already names platform {taken[alias]}", "use another alias"
                )
            taken[alias] = name
        found[name] = platform
    pages = {platform.docker: platform.page for platform in found.values()}
    for name, value in older.mapping().items() if older is not None else ():
        if name in pages:
            raise value.error(f"{name!r} is a platform's", "remove it")
        pages[name] = _page(name, value)
    return Platforms(found, pages)


def read(directory: Path, shown: Path | None = None) -> Platforms:
    """What the file in the catalog ``directory`` holds; errors call that ``shown``.

    Raises:
        CatalogError: anything is missing, malformed or contradictory.
    """
    return parse(shape.read("platforms", directory / FILE, (shown or directory) / FILE))
