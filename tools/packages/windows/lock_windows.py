"""Lock Windows base images: from a tag to digests. Reads two or three documents, no layer.

./bazelw run //tools:lock -- ltsc2025 --registry=HOST             one base image
./bazelw run //tools:lock -- ltsc2025 ltsc2022 --registry=HOST    both
./bazelw run //tools:lock -- ltsc2025 --registry=HOST/MIRROR      of a mirror, below a path
./bazelw run //tools:lock -- ltsc2025 --registry=HOST --check     write nothing, exit 1 if stale
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from tools.catalog import windows
from tools.catalog.catalog_error import CatalogError
from tools.catalog.windows import Windows
from tools.catalog.yamlfile import near
from tools.cli.progress import Progress
from tools.oci.assembler.spec import INDEX_TYPES, Json, OciError, check_descriptor, parse
from tools.oci.registry import pull
from tools.oci.registry.client import Client
from tools.oci.registry.reference import parse_repository
from tools.oci.registry.registry_error import RegistryError
from tools.oci.registry.transport import Transport
from tools.packages import lock_command
from tools.packages.windows import lockfile
from tools.packages.windows.lockfile import Lock
from tools.packages.windows.windows_error import WindowsError
from tools.text import quote

LOCKS = Path("third_party/windows")
NO_REGISTRY = (
    "no registry known: give Microsoft's, or a mirror of it, with --registry=HOST[:PORT][/PATH] or "
    "$WINDOWS_REGISTRY"
)


def connect(registry: str, repository: str, *, insecure: bool) -> Client:
    """Return a client of the base images' repository. Raises RegistryError."""
    target = parse_repository(f"{registry.rstrip('/')}/{repository}")
    transport = Transport(target, insecure=insecure, actions="pull")
    transport.connect()
    return Client(transport)


def _choose(index: Json, release: str, build: str) -> Json:
    """The descriptor of the image for Windows of that build on amd64."""
    listed = index.get("manifests")
    if not isinstance(listed, list):
        raise WindowsError(f"{release}: an index without a list of images")
    has: list[tuple[Json, Json]] = []
    for entry in listed:
        platform = check_descriptor(entry, release).get("platform") or {}
        if not isinstance(platform, dict):
            raise WindowsError(f"{release}: the platform of {entry['digest']} is no object")
        has.append((entry, platform))
    fitting = [
        entry
        for entry, platform in has
        if (platform.get("os"), platform.get("architecture")) == ("windows", "amd64")
        and f"{platform.get('os.version', build)}.".startswith(f"{build}.")
    ]
    if len(fitting) != 1:
        found = ", ".join(
            f"{platform.get('os')}/{platform.get('architecture')} {platform.get('os.version', '')}"
            for _, platform in has
        )
        raise WindowsError(
            f"{release}: {len(fitting)} images for windows/amd64 {build} where one is expected; "
            f"the tag has {quote.terminal(found[:500]) or 'none'}"
        )
    return fitting[0]


def make_lock(client: Client, on_windows: Windows, release: str) -> Lock:
    """Resolve a release's tag. Raises RegistryError, OciError, WindowsError."""
    build = on_windows.releases[release]
    kind, data = pull.manifest(client, release)
    if kind in INDEX_TYPES:
        index = parse(data, f"{client.repository}:{release}")
        kind, data = pull.manifest(client, str(_choose(index, release, build).get("digest")))
        if kind in INDEX_TYPES:
            raise WindowsError(f"{client.repository}:{release}: an index in an index")
    manifest = parse(data, f"{client.repository}:{release}")
    config = pull.document(client, check_descriptor(manifest.get("config"), client.repository))
    lock = Lock(
        release=release,
        image=f"{on_windows.repository}:{release}",
        media_type=kind,
        manifest=data.decode(),
        config=config.decode(),
    )
    lockfile.check(lock)
    if not f"{lock.os_version}.".startswith(f"{build}."):
        raise WindowsError(
            f"{client.repository}:{release} is Windows {lock.os_version}, not {build} as in "
            f"catalog/{windows.FILE}"
        )
    return lock


def renewed(top: Path, old: Lock) -> Lock:
    """What a lock is as of today, from the registry that $WINDOWS_REGISTRY names.

    Raises CatalogError, OciError, RegistryError, WindowsError.
    """
    on_windows = windows.read(top / "catalog", Path("catalog"))
    if on_windows is None or old.release not in on_windows.releases:
        raise WindowsError(f"{old.file}: catalog/{windows.FILE} has no {old.release}; remove it")
    registry = os.environ.get("WINDOWS_REGISTRY", "")
    if not registry:
        raise WindowsError(NO_REGISTRY)
    client = connect(registry, on_windows.repository, insecure=False)
    return make_lock(client, on_windows, old.release)


def _update(top: Path, lock: Lock, *, write: bool) -> bool:
    """Bring one lock file up to date if `write`, and say so; return whether it was stale."""
    file = LOCKS / lock.file
    before = lock_command.read_old(top / file, lockfile.read, WindowsError)
    changes = (
        [f"{before.os_version} {before.digest} -> {lock.os_version} {lock.digest}"]
        if before and before != lock
        else []
    )
    return lock_command.update(
        top,
        file,
        (lambda path: lockfile.write(path, lock)) if write else None,
        stale=before != lock,
        changes=changes,
    )


def run(arguments: argparse.Namespace) -> int:
    """Lock as the arguments say; return the exit status."""
    top = Path(arguments.root)
    on_windows = windows.read(top / "catalog", Path("catalog"))
    if on_windows is None:
        raise WindowsError(f"catalog/{windows.FILE}: missing; it names the base images")
    for name in arguments.release:
        if name not in on_windows.releases:
            raise WindowsError(f"{name}: unknown release; {near(name, on_windows.releases)}")
    registry = arguments.registry or os.environ.get("WINDOWS_REGISTRY", "")
    if not registry:
        raise WindowsError(NO_REGISTRY)
    progress = Progress(sys.stderr, arguments.release)
    locks = []
    try:
        client = connect(registry, on_windows.repository, insecure=arguments.insecure)
        for name in arguments.release:
            progress.show(name, f"reading {client.repository}:{name}")
            lock = make_lock(client, on_windows, name)
            size = sum(entry["size"] for entry in lock.layers())
            locks.append(lock)
            progress.show(
                name, f"Windows {lock.os_version}, layers of {size / 1e6:.1f} MB", final=True
            )
    except RegistryError as error:
        raise WindowsError(f"{error}\n  Another registry: --registry=HOST[:PORT][/PATH]") from None
    # All or nothing: what isn't whole isn't written.
    stale = [_update(top, lock, write=not arguments.check) for lock in locks]
    return lock_command.STALE if arguments.check and any(stale) else 0


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; exit status 0, 1 (--check found a stale lock) or 2 (error)."""
    options = lock_command.parser("Lock base images of Windows.")
    options.add_argument("release", nargs="+", help="as in catalog/windows.yaml: ltsc2025")
    lock_command.add_check(options)
    options.add_argument(
        "--registry",
        help="HOST[:PORT], and the path of a mirror on it, if any (default: $WINDOWS_REGISTRY)",
    )
    options.add_argument(
        "--insecure", action="store_true", help="don't check certificates; allow plain HTTP"
    )
    faults = (CatalogError, OciError, RegistryError, UnicodeDecodeError, WindowsError)
    return lock_command.main(options, run, faults, argv)


if __name__ == "__main__":
    sys.exit(main())
