"""What apk keeps of an installation: /lib/apk/db, and the world in /etc/apk."""

from __future__ import annotations

import posixpath
import struct
import tarfile
import zlib

from tools.formats.alpine.apk import SCRIPTS, q1
from tools.rootfs.alpine.package import Package
from tools.rootfs.alpine.system import System

_DB = "lib/apk/db"
_SOURCE = "apk's database"
# Lines of a package in the order apk writes them: letter, field of .PKGINFO, whether always there.
_LINES = (
    ("T", "pkgdesc", True), ("U", "url", True), ("L", "license", True), ("o", "origin", False),
    ("m", "maintainer", False), ("t", "builddate", False), ("c", "commit", False),
    ("k", "provider_priority", False),
)  # fmt: skip
_LISTS = (("D", "depend"), ("p", "provides"), ("i", "install_if"), ("r", "replaces"))


def write_database(system: System) -> None:
    """Write the database of everything that is installed."""
    tree = system.tree
    packages = [system.packages[name] for name in sorted(system.packages)]
    tree.put(f"{_DB}/installed", "".join(_paragraph(system, p) for p in packages), source=_SOURCE)
    triggers = (
        f"{p.apk.identity} {' '.join(p.apk.all('triggers'))}\n"
        for p in packages
        if p.apk.all("triggers")
    )
    tree.put(f"{_DB}/triggers", "".join(triggers), source=_SOURCE)
    tree.put(f"{_DB}/scripts.tar.gz", _gzip(_scripts(packages)), source=_SOURCE)
    world = "".join(f"{name}\n" for name in sorted(system.requested))
    tree.put("etc/apk/world", world, source=_SOURCE)
    tree.put("etc/apk/arch", f"{system.arch.name}\n", source=_SOURCE)


def _paragraph(system: System, package: Package) -> str:
    apk = package.apk
    lines = [f"C:{apk.identity}", f"P:{package.name}", f"V:{package.version}"]
    # Indexes of Alpine's call packages for any architecture after their own (--rewrite-arch).
    lines += [f"A:{system.arch.name}", f"S:{package.size}", f"I:{apk.one('size', '0')}"]
    for letter, name, always in _LINES:
        value = apk.one(name)
        if always or value not in ("", "0"):
            lines.append(f"{letter}:{value}")
    for letter, name in _LISTS:
        if apk.all(name):
            lines.append(f"{letter}:{' '.join(apk.all(name))}")
    if apk.one("replaces_priority", "0") != "0":
        lines.append(f"q:{apk.one('replaces_priority')}")
    return "\n".join([*lines, *_files(system, package)]) + "\n\n"


def _files(system: System, package: Package) -> list[str]:
    """The package's directories in its order, each with the files in it that are the package's."""
    folders: dict[str, list[str]] = {}
    lines: dict[str, str] = {}
    checksums = {file.path: file.checksum for file in package.files}
    for file in package.files:
        entry = file.entry
        acl = f"{entry.uid}:{entry.gid}:{entry.mode:o}"
        if entry.kind == "dir":
            folders.setdefault(file.path, [])
            if acl != "0:0:755":
                lines[file.path] = f"\nM:{acl}"
            continue
        if system.owners[system.tree.normalise(file.path)] != package.name:
            continue
        folder, name = posixpath.split(file.path)
        checksum = checksums[entry.target] if entry.kind == "hardlink" else file.checksum
        line = f"R:{name}"
        if acl != "0:0:644":
            line += f"\na:{acl}"
        folders.setdefault(folder, []).append(f"{line}\nZ:{q1(checksum)}")
    return [
        line
        for folder, files in folders.items()
        for line in (f"F:{folder}{lines.get(folder, '')}", *sorted(files, key=_name))
    ]


def _name(line: str) -> bytes:
    return line.partition("\n")[0].encode()


def _scripts(packages: list[Package]) -> bytes:
    """The tar of all scripts, named as by apk 3: <name>-<version>.X1<hex of identity>.<script>."""
    tar = bytearray()
    for package in packages:
        for name in SCRIPTS:
            text = package.apk.scripts.get(name)
            if text is None:
                continue
            start = f"{package.name}-{package.version}.X1{package.apk.control_sha1.hex()}"
            info = tarfile.TarInfo(f"{start}.{name}")
            info.mode, info.size = 0o755, len(text)
            info.mtime = int(package.apk.one("builddate", "0"))
            info.uname = info.gname = "root"
            tar += _header(info) + text + bytes(-len(text) % tarfile.BLOCKSIZE)
    return bytes(tar + bytes(2 * tarfile.BLOCKSIZE))


def _header(info: tarfile.TarInfo) -> bytes:
    """A member's header as apk writes it: size and time fill their fields."""
    header = bytearray(info.tobuf(tarfile.GNU_FORMAT))
    # The last block is the header itself; a long name comes in blocks before it.
    block = memoryview(header)[-tarfile.BLOCKSIZE :]
    block[124:136] = b"%012o" % info.size
    block[136:148] = b"%012o" % int(info.mtime)
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(header)


def _gzip(data: bytes) -> bytes:
    """A gzip stream as apk writes it: no name, no time, as small as can be, on Unix."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    packed = packer.compress(data) + packer.flush()
    header = b"\x1f\x8b\x08" + bytes(5) + b"\x02\x03"
    return header + packed + struct.pack("<II", zlib.crc32(data), len(data))
