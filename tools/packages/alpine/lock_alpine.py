"""Lock Alpine packages: resolve the catalog's package sets from signed indexes, pin every .apk.

./bazelw run //tools:lock -- alpine3.24                       every architecture of a release
./bazelw run //tools:lock -- alpine3.24 --arch=aarch64        one of them
./bazelw run //tools:lock -- alpine3.24 --mirror=URL --check  write nothing, exit 1 if stale
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tools.catalog import alpine as releases
from tools.catalog.alpine import Alpine, Release
from tools.catalog.catalog_error import CatalogError
from tools.catalog.yamlfile import near
from tools.cli.progress import Progress
from tools.formats.alpine.alpine_error import AlpineError
from tools.formats.alpine.apk import read_apk
from tools.formats.alpine.dependency import Dependency
from tools.formats.alpine.index import IndexPackage, read_index
from tools.formats.alpine.rsa import PublicKey, fingerprint, public_key
from tools.packages import lock_command
from tools.packages.alpine import lockfile
from tools.packages.alpine.lockfile import Lock, Package
from tools.packages.alpine.mirror import Fetcher, MirrorError, find_mirrors
from tools.packages.alpine.resolve import Universe, resolve

LOCKS = Path("third_party/alpine")
_KEYS = "alpine-keys"
_DOWNLOADS = 8
# Bytes of what is fetched before anything has vouched for it: many times what there is.
_INDEX_LIMIT = 1 << 26
_KEYS_LIMIT = 1 << 20


@dataclass(frozen=True)
class Job:
    """One lock file to make; `keys` is where the public keys are, None for the mirror's own."""

    release: Release
    arch: str
    alpine: Alpine
    keys: Path | None
    repositories: tuple[str, ...]

    @property
    def name(self) -> str:
        """As in the lock's file name."""
        return f"{self.release.name}_{self.arch}"


def trusted_keys(
    candidates: Mapping[str, bytes], trusted: Mapping[str, str]
) -> dict[str, PublicKey]:
    """Those of the candidates, PEM by file name, whose SHA-256 the catalog has. Raises AlpineError.

    A key of a trusted name that is another one is an error.
    """
    found = {}
    for name, pem in candidates.items():
        if name in trusted:
            sha256 = fingerprint(pem, name)
            if sha256 != trusted[name]:
                where = f"catalog/{releases.FILE}"
                raise AlpineError(
                    name, f"is a key with the SHA-256 {sha256}, not {trusted[name]} as in {where}"
                )
            found[name] = public_key(pem, name)
    if not found:
        names = ", ".join(sorted(candidates)) or "none"
        raise AlpineError("keys", f"none of catalog/{releases.FILE} is among those found: {names}")
    return found


def _folder_keys(folder: Path) -> dict[str, bytes]:
    try:
        return {path.name: path.read_bytes() for path in sorted(folder.glob("*.rsa.pub"))}
    except OSError as error:
        raise AlpineError(folder, f"can't be read: {error.strerror}") from None


def _mirror_keys(
    indexes: Sequence[tuple[str, bytes]], fetcher: Fetcher, scratch: Path
) -> dict[str, bytes]:
    """The keys in the mirror's own package of them; nothing has vouched for them yet."""
    for directory, data in indexes:
        for package in read_index(directory, data, None, directory=directory):
            if package.name == _KEYS:
                path = scratch / package.file
                path.write_bytes(fetcher.get(package.path, _KEYS_LIMIT))
                return {
                    member.info.name.rpartition("/")[2]: bytes(member.data)
                    for member in read_apk(path).members()
                    if member.info.isreg() and member.info.name.endswith(".rsa.pub")
                }
    raise AlpineError(
        ", ".join(directory for directory, _ in indexes),
        f"no package {_KEYS}; give the public keys with --keys=FOLDER",
    )


def read_packages(job: Job, fetcher: Fetcher, scratch: Path) -> list[IndexPackage]:
    """All packages of the release's repositories, from indexes with a trusted signature.

    Raises AlpineError, MirrorError.
    """
    directories = [f"{job.release.branch}/{name}/{job.arch}" for name in job.alpine.repositories]
    indexes = [(name, fetcher.get(f"{name}/APKINDEX.tar.gz", _INDEX_LIMIT)) for name in directories]
    candidates = _folder_keys(job.keys) if job.keys else _mirror_keys(indexes, fetcher, scratch)
    keys = trusted_keys(candidates, job.alpine.keys)
    packages: list[IndexPackage] = []
    for number, (directory, data) in enumerate(indexes):
        name = f"{directory}/APKINDEX.tar.gz"
        packages += read_index(name, data, keys, repository=number, directory=directory)
    return packages


def resolve_sets(
    job: Job, packages: Iterable[IndexPackage]
) -> dict[str, tuple[IndexPackage, dict[str, bool]]]:
    """The packages of all sets by name, with the sets each is of. Raises ResolveError."""
    universe = Universe(packages)
    systems: dict[str | None, list[IndexPackage]] = {None: []}
    merged: dict[str, tuple[IndexPackage, dict[str, bool]]] = {}
    for package_set in job.release.sets:
        where = f"catalog/{releases.FILE}: {job.release.name}.package_sets.{package_set.name}"
        for name in package_set.packages:
            if not universe.named(name):
                by = sorted(
                    {provider.package.name for provider in universe.providers.get(name, ())}
                )
                hint = f"; write what provides it: {', '.join(by)}" if by else ""
                raise AlpineError(where, f"{job.name} has no package {name!r}{hint}")
        below = systems[package_set.above]
        try:
            added = resolve(universe, (Dependency(name) for name in package_set.packages), below)
        except AlpineError as error:
            raise AlpineError(where, str(error)) from None
        systems[package_set.name] = [*below, *added]
        # What is asked for and already there belongs to this set too: it becomes requested.
        asked = [package for package in below if package.name in package_set.packages]
        for package in (*added, *asked):
            known, sets = merged.setdefault(package.name, (package, {}))
            if known.identity != package.identity:
                raise AlpineError(where, f"{package.name} is another one in an earlier set")
            sets[package_set.name] = package.name in package_set.packages
    return merged


def _pin(package: IndexPackage, fetcher: Fetcher, scratch: Path) -> str:
    """The SHA-256 of a package's .apk, which is downloaded and checked. Raises AlpineError."""
    data = fetcher.get(package.path, package.size)
    if len(data) != package.size:
        raise AlpineError(
            package.path, f"has {len(data)} bytes, not {package.size} as in the index"
        )
    path = scratch / package.file
    path.write_bytes(data)
    apk = read_apk(path)
    if apk.identity != package.identity:
        raise AlpineError(
            package.path, f"is {apk.identity}, not {package.identity} as in the index"
        )
    said = (apk.one("pkgname"), apk.one("pkgver"))
    if said != (package.name, package.version):
        raise AlpineError(package.path, f"calls itself {' '.join(said)}")
    for _ in apk.members():  # checks them
        pass
    path.unlink()
    return hashlib.sha256(data).hexdigest()


def make_lock(
    job: Job, fetcher: Fetcher, old: Lock | None, scratch: Path, progress: Progress
) -> Lock:
    """Resolve and pin all sets of one release and architecture.

    What the old lock has already isn't downloaded again. Raises AlpineError, MirrorError.
    """
    progress.show(job.name, "reading indexes")
    merged = resolve_sets(job, read_packages(job, fetcher, scratch))
    pinned = {(p.path, p.identity): p.sha256 for p in old.packages} if old else {}
    missing = [p for p, _ in merged.values() if (p.path, p.identity) not in pinned]
    done = 0

    def pin(package: IndexPackage) -> None:
        nonlocal done
        pinned[package.path, package.identity] = _pin(package, fetcher, scratch)
        done += 1
        progress.show(job.name, f"checking packages: {done} of {len(missing)}")

    with ThreadPoolExecutor(_DOWNLOADS) as pool:
        for future in [pool.submit(pin, package) for package in missing]:
            future.result()
    newest = max(package.built for package, _ in merged.values())
    packages = tuple(
        Package(p.name, p.version, p.path, pinned[p.path, p.identity], p.identity, p.size, sets)
        for _, (p, sets) in sorted(merged.items())
    )
    time = datetime.fromtimestamp(newest, UTC).strftime("%Y%m%dT%H%M%SZ")
    lock = Lock(job.release.name, job.arch, time, job.repositories, packages)
    size = sum(package.size for package in packages)
    progress.show(job.name, f"{len(packages)} packages, {size / 1e6:.1f} MB", final=True)
    return lock


class ContentChangedError(AlpineError):
    """The mirror has another package under a version that is locked."""


def differences(old: Lock, new: Lock) -> list[str]:
    """Changes of packages' versions, one per line, for people."""
    before = {package.name: package.version for package in old.packages}
    after = {package.name: package.version for package in new.packages}
    return [
        f"{name} {before.get(name, '(none)')} -> {after.get(name, '(none)')}"
        for name in sorted(before.keys() | after.keys())
        if before.get(name) != after.get(name)
    ]


def require_same_content(old: Lock, new: Lock) -> None:
    """Raise ContentChangedError if a version of `old` is another package in `new`.

    Alpine counts up a package's revision with each build, so none is ever replaced.
    """
    before = {(package.name, package.version): package for package in old.packages}
    for package in new.packages:
        known = before.get((package.name, package.version))
        if known is not None and known.identity != package.identity:
            raise ContentChangedError(
                f"{package.name} {package.version}",
                f"has other content than locked: the lock has {known.identity}, the index says "
                f"{package.identity}. Nothing was written. Ask another mirror (--mirror=URL); if "
                f"it says the same, find out why before you remove the line from {old.file}",
            )


def renewed(top: Path, old: Lock, progress: Progress) -> Lock:
    """What a lock is as of today, from the mirrors this machine knows; images' mirrors stay.

    Raises AlpineError, CatalogError, MirrorError.
    """
    alpine = releases.load(top / "catalog", Path("catalog"))
    release = alpine.releases.get(old.release)
    if release is None:
        raise AlpineError(old.file, f"catalog/{releases.FILE} has no {old.release}; remove it")
    job = Job(release, old.arch, alpine, None, old.repositories)
    with tempfile.TemporaryDirectory(prefix="alpine-lock.") as directory:
        new = make_lock(job, Fetcher(find_mirrors()), old, Path(directory), progress)
    require_same_content(old, new)
    return new


def _update(top: Path, old: Lock | None, new: Lock, *, write: bool) -> bool:
    """Bring one lock file up to date if `write`, and say so; return whether it was stale."""
    file = LOCKS / new.file
    return lock_command.update(
        top,
        file,
        (lambda path: lockfile.write(path, new)) if write else None,
        stale=old is None or (top / file).read_text(encoding="utf-8") != new.text(),
        changes=differences(old, new) if old else (),
    )


def run(arguments: argparse.Namespace) -> int:
    """Locks as the arguments say; returns the exit status."""
    top = Path(arguments.root)
    alpine = releases.load(top / "catalog", Path("catalog"))
    for name in arguments.release:
        if name not in alpine.releases:
            raise AlpineError(name, f"unknown release; {near(name, alpine.releases)}")
    chosen = [alpine.releases[name] for name in arguments.release]
    known = {arch for release in chosen for arch in release.architectures.values()}
    for name in arguments.arch:
        if name not in known:
            raise AlpineError(f"--arch={name}", f"unknown architecture; {near(name, known)}")
    mirrors = find_mirrors(arguments.mirror)
    base = (arguments.image_mirror or mirrors[0]).rstrip("/")
    jobs = [
        Job(
            release,
            arch,
            alpine,
            arguments.keys,
            tuple(f"{base}/{release.branch}/{name}" for name in alpine.repositories),
        )
        for release in chosen
        for arch in release.architectures.values()
        if arch in (arguments.arch or [arch])
    ]
    progress = Progress(sys.stderr, [job.name for job in jobs])
    fetcher = Fetcher(mirrors)
    results = []
    with tempfile.TemporaryDirectory(prefix="alpine-lock.") as directory:
        for job in jobs:
            old = lock_command.read_old(
                top / LOCKS / f"{job.name}.lock", lockfile.read, lockfile.LockError
            )
            scratch = Path(directory) / job.name
            scratch.mkdir()
            try:
                new = make_lock(job, fetcher, old, scratch, progress)
                if old is not None:
                    require_same_content(old, new)
                results.append((old, new))
            except Exception:
                progress.show(job.name, "failed", final=True)
                raise
    # All or nothing: locks of different days shouldn't be mixed silently.
    stale = [_update(top, old, lock, write=not arguments.check) for old, lock in results]
    return lock_command.STALE if arguments.check and any(stale) else 0


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; exit status 0, 1 (--check found a stale lock) or 2 (error)."""
    options = lock_command.parser("Lock packages of Alpine releases.")
    options.add_argument("release", nargs="+", help="as in catalog/alpine.yaml: alpine3.24")
    lock_command.add_check(options)
    lock_command.add_repeatable(options, "--arch", "only this one of Alpine's names")
    lock_command.add_repeatable(
        options,
        "--mirror",
        "URL of the folder that has v3.24/ (default: $ALPINE_MIRROR, else what this machine's "
        "/etc/apk/repositories has, then public ones)",
    )
    options.add_argument(
        "--image-mirror",
        help="the mirror that images' /etc/apk/repositories names (default: the first --mirror)",
    )
    options.add_argument(
        "--keys",
        type=Path,
        help="folder of *.rsa.pub files (default: the mirror's alpine-keys); either way only those "
        "with a SHA-256 of catalog/alpine.yaml count",
    )
    faults = (AlpineError, CatalogError, lockfile.LockError, MirrorError)
    return lock_command.main(options, run, faults, argv)


if __name__ == "__main__":
    sys.exit(main())
