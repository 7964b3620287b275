"""The keys Ubuntu's archive is signed by, out of Debian's package of them.

The package is pinned by its SHA-256 (MODULE.bazel), so no key is taken from a mirror of Ubuntu's.
"""

from __future__ import annotations

import os
from pathlib import Path

from runfiles import Runfiles

from tools.formats.debian.deb import DebError, read_deb
from tools.packages.debian.resolve import ResolveError

_KEYRING = "usr/share/keyrings/ubuntu-archive-keyring.gpg"
# Set by the lock command: where the package is among the runfiles.
_VARIABLE = "UBUNTU_KEYRING_DEB"


def pinned_package() -> Path:
    """The pinned package. Raises ResolveError if the program wasn't started by Bazel."""
    runfiles = Runfiles.Create()
    path = runfiles and runfiles.Rlocation(os.environ.get(_VARIABLE, "-"))
    if not path or not Path(path).is_file():
        raise ResolveError(
            "the pinned package with Ubuntu's keys isn't there: start this by "
            "./bazelw run //tools:lock, or give --keyring=<file>"
        )
    return Path(path)


def extract_keyring(package: Path, folder: Path) -> Path:
    """Write the package's keyring into `folder`; return the file. Raises ResolveError."""
    try:
        for member in read_deb(package).members():
            if member.info.name == _KEYRING and member.info.isreg():
                file = folder / "ubuntu-archive-keyring.gpg"
                file.write_bytes(member.data)
                return file
    except DebError as error:
        raise ResolveError(str(error)) from None
    raise ResolveError(f"{package}: has no {_KEYRING}")
