"""Repacks Debian's files as Alpine lays them out: linux-headers, a base layout, and maybe musl.

    pack_musl.py --arch x86_64 --gnu x86_64-linux-gnu --loader x86_64 --out FOLDER [--musl] DEB...

Writes <package>.apk for each; with --musl, musl and musl-dev too.
"""

from __future__ import annotations

import argparse
import posixpath
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from toolchains.trees.tree import Entry, Tree, read_packages
from tools.formats.alpine import apk_fixtures as make
from tools.rootfs.alpine.tiny_alpine_fixtures import KEY

_BUILT = 1_700_000_000
_LAYOUT = {
    "etc/passwd": b"root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/sbin/nologin\n",
    "etc/group": b"root:x:0:\nshadow:x:42:\nnobody:x:65534:\n",
    "etc/hosts": b"127.0.0.1\tlocalhost\n",
    "etc/os-release": b'ID=alpine\nVERSION_ID=3.24.0\nNAME="Alpine of the tests"\n',
    "etc/shadow": b"root:*::0:::::\nnobody:!::0:::::\n",
}
_FOLDERS = {
    "dev": 0o755, "proc": 0o555, "root": 0o700, "run": 0o755, "sys": 0o555, "tmp": 0o1777,
    "var": 0o755, "var/tmp": 0o1777,
}  # fmt: skip


def entries(
    tree: Tree, folders: Mapping[str, int] | None = None
) -> Iterator[tuple[tarfile.TarInfo, bytes]]:
    """A package's members, directories first seen before what is in them.

    `folders`: modes of directories that it has besides those.
    """
    seen = set(folders or {})
    for path, mode in sorted((folders or {}).items()):
        yield make.directory(path, mode), b""
    for path, entry in sorted(tree.items()):
        parents = path.split("/")[:-1]
        for depth in range(1, len(parents) + 1):
            folder = "/".join(parents[:depth])
            if folder not in seen:
                seen.add(folder)
                yield make.directory(folder), b""
        if entry.target is not None:
            yield make.symlink(path, entry.target), b""
        else:
            yield make.file(path, entry.mode, _BUILT), bytes(entry.data)


def package(
    name: str,
    version: str,
    arch: str,
    tree: Tree,
    fields: Iterable[str] = (),
    scripts: Mapping[str, bytes] | None = None,
    folders: Mapping[str, int] | None = None,
) -> bytes:
    """A signed .apk. `fields`: further lines of its .PKGINFO; `folders`: see entries()."""
    size = sum(len(entry.data) for entry in tree.values())
    info = [
        f"pkgname = {name}", f"pkgver = {version}", f"arch = {arch}", f"builddate = {_BUILT}",
        f"size = {size}", "pkgdesc = for tests", "url = https://example.test", "license = MIT",
        f"origin = {name}", *fields,
    ]  # fmt: skip
    return make.make_apk("\n".join(info), entries(tree, folders), scripts=scripts, keys=[KEY])


def moved(debian: Tree, prefix: str, into: str) -> Tree:
    """What is below `prefix`, elsewhere; for links, the files they lead to."""
    tree: Tree = {}
    for path, entry in debian.items():
        if path.startswith(prefix):
            if entry.target is not None:
                folder = posixpath.dirname(path)
                entry = debian[posixpath.normpath(posixpath.join(folder, entry.target))]
            tree[posixpath.join(into, path.removeprefix(prefix))] = entry
    return tree


def base_packages(debian: Tree, arch: str, gnu: str) -> dict[str, bytes]:
    """linux-headers and baselayout. `gnu` is Debian's triplet, the headers' directory."""
    headers: Tree = {}
    # scsi is musl's own.
    for top in ("asm", "asm-generic", "drm", "linux", "misc", "mtd", "rdma", "sound", "video",
                "xen"):  # fmt: skip
        headers |= moved(debian, f"usr/include/{top}/", f"usr/include/{top}")
        headers |= moved(debian, f"usr/include/{gnu}/{top}/", f"usr/include/{top}")
    layout = {
        path: Entry(0o640 if path == "etc/shadow" else 0o644, data)
        for path, data in _LAYOUT.items()
    }
    return {
        "baselayout": package("baselayout", "1-r0", arch, layout, folders=_FOLDERS),
        "linux-headers": package("linux-headers", "6-r0", arch, headers),
    }


def musl_packages(debian: Tree, arch: str, gnu: str, machine: str) -> dict[str, bytes]:
    """musl and musl-dev. `machine` is the one in the name of musl's dynamic loader."""
    loader = f"lib/ld-musl-{machine}.so.1"
    musl = gnu.replace("-gnu", "-musl")
    runtime = {
        loader: Entry(0o755, debian[f"usr/lib/{musl}/libc.so"].data),
        f"lib/libc.musl-{arch}.so.1": Entry(0o777, target=posixpath.basename(loader)),
    }
    dev = moved(debian, f"usr/include/{musl}/", "usr/include")
    dev |= {
        path: entry
        for path, entry in moved(debian, f"usr/lib/{musl}/", "usr/lib").items()
        if path.endswith((".o", ".a"))
    }
    dev["usr/lib/libc.so"] = Entry(0o777, target=f"../../{loader}")
    return {
        "musl": package(
            "musl", "1.2.5-r0", arch, runtime,
            # Debian's libc.so bears its plain name; so does what is linked with it.
            ["provides = so:libc.so=1", f"provides = so:libc.musl-{arch}.so.1=1"],
        ),
        "musl-dev": package("musl-dev", "1.2.5-r0", arch, dev, ["depend = musl"]),
    }  # fmt: skip


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--arch", required=True, help="Alpine's name of the architecture")
    parser.add_argument("--gnu", required=True, help="Debian's GNU triplet")
    parser.add_argument("--out", type=Path, required=True, help="folder to write to")
    parser.add_argument("--loader", required=True, help="musl's name of the machine")
    parser.add_argument("--musl", action="store_true", help="pack musl, too")
    parser.add_argument("debs", nargs="+", type=Path)
    options = parser.parse_args()
    wanted = [deb for deb in options.debs if deb.name.startswith(("musl", "linux-libc-dev"))]
    debian = read_packages(wanted, lambda _: True)
    packages = base_packages(debian, options.arch, options.gnu)
    if options.musl:
        packages |= musl_packages(debian, options.arch, options.gnu, options.loader)
    for name, data in packages.items():
        (options.out / f"{name}.apk").write_bytes(data)


if __name__ == "__main__":
    main()
