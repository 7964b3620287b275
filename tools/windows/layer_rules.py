"""Whether a layer can be unpacked on Windows: what its readers refuse, or read as something else.

What unpacks a layer there is hcsshim (github.com/microsoft/hcsshim), called by containerd and
moby: `pkg/ociwclayer/import.go` reads the tar, go-winio's `backuptar/tar.go` its headers,
`internal/wclayer/legacy.go` and `internal/safefile/safeopen.go` write the files. RULES names
the place that each rule is from. What these readers take, but make something else of than the
layer's author meant, is refused here too.
"""

from __future__ import annotations

import base64
import binascii
import posixpath
import re
import tarfile
from pathlib import Path
from typing import BinaryIO, Final

from tools.oci.blob import open_tar
from tools.packages.windows.windows_error import WindowsError
from tools.windows import names, security

FILES: Final = "Files"
HIVES: Final = "Hives"

# Rule -> where it is from.
RULES: Final = {
    "roots": "hcsshim internal/wclayer/legacy.go: Files and Hives, UtilityVM for base images",
    "order": "hcsshim internal/wclayer/legacy.go: MkdirRelative makes no folder above",
    "links": "hcsshim internal/safefile/safeopen.go: OBJ_DONT_REPARSE; legacy.go: AddLink",
    "once": "hcsshim internal/wclayer/legacy.go: FILE_CREATE; NTFS: names differ in more than case",
    "names": "Microsoft, Naming Files, Paths, and Namespaces; safeopen.go: ntRelativePath",
    "metadata": "hcsshim internal/wclayer/legacy.go: files named .$wcidirs$ are its own",
    "removals": "hcsshim pkg/ociwclayer/import.go: whiteoutPrefix; legacy.go: Remove",
    "types": "go-winio backuptar/tar.go: FileInfoFromHeader, WriteBackupStreamFromTarFile",
    "attributes": "go-winio backuptar/tar.go: MSWINDOWS.fileattr; legacy.go: Add",
    "times": "go-winio backuptar/tar.go: FileInfoFromHeader; Go's time.Time.UnixNano",
    "security": "go-winio backuptar/tar.go: MSWINDOWS.rawsd; [MS-DTYP] 2.4.6",
}

_PREFIX: Final = "MSWINDOWS."
_ATTRIBUTES: Final = _PREFIX + "fileattr"
_DESCRIPTOR: Final = _PREFIX + "rawsd"
_KNOWN: Final = (_ATTRIBUTES, _DESCRIPTOR, _PREFIX + "mountpoint")
_EXTENDED: Final = _PREFIX + "xattr."
_CREATED: Final = "LIBARCHIVE.creationtime"
_DIRECTORY: Final = 0x10
_REPARSE_POINT: Final = 0x400
_WHITEOUT: Final = ".wh."
_OPAQUE: Final = ".wh..wh..opq"
_OWN_METADATA: Final = ".$wcidirs$"
# Seconds since 1970: Go counts nanoseconds in 64 bits, and 1970 is the oldest that tars have.
_LATEST: Final = (1 << 63) // 1_000_000_000
_NUMBER: Final = re.compile(r"[0-9]+")
_TIME: Final = re.compile(r"[0-9]+(\.[0-9]*)?")


class _BrokenRuleError(Exception):
    """A rule that a member breaks, and what is wrong, to be read after the member's name."""

    def __init__(self, rule: str, what: str) -> None:
        super().__init__(what)
        self.rule = rule


class _Layer:
    """The members that were read so far, by path as Windows compares it."""

    def __init__(self) -> None:
        self.added: dict[str, tarfile.TarInfo] = {}
        self.removed: set[str] = set()

    def take(self, member: tarfile.TarInfo) -> None:
        """Look at the next member; _BrokenRuleError for what is wrong with it."""
        name = member.name
        if posixpath.basename(name).startswith(_WHITEOUT):
            self._remove(name)
            return
        self._check_place(name)
        if name in (FILES, HIVES) and not member.isdir():
            raise _BrokenRuleError("roots", "is no folder")
        path = names.folded(name)
        if path in self.added:
            raise _BrokenRuleError("once", f"and {self.added[path].name!r} are one file on Windows")
        if path in self.removed:
            raise _BrokenRuleError(
                "removals", "is added, and removed by a whiteout of the same layer"
            )
        self._check_parent(name)
        if member.islnk():
            self._check_link(member)
        elif not (member.isreg() or member.isdir() or member.issym()):
            raise _BrokenRuleError(
                "types", "is neither file nor folder nor link; nothing of it would be left"
            )
        else:
            _check_attributes(member)
            _check_times(member)
            _check_descriptor(member)
        self.added[path] = member

    def _check_place(self, name: str) -> None:
        root, slash, below = name.partition("/")
        if root not in (FILES, HIVES):
            raise _BrokenRuleError("roots", f"is neither in {FILES} nor in {HIVES}")
        if not slash:
            return
        if root == HIVES:
            raise _BrokenRuleError("roots", "is a registry hive, which no layer of ours changes")
        if found := names.path_fault(below):
            raise _BrokenRuleError("names", found)
        if names.folded(below).endswith(names.folded(_OWN_METADATA)):
            raise _BrokenRuleError("metadata", f"ends in {_OWN_METADATA}, as hcsshim's own files")

    def _check_parent(self, name: str) -> None:
        parent = posixpath.dirname(name)
        if not parent:
            return
        above = self.added.get(names.folded(parent))
        if above is None:
            raise _BrokenRuleError("order", f"comes without its folder {parent!r}, or before it")
        if not above.isdir():
            rule = "links" if above.issym() else "order"
            raise _BrokenRuleError(rule, f"is below {parent!r}, which is no folder")

    def _check_link(self, member: tarfile.TarInfo) -> None:
        target = self.added.get(names.folded(member.linkname))
        if target is None or not target.isreg():
            raise _BrokenRuleError(
                "links", f"is a hard link to {member.linkname!r}, no file before it"
            )

    def _remove(self, name: str) -> None:
        folder, base = posixpath.split(name)
        if base == _OPAQUE:
            raise _BrokenRuleError("removals", "empties a folder, which Windows' layers can't")
        if base == _WHITEOUT:
            raise _BrokenRuleError("removals", "names nothing to remove")
        gone = posixpath.join(folder, base.removeprefix(_WHITEOUT))
        self._check_place(gone)
        if names.folded(gone) in self.added:
            raise _BrokenRuleError("removals", "removes what the same layer adds")
        self.removed.add(names.folded(gone))

    def finish(self) -> None:
        """Look at the whole; _BrokenRuleError for what is missing."""
        for root in (FILES, HIVES):
            if names.folded(root) not in self.added:
                raise _BrokenRuleError("roots", f"has no folder {root}")


def _check_attributes(member: tarfile.TarInfo) -> None:
    for key in member.pax_headers:
        if key.startswith(_PREFIX) and key not in _KNOWN and not key.startswith(_EXTENDED):
            raise _BrokenRuleError("attributes", f"has {key}, which nothing reads")
    text = member.pax_headers.get(_ATTRIBUTES, "")
    if not _NUMBER.fullmatch(text) or int(text) >= 1 << 32:
        raise _BrokenRuleError("attributes", f"has no number of 32 bits as {_ATTRIBUTES}: {text!r}")
    value = int(text)
    if member.issym():
        if not value & _REPARSE_POINT or not member.linkname:
            raise _BrokenRuleError(
                "attributes", "is a symbolic link without a target or its attribute"
            )
    elif value & _REPARSE_POINT:
        raise _BrokenRuleError("attributes", "has the attribute of a link, and is none")
    elif bool(value & _DIRECTORY) != member.isdir():
        kind = "a folder" if member.isdir() else "a file"
        raise _BrokenRuleError("attributes", f"is {kind}, which its attributes {value} deny")


def _check_times(member: tarfile.TarInfo) -> None:
    found = {"mtime": str(member.mtime)}
    for key in ("atime", "ctime", _CREATED):
        found[key] = member.pax_headers.get(key, "")
    for key, text in found.items():
        if not _TIME.fullmatch(text) or float(text) > _LATEST:
            raise _BrokenRuleError("times", f"has no time from 1970 to 2262 as {key}: {text!r}")


def _check_descriptor(member: tarfile.TarInfo) -> None:
    text = member.pax_headers.get(_DESCRIPTOR)
    if text is None:
        # The roots keep what the base image gave them.
        if member.name in (FILES, HIVES):
            return
        raise _BrokenRuleError("security", f"has no {_DESCRIPTOR}: who may read it?")
    try:
        security.check(base64.b64decode(text, validate=True))
    except (binascii.Error, ValueError) as error:
        raise _BrokenRuleError(
            "security", f"has no security descriptor as {_DESCRIPTOR}: {error}"
        ) from None


def check(tar: BinaryIO, source: object) -> None:
    """Raise WindowsError for a layer that Windows wouldn't unpack as it is meant.

    Args:
        tar: the uncompressed layer, read from its beginning to its end.
        source: names it in the error.
    """
    layer = _Layer()
    name = ""
    try:
        with tarfile.open(fileobj=tar, mode="r|") as opened:
            for member in opened:
                name = member.name
                layer.take(member)
        name = ""
        layer.finish()
    except _BrokenRuleError as fault:
        told = f"{name!r} {fault}" if name else str(fault)
        raise WindowsError(
            f"{source}: can't be a layer on Windows: {told} ({RULES[fault.rule]})"
        ) from None
    except (tarfile.TarError, EOFError, OSError, ValueError, OverflowError) as error:
        raise WindowsError(f"{source}: is no readable layer: {error}") from None


def check_blob(path: Path) -> None:
    """Raise WindowsError for a layer's blob, compressed or not, that breaks a rule."""
    with open_tar(path) as tar:
        check(tar, path)
