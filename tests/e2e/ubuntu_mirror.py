"""A mirror of Ubuntu's archive made of Debian's packages, for tests.

Real packages under Ubuntu's names: suite noble with its pockets, components main and universe, in
two halves, and their members compressed by zstd as Ubuntu's are; the system calls itself Ubuntu,
and its apt depends on Ubuntu's keys. Signing needs gpg on the machine.
"""

from __future__ import annotations

import hashlib
import io
import re
import tarfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.formats.debian.deb import ControlFile, read_deb
from tools.formats.debian.deb_fixtures import ar, file, make_tar, pack
from tools.packages.debian.archive_fixtures import Listed, Signer, write_pocket

COMPONENTS = ("main", "universe")
HALVES = {"amd64": "ubuntu", "arm64": "ubuntu-ports"}
# What isn't in the suite itself, main: where it is instead. Nothing of a minimal system, which is
# decided by what that has.
ELSEWHERE = {
    "ca-certificates": ("noble-updates", "main"),
    "openssl": ("noble-security", "main"),
    "netbase": ("noble", "universe"),
}
# Files that packages of Ubuntu's have otherwise, by package and path.
FILES = {
    "base-files": {
        "usr/lib/os-release": b"""\
PRETTY_NAME="Ubuntu 24.04 LTS"
NAME="Ubuntu"
VERSION_ID="24.04"
VERSION_CODENAME=noble
ID=ubuntu
ID_LIKE=debian
UBUNTU_CODENAME=noble
"""
    },
}
Edit = Callable[[dict[str, ControlFile]], None]


def repack(deb: Path, folder: Path, edits: Sequence[Edit] = ()) -> Path:
    """Write the package into `folder` as Ubuntu's are; `edits` may change its control files."""
    read = read_deb(deb)
    control = dict(read.control_files)
    files = FILES.get(read.control["Package"], {})
    for edit in edits:
        edit(control)
    for changed, content in files.items():
        _new_md5(control, changed, content)
    members = [
        (file(f"./{name}", found.mode, found.mtime), found.data) for name, found in control.items()
    ]
    path = folder / deb.name
    path.write_bytes(
        ar(
            {
                "debian-binary": b"2.0\n",
                "control.tar.zst": pack(make_tar(members), ".zst"),
                "data.tar.zst": pack(_with_files(read.data, files), ".zst"),
            }
        )
    )
    return path


def _new_md5(control: dict[str, ControlFile], path: str, content: bytes) -> None:
    old = control["md5sums"]
    digest = hashlib.md5(content, usedforsecurity=False).hexdigest()
    lines = [
        f"{digest}  {path}" if line.endswith(f"  {path}") else line
        for line in old.data.decode().splitlines()
    ]
    control["md5sums"] = old._replace(data="".join(f"{line}\n" for line in lines).encode())


def _with_files(data: bytes, files: Mapping[str, bytes]) -> bytes:
    """The archive with other contents of some of its files."""
    if not files:
        return data
    out, left = io.BytesIO(), dict(files)
    with (
        tarfile.open(fileobj=io.BytesIO(data)) as old,
        tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as new,
    ):
        for info in old:
            content = left.pop(info.name.removeprefix("./"), None)
            if content is None:
                new.addfile(info, old.extractfile(info) if info.isreg() else None)
            else:
                info.size = len(content)
                new.addfile(info, io.BytesIO(content))
    assert not left, f"no {', '.join(left)} in it: the fixture is out of date"
    return out.getvalue()


def depend_on(name: str) -> Edit:
    """An edit that adds a dependency to those there are."""

    def edit(control: dict[str, ControlFile]) -> None:
        found = control["control"]
        assert found.data.count(b"\nDepends: ") == 1
        data = found.data.replace(b"\nDepends: ", f"\nDepends: {name}, ".encode())
        control["control"] = found._replace(data=data)

    return edit


def append_to(script: str, text: str) -> Edit:
    """An edit that adds lines to a maintainer script, in front of what debhelper generated."""

    def edit(control: dict[str, ControlFile]) -> None:
        found = control[script]
        first, _, rest = found.data.partition(b"\n")
        control[script] = found._replace(data=first + b"\n" + text.encode() + rest)

    return edit


@dataclass(frozen=True)
class Packages:
    """.debs of one architecture: those of images, and those that only compile."""

    image: Sequence[Path]
    tools: Sequence[Path]


def _any_version(control: Mapping[str, str]) -> dict[str, str]:
    """The dependencies of a package without exact versions.

    Packages for compiling come from a lock that may be older than that of the images.
    """
    depends = control.get("Depends", "")
    return {"Depends": re.sub(r" \(= [^)]*\)", "", depends)} if depends else {}


def write_mirror(
    top: Path, packages: dict[str, Packages], signer: Signer, edits: Mapping[str, Edit]
) -> None:
    """Write both halves below `top`. `edits` change packages, by name."""
    for arch, found in packages.items():
        folder = top / "debs" / arch
        folder.mkdir(parents=True)
        pockets: dict[str, list[Listed]] = {
            "noble": [],
            "noble-updates": [],
            "noble-security": [],
        }
        for deb in found.image:
            name = read_deb(deb).control["Package"]
            pocket, component = ELSEWHERE.get(name, ("noble", "main"))
            changes = [edits[name]] if name in edits else []
            if name == "apt":
                changes.append(depend_on("ubuntu-keyring"))
            made = repack(deb, folder, changes)
            pockets[pocket].append(Listed(made, component))
        names = {read_deb(deb).control["Package"] for deb in found.image}
        for deb in found.tools:
            control = read_deb(deb).control
            if control["Package"] not in names:
                pockets["noble"].append(Listed(deb, fields=_any_version(control)))
        for pocket, listed in pockets.items():
            write_pocket(top / HALVES[arch], pocket, {arch: listed}, COMPONENTS, signer)
