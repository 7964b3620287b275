"""CPython in an image, the libraries it bundles, and installed Python packages."""

from __future__ import annotations

import base64
import csv
import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from email.message import Message
from email.parser import Parser
from email.utils import getaddresses
from typing import Final

from tools.attestations.sbom import licenses
from tools.attestations.sbom.bundled import EXTERNAL
from tools.attestations.sbom.image_files import ImageFiles
from tools.attestations.sbom.model import Component, Patch, purl
from tools.attestations.sbom.sbom_error import SbomError
from tools.formats.elf import read_elf

# Bundled library -> the extension module that has it, and the system's library that would
# be needed instead.
_MODULES: Final = {
    "expat": ("pyexpat", "libexpat."),
    "mpdecimal": ("_decimal", "libmpdec."),
    "hacl-star": ("_sha2", "libcrypto."),
    "libb2": ("_blake2", "libb2."),
}
_INTERPRETER: Final = re.compile(
    r"usr/local/(?:bin/python3\.[0-9]+t?|lib/libpython3\.[0-9]+t?\.so\.1\.0)"
)
# As the interpreter, or the library that has its code, has PY_VERSION.
_VERSION: Final = re.compile(rb"\0(3\.[0-9]+\.[0-9]+(?:(?:a|b|rc)[0-9]+)?)\+?(?=\0)")
_CONFIGURATION: Final = re.compile(
    r"usr/local/(?:include/python[^/]+/pyconfig\.h|lib/python[^/]+/_sysconfigdata_[^/]*\.py)"
)
# Whose package URLs are pkg:pypi.
_INDEX: Final = "Python Package Index"
# Folders of tests, which docker-library deletes from every installation.
_DELETED: Final = re.compile(r".*/(?:test|tests|idle_test)/.*")
_CLASSIFIERS: Final = {
    "License :: OSI Approved :: MIT License": "MIT",
    "License :: OSI Approved :: Apache Software License": "Apache-2.0",
    "License :: OSI Approved :: Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "License :: OSI Approved :: Python Software Foundation License": "PSF-2.0",
}


def cpython_version(files: ImageFiles) -> tuple[str, str] | None:
    """Return (release, file that says so) of the CPython there is; None without one.

    That is a header; where there are none, the interpreter.
    """
    for path in sorted(files.contents):
        if path.endswith("/patchlevel.h"):
            found = re.search(r'#define PY_VERSION\s+"([^"]+)"', files.contents[path].decode())
            if found:
                return found[1].removesuffix("+"), path
    for path in sorted(files.contents):
        if _INTERPRETER.fullmatch(path):
            versions = set(_VERSION.findall(files.contents[path]))
            if len(versions) == 1:
                return versions.pop().decode(), path
    return None


def _has_mimalloc(files: ImageFiles) -> bool:
    """Whether CPython has been built with its copy of mimalloc, as its headers or data say."""
    return any(
        re.search(r"(?m)^#define WITH_MIMALLOC 1$|^ *'WITH_MIMALLOC': 1,$", content.decode())
        for path, content in files.contents.items()
        if _CONFIGURATION.fullmatch(path)
    )


def cpython(
    files: ImageFiles,
    source: Mapping[str, str] | None,
    libraries: Sequence[Mapping[str, str]],
    patches: tuple[Patch, ...] = (),
) -> list[Component]:
    """Return CPython, and what is compiled into it of the libraries it bundles.

    Args:
        files: the image's.
        source: what it is built from: `version`, `url` and `sha256`. None where that isn't known.
        libraries: what bundled.py found in that source.
        patches: what that source was changed by.
    """
    found = cpython_version(files)
    if not found:
        if source:
            raise SbomError(
                "usr/local",
                f"has neither patchlevel.h nor an interpreter of CPython {source['version']}",
                "Give the image that is built from this source.",
            )
        return []
    version, where = found
    if source and source["version"] != version:
        raise SbomError(
            where,
            f"is of CPython {version}, not of {source['version']}",
            "Give the source the image is built from.",
        )
    qualifiers = {}
    if source:
        qualifiers = {"checksum": f"sha256:{source['sha256']}", "download_url": source["url"]}
    components = [
        Component(
            key="cpython",
            name="cpython",
            version=version,
            kind="application",
            purl=purl("generic", "", "cpython", version, qualifiers),
            cpe=f"cpe:2.3:a:python:python:{_cpe_version(version)}:*:*:*:*:*:*",
            license="PSF-2.0",
            supplier="Python Software Foundation",
            sha256=source["sha256"] if source else "",
            file=posixpath.basename(source["url"]) if source else "",
            url=source["url"] if source else "",
            patches=patches,
        )
    ]
    components += [
        Component(
            key=f"cpython/{library['name']}",
            name=library["name"],
            version=library["version"],
            kind="library",
            purl=purl("generic", "", library["name"], library["version"])
            if library["version"]
            else "",
            cpe=library["cpe"],
            license=library["license"],
            parent="cpython",
        )
        for library in libraries
        if EXTERNAL not in library and _is_compiled_in(files, library["name"])
    ]
    return components


def _cpe_version(version: str) -> str:
    """Return version and update as CPE names have them: 3.15.0rc1 is `3.15.0:rc1`."""
    found = re.fullmatch(r"([\d.]+)((?:a|b|rc)\d+)?", version)
    return f"{found[1]}:{found[2] or '*'}" if found else f"{version}:*"


def _is_compiled_in(files: ImageFiles, library: str) -> bool:
    if files.platform.startswith("windows/"):
        # There is no system's library that python.org's build could take instead.
        return True
    if library == "mimalloc":
        return _has_mimalloc(files)
    module, system = _MODULES[library]
    for path, data in files.contents.items():
        if f"/lib-dynload/{module}." in path and (elf := read_elf(data)):
            return not any(name.startswith(system) for name in elf.needed)
    return False


def installed(files: ImageFiles) -> list[Component]:
    """Return every Python package with metadata, those vendored inside others, and bundled wheels.

    SbomError where a file isn't what its package's RECORD says.
    """
    found: list[Component] = []
    owners = sorted(path for path in files.contents if path.endswith(".dist-info/METADATA"))
    for path in owners:
        about = Parser().parsestr(files.text(path) or "")
        name, version = about.get("Name", ""), about.get("Version", "")
        if not name or not version:
            raise SbomError(f"/{path}", "names no package and version", "Install it again.")
        site = posixpath.dirname(posixpath.dirname(path))
        _check_record(files, posixpath.dirname(path), site)
        parent = next((c.key for c in found if _is_inside(site, c)), "")
        found.append(
            _python_package(
                f"{parent or 'pypi'}/{_normal(name)}",
                name,
                version,
                _license(about),
                parent,
                (site,),
                _supplier(about, "" if parent else _INDEX),
            )
        )
        found += _vendored(files, site, found[-1])
    return _unique(found + list(_bundled_wheels(files)))


def _python_package(
    key: str,
    name: str,
    version: str,
    license_id: str,
    parent: str,
    paths: tuple[str, ...],
    supplier: str = "",
) -> Component:
    return Component(
        key=key,
        name=name,
        version=version,
        kind="library",
        purl=purl("pypi", "", _normal(name), version),
        license=license_id,
        supplier=supplier,
        parent=parent,
        paths=paths,
    )


def _is_inside(site: str, component: Component) -> bool:
    """Whether packages in the folder `site` are vendored by the component."""
    return any(site == f"{p}/{_module(component.name)}/_vendor" for p in component.paths)


def _module(name: str) -> str:
    return _normal(name).replace("-", "_")


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _vendored(files: ImageFiles, site: str, owner: Component) -> Iterator[Component]:
    """What a package lists in its _vendor/vendor.txt, as pip does."""
    text = files.text(f"{site}/{_module(owner.name)}/_vendor/vendor.txt") or ""
    for line in text.splitlines():
        found = re.match(r"\s*([A-Za-z0-9][\w.-]*)==([^\s;#]+)", line)
        if found:
            folder = f"{site}/{_module(owner.name)}/_vendor"
            yield _python_package(
                f"{owner.key}/{_normal(found[1])}", found[1], found[2], "", owner.key, (folder,)
            )


def _bundled_wheels(files: ImageFiles) -> Iterator[Component]:
    """The wheels ensurepip carries: they are there to be installed into virtual environments."""
    for path, sha256 in sorted(files.hashes.items()):
        if "/ensurepip/_bundled/" in path:
            file = posixpath.basename(path)
            name, version, *_ = file.split("-")
            yield Component(
                key=f"cpython/ensurepip/{_normal(name)}",
                name=name,
                version=version,
                kind="library",
                purl=purl("pypi", "", _normal(name), version, {"file_name": file}),
                sha256=sha256,
                file=file,
                parent="cpython",
                paths=(path,),
            )


def _unique(components: list[Component]) -> list[Component]:
    by_key: dict[str, Component] = {}
    for component in components:
        other = by_key.setdefault(component.key, component)
        if other.version != component.version:
            raise SbomError(
                component.key,
                f"is there twice, as {other.version} and {component.version}",
                "Install one of them.",
            )
    return sorted(by_key.values(), key=lambda component: component.key)


def _supplier(about: Message, otherwise: str) -> str:
    """Who makes a package by its metadata: its maintainers, or else its authors; names only."""
    for key in ("Maintainer", "Maintainer-email", "Author", "Author-email"):
        people = about.get_all(key, [])
        if key.endswith("-email"):
            people = [name or address for name, address in getaddresses(people)]
        if found := ", ".join(" ".join(person.split()) for person in people if person):
            return found
    return otherwise


def _license(about: Message) -> str:
    """The licence a package's metadata declares, where that is a licence SPDX knows."""
    if expression := about.get("License-Expression", ""):
        return expression.strip()
    for classifier in about.get_all("Classifier", []):
        if classifier in _CLASSIFIERS:
            return _CLASSIFIERS[classifier]
    return licenses.spdx_id(about.get("License", "").strip()) or ""


def _check_record(files: ImageFiles, info: str, site: str) -> None:
    record = files.text(f"{info}/RECORD")
    if record is None:
        return
    for path, digest, *_ in csv.reader(record.splitlines()):
        algorithm, _, value = digest.partition("=")
        full = posixpath.normpath(posixpath.join(site, path))
        if algorithm != "sha256" or _DELETED.fullmatch(full):
            continue
        actual = files.hashes.get(full)
        expected = base64.urlsafe_b64decode(value + "=" * (-len(value) % 4)).hex()
        if actual != expected:
            raise SbomError(
                f"/{full}",
                f"{'is missing' if actual is None else 'differs'}; /{info}/RECORD lists it",
                "Install the package again, and change nothing of it.",
            )
