"""Signed archives for tests, of any .deb files, as apt takes them.

Signing needs gpg on the machine.
"""

from __future__ import annotations

import gzip
import hashlib
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tools.formats.debian.deb import read_deb


class Signer:
    """A throw-away key."""

    def __init__(self, home: Path) -> None:
        home.mkdir(mode=0o700)
        self._gpg = ["gpg", "--batch", "--quiet", "--homedir", str(home)]
        self.keyring = home / "archive.gpg"
        key = ["--passphrase", "", "--quick-generate-key", "test@a.test", "ed25519", "sign", "0"]
        subprocess.run([*self._gpg, *key], check=True, capture_output=True)
        subprocess.run([*self._gpg, "--export", "--output", str(self.keyring)], check=True)

    def sign(self, folder: Path) -> None:
        """Write InRelease beside Release."""
        output = str(folder / "InRelease")
        command = [*self._gpg, "--yes", "--clearsign", "--output", output, str(folder / "Release")]
        subprocess.run(command, check=True, capture_output=True)


@dataclass(frozen=True)
class Listed:
    """A package as an index lists it: its .deb, its component, and further fields."""

    deb: Path
    component: str = "main"
    fields: Mapping[str, str] = field(default_factory=dict)


def _stanza(root: Path, listed: Listed) -> str:
    """The index's paragraph of a package, whose .deb is linked into the pool."""
    control = read_deb(listed.deb).control
    name = control["Package"]
    data = listed.deb.read_bytes()
    path = root / "pool" / listed.component / name[0] / name / listed.deb.name
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        path.symlink_to(listed.deb.resolve())
    fields = {
        **control,
        "Filename": str(path.relative_to(root)),
        "Size": str(len(data)),
        "SHA256": hashlib.sha256(data).hexdigest(),
        **listed.fields,
    }
    return "".join(f"{key}: {value}\n" for key, value in fields.items())


def write_pocket(
    root: Path,
    pocket: str,
    packages: Mapping[str, Sequence[Listed]],
    components: Sequence[str],
    signer: Signer,
    *,
    by_hash: bool = False,
) -> None:
    """Write and sign `dists/<pocket>` below `root`: architecture -> its packages.

    `by_hash`: indexes are there under their hashes, too; those of earlier calls stay.
    """
    top = root / "dists" / pocket
    for arch, listed in packages.items():
        for component in components:
            folder = top / component / f"binary-{arch}"
            folder.mkdir(parents=True, exist_ok=True)
            text = "\n".join(_stanza(root, item) for item in listed if item.component == component)
            (folder / "Packages").write_text(text)
            packed = gzip.compress(text.encode(), mtime=0)
            (folder / "Packages.gz").write_bytes(packed)
            if by_hash:
                hashed = folder / "by-hash/SHA256" / hashlib.sha256(packed).hexdigest()
                hashed.parent.mkdir(parents=True, exist_ok=True)
                hashed.write_bytes(packed)
    sums = "".join(
        f" {hashlib.sha256(path.read_bytes()).hexdigest()} {path.stat().st_size} "
        f"{path.relative_to(top)}\n"
        for path in sorted(top.rglob("Packages*"))
    )
    (top / "Release").write_text(
        f"Suite: {pocket}\nCodename: {pocket.partition('-')[0]}\n"
        f"Architectures: {' '.join(packages)}\nComponents: {' '.join(components)}\n"
        f"Date: Thu, 19 Nov 2026 00:00:00 UTC\n"
        f"{'Acquire-By-Hash: yes' if by_hash else 'Label: x'}\nSHA256:\n{sums}"
    )
    signer.sign(top)
