"""Repacks Debian's musl as Alpine lays it out: musl, musl-dev, linux-headers and a base layout.

    pack_musl.py --arch x86_64 --gnu x86_64-linux-gnu --out FOLDER DEB...

Writes <package>.apk for each, and base.json, a list as those of locked packages.
"""

from __future__ import annotations

import argparse
import posixpath
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from python_images.tests.alpine.list_packages import write_list
from tools.alpine import fixtures as make
from tools.rootfs.alpine.fixtures import KEY
from tools.toolchain.tree import Entry, Tree, read_packages

_BUILT = 1_700_000_000
_LAYOUT = {
    "etc/passwd": b"root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/sbin/nologin\n",
    "etc/group": b"root:x:0:\nnobody:x:65534:\n",
    "etc/hosts": b"127.0.0.1\tlocalhost\n",
}


def entries(tree: Tree) -> Iterator[tuple[tarfile.TarInfo, bytes]]:
    """A package's members, directories first seen before what is in them."""
    seen: set[str] = set()
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
    name: str, version: str, arch: str, tree: Tree, fields: Iterable[str] = (), **scripts: bytes
) -> bytes:
    """A signed .apk."""
    size = sum(len(entry.data) for entry in tree.values())
    info = [
        f"pkgname = {name}", f"pkgver = {version}", f"arch = {arch}", f"builddate = {_BUILT}",
        f"size = {size}", "pkgdesc = for tests", "url = https://example.test", "license = MIT",
        f"origin = {name}", *fields,
    ]  # fmt: skip
    return make.make_apk("\n".join(info), entries(tree), scripts=scripts, keys=[KEY])


def musl_packages(debs: Iterable[Path], arch: str, gnu: str) -> dict[str, bytes]:
    """The packages by name. `gnu` is Debian's triplet, in whose directories the headers lie."""
    musl = gnu.replace("-gnu", "-musl")
    debian = read_packages(debs, lambda _: True)

    def file(path: str, entry: Entry) -> Entry:
        """The file itself where Debian has a link to a folder of another layout."""
        if entry.target is None:
            return entry
        return debian[posixpath.normpath(posixpath.join(posixpath.dirname(path), entry.target))]

    def below(prefix: str, into: str) -> Tree:
        return {
            posixpath.join(into, path.removeprefix(prefix)): file(path, entry)
            for path, entry in debian.items()
            if path.startswith(prefix)
        }

    loader = f"lib/ld-musl-{arch}.so.1"
    library = debian[f"usr/lib/{musl}/libc.so"]
    runtime = {loader: Entry(0o755, library.data)}
    runtime[f"lib/libc.musl-{arch}.so.1"] = Entry(0o777, target=posixpath.basename(loader))
    dev = below(f"usr/include/{musl}/", "usr/include")
    dev |= {
        path: entry
        for path, entry in below(f"usr/lib/{musl}/", "usr/lib").items()
        if path.endswith((".o", ".a"))
    }
    dev["usr/lib/libc.so"] = Entry(0o777, target=f"../../{loader}")
    headers: Tree = {}
    for top in ("asm", "asm-generic", "drm", "linux", "misc", "mtd", "rdma", "scsi", "sound",
                "video", "xen"):  # fmt: skip
        headers |= below(f"usr/include/{top}/", f"usr/include/{top}")
        headers |= below(f"usr/include/{gnu}/{top}/", f"usr/include/{top}")
    # musl has some of them itself.
    headers = {path: entry for path, entry in headers.items() if path not in dev}
    layout = {path: Entry(0o644, data) for path, data in _LAYOUT.items()}
    return {
        "baselayout": package("baselayout", "1-r0", arch, layout),
        "linux-headers": package("linux-headers", "6-r0", arch, headers),
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
    parser.add_argument("debs", nargs="+", type=Path)
    options = parser.parse_args()
    wanted = [deb for deb in options.debs if deb.name.startswith(("musl", "linux-libc-dev"))]
    for name, data in musl_packages(wanted, options.arch, options.gnu).items():
        (options.out / f"{name}.apk").write_bytes(data)
    base = [options.out / f"{name}.apk" for name in ("baselayout", "musl")]
    write_list(options.out / "base.json", base)


if __name__ == "__main__":
    main()
