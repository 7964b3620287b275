"""A mirror of Ubuntu's archive made of Debian's packages, for tests.

Real packages under Ubuntu's names: suite noble with its pockets, components main and universe, in
two halves, and their members compressed by zstd as Ubuntu's are. Signing needs gpg on the machine.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.debian.archive_fixtures import Listed, Signer, write_pocket
from tools.debian.deb import ControlFile, read_deb
from tools.debian.fixtures import ar, file, make_tar, pack

COMPONENTS = ("main", "universe")
HALVES = {"amd64": "ubuntu", "arm64": "ubuntu-ports"}
# What isn't in the suite itself, main: where it is instead. Nothing of a minimal system, which is
# decided by what that has.
ELSEWHERE = {
    "ca-certificates": ("noble-updates", "main"),
    "openssl": ("noble-security", "main"),
    "netbase": ("noble", "universe"),
}
Edit = Callable[[dict[str, ControlFile]], None]


def repack(deb: Path, folder: Path, edit: Edit | None = None) -> Path:
    """Writes the package into `folder` as Ubuntu's are; `edit` may change its control files."""
    read = read_deb(deb)
    control = dict(read.control_files)
    if edit is not None:
        edit(control)
    members = [
        (file(f"./{name}", found.mode, found.mtime), found.data) for name, found in control.items()
    ]
    path = folder / deb.name
    path.write_bytes(
        ar(
            {
                "debian-binary": b"2.0\n",
                "control.tar.zst": pack(make_tar(members), ".zst"),
                "data.tar.zst": pack(read.data, ".zst"),
            }
        )
    )
    return path


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


def write_mirror(
    top: Path, packages: dict[str, Packages], signer: Signer, edits: dict[str, Edit]
) -> None:
    """Writes both halves below `top`. `edits` change packages, by name."""
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
            # In Ubuntu apt depends on it.
            fields = {"Priority": "required"} if name == "ubuntu-keyring" else {}
            made = repack(deb, folder, edits.get(name))
            pockets[pocket].append(Listed(made, component, fields))
        names = {deb.name for deb in found.image}
        pockets["noble"] += [Listed(deb) for deb in found.tools if deb.name not in names]
        for pocket, listed in pockets.items():
            write_pocket(top / HALVES[arch], pocket, {arch: listed}, COMPONENTS, signer)
