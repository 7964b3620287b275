"""Renewing the locks of what isn't Debian that a checkout has: Ubuntu, Alpine, Windows' bases.

Which of them there are is the maintainer's choice (`//tools:lock -- noble`); here each is made
again, from the mirrors or the registry that this machine knows. Sources that aren't available are
named.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tools.catalog.catalog_error import CatalogError
from tools.cli.progress import Progress
from tools.formats.alpine.alpine_error import AlpineError
from tools.oci.assembler.spec import OciError
from tools.oci.registry.registry_error import RegistryError
from tools.packages.alpine import lock_alpine as alpine
from tools.packages.alpine import lockfile as alpine_lockfile
from tools.packages.alpine.mirror import MirrorError as AlpineMirrorError
from tools.packages.debian import lock_debian as debian
from tools.packages.debian import lockfile as debian_lockfile
from tools.packages.debian.resolve import ResolveError
from tools.packages.lines import LockError
from tools.packages.ubuntu import lock_ubuntu as ubuntu
from tools.packages.ubuntu.mirrors import MirrorError as UbuntuMirrorError
from tools.packages.windows import lock_windows as windows
from tools.packages.windows import lockfile as windows_lockfile
from tools.packages.windows.windows_error import WindowsError

_ERRORS = (
    AlpineError,
    AlpineMirrorError,
    CatalogError,
    LockError,
    OciError,
    RegistryError,
    ResolveError,
    UbuntuMirrorError,
    WindowsError,
)


@dataclass
class Others:
    """What became of these locks.

    Attributes:
        files: the new text of each lock file that changes, by its path in the checkout.
        changes: one line for each of them.
        alarms: locks that stay, because a locked version has other content now.
        failures: locks that could not be renewed, and why.
    """

    files: dict[str, str] = field(default_factory=dict)
    changes: list[str] = field(default_factory=list)
    alarms: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def take(self, path: Path, text: str, what: str) -> None:
        """A lock that changes: its path in the checkout, its new text, and what is new in it."""
        self.files[path.as_posix()] = text
        self.changes.append(f"lock of {path.stem}: {what}")

    def fail(self, path: Path, error: Exception) -> None:
        """A lock that stays as it is."""
        self.failures.append(f"lock of {path.stem}: {error}")


def renew(root: Path, accepted: Sequence[str]) -> Others:
    """Make every such lock of the checkout again; writes nothing.

    Args:
        root: the checkout.
        accepted: as tools.packages.debian.lock_debian.require_same_content takes it; for Ubuntu.
    """
    made = Others()
    _ubuntu(root, accepted, made)
    _alpine(root, made)
    _windows(root, made)
    return made


def _locks(root: Path, folder: Path) -> list[Path]:
    """The lock files right in a folder of the checkout, relative to it; not those below."""
    return sorted(path.relative_to(root) for path in (root / folder).glob("*.lock"))


def _versions(lines: Iterable[str]) -> str:
    """What has changed, each on a line of its own behind the number of them."""
    every = list(lines)
    if not every:
        return "other settings"
    count = f"{len(every)} package{'s' if len(every) > 1 else ''}"
    return "\n".join([f"{count} changed", *(f"`{line.strip()}`" for line in every)])


def _ubuntu(root: Path, accepted: Sequence[str], made: Others) -> None:
    paths = _locks(root, ubuntu.LOCKS)
    old: list[debian_lockfile.Lock] = []
    for path in paths:
        try:
            old.append(debian_lockfile.read(root / path))
        except LockError as error:
            made.fail(path, error)
    if not old:
        return
    try:
        jobs = ubuntu.jobs_again(root, old)
        with ubuntu.keyring_file(None) as keyring:
            results = debian.lock_all(
                jobs, keyring, root / ubuntu.LOCKS, write=False, accepted=accepted
            )
    except _ERRORS as error:
        made.failures.append(f"locks of Ubuntu: {error}")
        return
    for result in results:
        path = ubuntu.LOCKS / f"{result.name}.lock"
        if result.after is None:
            said = made.alarms if result.content_changed else made.failures
            said.append(f"lock of {result.name}: {result.error}")
        elif result.before is not None and result.changed:
            lines = debian.differences(result.before, result.after)
            made.take(path, result.after.text(), _versions(lines))


def _alpine(root: Path, made: Others) -> None:
    paths = _locks(root, alpine.LOCKS)
    progress = Progress(sys.stderr, [path.stem for path in paths])
    for path in paths:
        try:
            old = alpine_lockfile.read(root / path)
            new = alpine.renewed(root, old, progress)
        except alpine.ContentChangedError as error:
            progress.show(path.stem, "failed", final=True)
            made.alarms.append(f"lock of {path.stem}: {error}")
        except _ERRORS as error:
            progress.show(path.stem, "failed", final=True)
            made.fail(path, error)
        else:
            if new != old:
                made.take(path, new.text(), _versions(alpine.differences(old, new)))


def _windows(root: Path, made: Others) -> None:
    for path in _locks(root, windows.LOCKS):
        try:
            old = windows_lockfile.read(root / path)
            new = windows.renewed(root, old)
        except _ERRORS as error:
            made.fail(path, error)
        else:
            if new != old:
                bases = f"{old.os_version} {old.digest} → {new.os_version} {new.digest}"
                made.take(path, new.text(), bases)
