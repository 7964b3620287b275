"""A Debian archive of exactly the given packages, for tools that install from one."""

from __future__ import annotations

import gzip
import hashlib
import os
import time
from collections.abc import Collection, Iterable
from pathlib import Path

from tools.formats.debian.deb import read_deb


def write_archive(
    top: Path, suite: str, arch: str, base: Collection[Path], others: Iterable[Path]
) -> None:
    """Write an unsigned archive below `top`; packages are hard links where possible.

    Its date is that of the newest package of `base`, as it is for a computed base layer; what is
    installed from the archive takes it over.

    Packages of `base` get priority "required", as debootstrap installs those; `others` are
    "optional".
    """
    index: list[str] = []
    for priority, debs in (("required", base), ("optional", others)):
        for path in sorted(debs):
            deb = read_deb(path)
            file = f"pool/{deb.control['Package']}_{arch}.deb"
            _link(path, top / file)
            data = path.read_bytes()
            fields = {**deb.control, "Priority": priority, "Filename": file}
            fields |= {
                "Size": str(len(data)),
                "MD5sum": hashlib.md5(data, usedforsecurity=False).hexdigest(),
                "SHA256": hashlib.sha256(data).hexdigest(),
            }
            index.append("".join(f"{name}: {value}\n" for name, value in fields.items()) + "\n")
    packages = "".join(index).encode()
    files = {"Packages": packages, "Packages.gz": gzip.compress(packages, mtime=0)}
    directory = f"main/binary-{arch}"
    dists = top / "dists" / suite
    (dists / directory).mkdir(parents=True)
    epoch = max(read_deb(path).time for path in base)
    date = time.strftime("%a, %d %b %Y %H:%M:%S UTC", time.gmtime(epoch))
    release = (
        f"Origin: Debian\nLabel: Debian\nSuite: {suite}\nCodename: {suite}\nDate: {date}\n"
        f"Architectures: {arch}\nComponents: main\nSHA256:\n"
    )
    for name, content in files.items():
        (dists / directory / name).write_bytes(content)
        digest = hashlib.sha256(content).hexdigest()
        release += f" {digest} {len(content)} {directory}/{name}\n"
    (dists / "Release").write_text(release)


def _link(path: Path, to: Path) -> None:
    to.parent.mkdir(parents=True, exist_ok=True)
    real = path.resolve()
    try:
        os.link(real, to)
    except OSError:
        to.write_bytes(real.read_bytes())
