"""Reading tar archives strictly: Python's tarfile reads, and every header is checked as it's read.

tarfile takes a damaged header for the archive's end, numbers it can't read for 0, and a sparse
file for a plain one. None of that gets past here.
"""

from __future__ import annotations

import io
import re
import tarfile
from collections.abc import Collection, Iterator
from typing import ClassVar, NamedTuple, Self

from tools.formats.archives import rules
from tools.formats.archives.archive_error import ArchiveError

_KINDS: dict[bytes, rules.Kind] = {
    tarfile.REGTYPE: "file",
    tarfile.AREGTYPE: "file",
    tarfile.DIRTYPE: "dir",
    tarfile.SYMTYPE: "symlink",
    tarfile.LNKTYPE: "hardlink",
    tarfile.CHRTYPE: "special",
    tarfile.BLKTYPE: "special",
    tarfile.FIFOTYPE: "special",
}
_SPECIAL = frozenset(kind for kind, name in _KINDS.items() if name == "special")
# Extended headers with a meaning for tar itself, and what those that are numbers look like.
STANDARD = frozenset(
    ("atime", "ctime", "gid", "gname", "linkpath", "mtime", "path", "size", "uid", "uname")
)
_NUMBERS = {
    **dict.fromkeys(("gid", "size", "uid"), re.compile(r"[0-9]{1,19}")),
    **dict.fromkeys(("atime", "ctime", "mtime"), re.compile(r"[0-9]{1,19}(\.[0-9]{0,19})?")),
}
# The archive's end; of tarfile's own errors, those without a name in its documentation.
_END = ("EmptyHeaderError", "EOFHeaderError")
# What reading raises beside tarfile's own errors where a header makes no sense.
_ODD = (tarfile.TarError, ValueError, OverflowError, LookupError, RecursionError, EOFError)


class Header(tarfile.TarInfo):
    """A header of files, directories and links; raises ArchiveError for all else."""

    types: ClassVar[frozenset[bytes]] = frozenset(_KINDS) - _SPECIAL

    @classmethod
    def fromtarfile(cls, archive: tarfile.TarFile) -> Self:
        """Read and check the next header, with those that are about it; tarfile calls it."""
        try:
            found = super().fromtarfile(archive)
        except tarfile.HeaderError as error:
            if type(error).__name__ in _END:
                raise
            raise ArchiveError(f"malformed tar header: {error}") from None
        for what in ("mode", "uid", "gid", "size", "mtime", "devmajor", "devminor"):
            rules.number(found.name, what, getattr(found, what))
        if found.issparse():
            raise ArchiveError(f"member {found.name!r} is a sparse file")
        if found.type not in cls.types:
            raise ArchiveError(
                f"member {found.name!r} is of tar type {found.type!r}, "
                + ("neither file, directory nor link" if cls is Header else "which is not known")
            )
        if archive.pax_headers:
            raise ArchiveError("a header about all members, which no packer needs")
        return found


class LayerHeader(Header):
    """A header of an image's layer, which may have devices and pipes, too."""

    types = frozenset(_KINDS)


class Member(NamedTuple):
    """A member: `info` has the path for a name (`rules.path`), `data` is a file's content.

    `data` is a view into the archive, not a copy; it is empty for all but files.
    """

    info: tarfile.TarInfo
    data: memoryview


def check(
    info: tarfile.TarInfo, paths: rules.Paths, keywords: Collection[str] | None = STANDARD
) -> rules.Kind:
    """Check one member, give it its path for a name, and note that in `paths`.

    Args:
        info: as tarfile read it with `tarinfo=Header` or LayerHeader. Of a hard link the target
            becomes a path, too.
        paths: those of the members before.
        keywords: extended headers it may have; None for any but those of sparse files.

    Returns:
        What it is.

    Raises:
        ArchiveError: the member isn't what the rules ask for.
    """
    for keyword, value in info.pax_headers.items():
        if keyword.startswith("GNU.sparse"):
            raise ArchiveError(f"member {info.name!r} is a sparse file")
        if keywords is not None and keyword not in keywords:
            raise ArchiveError(
                f"member {info.name!r} has the extended header {keyword!r}, which would be lost"
            )
        if keyword in _NUMBERS and not _NUMBERS[keyword].fullmatch(value):
            raise ArchiveError(f"member {info.name!r} has the {keyword} {value!r}")
    for what in ("uid", "gid", "size", "mtime"):
        rules.number(info.name, what, getattr(info, what))
    kind = _KINDS[info.type]
    info.name = rules.path(info.name, kind)
    if kind == "symlink":
        rules.target(info.name, info.linkname)
    elif kind == "hardlink":
        info.linkname = rules.path(info.linkname)
    paths.add(info.name, kind, info.linkname)
    return kind


def members(
    data: bytes | memoryview, keywords: Collection[str] = STANDARD, *, ended: bool = True
) -> Iterator[Member]:
    """The members of an uncompressed tar of files, directories and links, in its order.

    Args:
        data: the archive.
        keywords: extended headers that members may have.
        ended: whether the blocks of zeros at the end have to be there.

    Raises:
        ArchiveError: the archive is damaged or cut short, or a member isn't what rules.py asks for.
    """
    view = memoryview(data)
    paths = rules.Paths()
    try:
        # A name in ASCII or UTF-8 is the same; another one shows, and is refused.
        with tarfile.open(
            fileobj=io.BytesIO(data), mode="r:", tarinfo=Header, encoding="utf-8",
            errors="surrogateescape",
        ) as tar:  # fmt: skip
            for info in tar:
                kind = check(info, paths, keywords)
                end = info.offset_data + (info.size if kind == "file" else 0)
                if end > len(view):
                    raise ArchiveError(f"member {info.name!r} is incomplete")
                yield Member(info, view[info.offset_data : end])
            rest = view[tar.offset :]
    except _ODD as error:
        raise ArchiveError(f"malformed tar: {type(error).__name__}: {error}") from None
    if ended and len(rest) < tarfile.BLOCKSIZE:
        raise ArchiveError("truncated: the tar has no end")
    if bytes(rest).count(0) != len(rest):
        raise ArchiveError("malformed tar: something follows its end")
