"""catalog/platforms.yaml: the platforms images exist for, and the architectures pages name."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tools.catalog import yamlfile
from tools.catalog.yamlfile import Mapping, Value

FILE = "platforms.yaml"
_NAME = r"[a-z][a-z0-9-]*"
_WORD = (r"[A-Za-z0-9][A-Za-z0-9_-]*", "a word", "use letters, digits, - and _")


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
    return otherwise if value is None else value.matching(*_WORD)


def _listed(row: Mapping, key: str) -> tuple[str, ...]:
    value = row.get(key)
    return () if value is None else value.names()


def _byte(value: Value, most: int, what: str) -> int:
    number = value.integer()
    if not 0 <= number <= most:
        raise value.error(f"{number} is not {what}", f"write one from 0 to {most}")
    return number


def _oci(value: Value) -> OciPlatform:
    row = value.mapping()
    variant = row.get("variant")
    made = OciPlatform(
        os=row.need("os", "write linux").text(),
        architecture=row.need("architecture", "write GOARCH's name").text(),
        variant=None if variant is None else variant.text(),
    )
    row.done()
    return made


def _page(name: str, value: Value, oci: OciPlatform | None = None) -> Architecture:
    row = value.mapping()
    platform = None if oci else row.need("platform", "write Docker's platform, such as linux/arm64")
    made = Architecture(
        name=name,
        description=row.need("description", "say what it is").text(),
        others=row.need("others", "list other usual names, [] for none").names(),
        platform=platform.text() if platform else str(oci),
        namespace=name.replace("windows-", "win"),
    )
    row.done()
    return made


def _rootfs(value: Value) -> Rootfs:
    row = value.mapping()
    made = Rootfs(
        ld_so_cache=_byte(
            row.need("ld_so_cache", "add the byte of glibc's flag"), 255, "a byte of flags"
        ),
        links=_listed(row, "links"),
    )
    row.done()
    return made


def _alpine(value: Value, platforms: Iterable[str]) -> Musl:
    row = value.mapping()
    gnu = row.need("gnu", "add the GNU triplet").matching(*_WORD)
    libgcc = row.get("libgcc")
    made = Musl(
        name=row.need("name", "write Alpine's name").matching(
            r"[a-z0-9_]+", "an architecture", "write Alpine's name of it"
        ),
        gnu=gnu,
        triplet=_optional(row, "triplet", gnu),
        clang=_optional(row, "clang", gnu),
        loader=row.need("loader", "write it as in /lib/ld-musl-<loader>.so.1").matching(*_WORD),
        flags=_listed(row, "flags"),
        libgcc="" if libgcc is None else libgcc.one_of(platforms, "platform"),
        libraries=_listed(row, "libraries"),
    )
    row.done()
    return made


def _compile(value: Value) -> Compile:
    row = value.mapping()
    jit = row.get("jit")
    flags = row.need("frame_pointers", "list CFLAGS that keep frame pointers, [] for none")
    profile = row.need("profile", "name a class of profiles, or write none").matching(
        "[a-z][a-z0-9]*", "a class of profiles", "write one such as le64, or none"
    )
    for flag in flags.sequence():
        flag.matching(r"-[fm]\S+", "an option of gcc", "write it as gcc wants it")
    made = Compile(
        frame_pointers=flags.names(),
        jit=jit is not None and jit.boolean(),
        lto=row.need("lto", "write true or false").boolean(),
        profile=None if profile == "none" else profile,
    )
    row.done()
    return made


def _platform(name: str, row: Mapping, platforms: Iterable[str]) -> Platform:
    sample, gnu, alpine = row.get("sample"), row.get("gnu"), row.get("alpine")
    triplet = row.need("triplet", "add the multiarch directory").text()
    docker = row.need("docker", "add docker-library's name").matching(*_WORD)
    qemu = row.need("qemu", "write QEMU's name, or none").matching(*_WORD)
    oci = _oci(row.need("oci", "add os, architecture and, if any, variant"))
    made = Platform(
        name=name,
        oci=oci,
        docker=docker,
        page=_page(docker, row.need("page", "add description and others"), oci),
        debian=row.need("debian", "add Debian's architecture").text(),
        triplet=triplet,
        gnu=triplet if gnu is None else gnu.text(),
        bits=int(row.need("bits", "write 32 or 64").one_of(("32", "64"), "word size")),
        endian=row.need("endian", "write little or big").one_of(("little", "big"), "byte order"),
        machine=_byte(row.need("machine", "add ELF's e_machine"), 0xFFFF, "an e_machine"),
        uname=row.need("uname", "write what `uname -m` says").matching(*_WORD),
        cpu=row.need("cpu", "name the constraint, @platforms//cpu:<cpu>").matching(*_WORD),
        qemu=None if qemu == "none" else qemu,
        rootfs=_rootfs(row.need("rootfs", "add ld_so_cache and, if any, links")),
        alpine=None if alpine is None else _alpine(alpine, platforms),
        compile=_compile(row.need("compile", "add frame_pointers, lto and profile")),
        aliases=_listed(row, "aliases"),
        sample=sample is not None and sample.boolean(),
    )
    row.done()
    return made


def _rows(value: Value) -> list[tuple[str, Mapping]]:
    top = value.mapping()
    rows: list[tuple[str, Mapping]] = []
    for key, row in top.items():
        if re.fullmatch(_NAME, key) is None:
            raise top.key(key).error(f"{key!r} can't be the name of a platform", f"match {_NAME}")
        rows.append((key, row.mapping()))
    if not rows:
        raise value.error("names no platform", "add at least one platform")
    return rows


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
    listed = top.need("platforms", "add a 'platforms' mapping")
    older = top.get("pages")
    top.done()
    found: dict[str, Platform] = {}
    taken: dict[str, str] = {}
    rows = _rows(listed)
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
    return parse(yamlfile.read(directory / FILE, (shown or directory) / FILE))
