r"""Apply patches to a source archive: the same archive with other files.

    python -m tools.patches.archive --source Python-3.13.15.tar.xz --label 3.13.15-r1 \
        --patch patches/3.13.15/fix.patch=FILE … --out source.tar.gz

The files keep their times, which make compares, whatever a patch does to them; a new one has the
newest of the archive. The result depends on the inputs alone.
"""

from __future__ import annotations

import argparse
import copy
import gzip
import io
import sys
import tarfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from tools.patches import unified
from tools.patches.unified import Change, PatchError

# Little work: the archive is unpacked again a moment later. xz takes eight times as long for a
# quarter less.
_LEVEL: Final = 1


class ArchiveError(Exception):
    """A patch that can't be applied, in one message."""


def _path(member: tarfile.TarInfo) -> str:
    """A member's path below the archive's only folder; empty of that folder itself."""
    return member.name.partition("/")[2]


def read(source: Path, paths: Iterable[str]) -> dict[str, bytes]:
    """Those of the files that an archive has, by their path below its only folder."""
    wanted = set(paths)
    found: dict[str, bytes] = {}
    with tarfile.open(source) as archive:
        for member in archive:
            if _path(member) in wanted and member.isreg():
                file = archive.extractfile(member)
                assert file is not None
                found[_path(member)] = file.read()
    return found


def patched(
    source: Path, patches: Sequence[tuple[str, bytes]]
) -> tuple[dict[str, bytes | None], set[str]]:
    """What patches make of a source's files, and which of the new ones are programs.

    Args:
        source: the source archive.
        patches: (name, content) of each, in the order they are applied.

    Returns:
        content by path; None for a file that is gone.

    Raises:
        ArchiveError: one doesn't apply; it names patch and line.
    """
    parsed: list[tuple[str, list[Change]]] = []
    for name, data in patches:
        try:
            parsed.append((name, unified.parse(data)))
        except PatchError as error:
            raise _failed(name, error) from None
    paths = {change.path for _, changes in parsed for change in changes}
    files: dict[str, bytes | None] = dict(read(source, paths))
    programs: set[str] = set()
    for name, changes in parsed:
        for change in changes:
            try:
                files[change.path] = unified.apply(change, files.get(change.path))
            except PatchError as error:
                raise _failed(name, error) from None
            if change.kind == "create" and change.executable:
                programs.add(change.path)
    return files, programs


def _failed(name: str, error: PatchError) -> ArchiveError:
    return ArchiveError(f"{name}:{error.line}: {error.problem}; {error.remedy}")


def write(source: Path, out: Path, patches: Sequence[tuple[str, bytes]]) -> None:
    """Write `source` with its patches applied to `out`, a .tar.gz.

    Raises:
        ArchiveError: one doesn't apply; nothing is written.
    """
    files, programs = patched(source, patches)
    root = ""
    newest = 0.0
    model: tarfile.TarInfo | None = None
    with (
        tarfile.open(source) as old,
        out.open("wb") as stream,
        gzip.GzipFile("", "wb", _LEVEL, stream, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as new,
    ):
        for member in old:
            root = root or member.name.partition("/")[0]
            newest = max(newest, member.mtime)
            path = _path(member)
            if not member.isreg():
                if path in files:
                    raise ArchiveError(
                        f"{patches[0][0]}: {path} is no ordinary file of the source; leave it out"
                    )
                new.addfile(member)
                continue
            model = model or member
            if path not in files:
                new.addfile(member, old.extractfile(member))
            elif (content := files.pop(path)) is not None:
                _add(new, member, content)
        # What is left has been created.
        for path, content in sorted(files.items()):
            if content is not None:
                made = copy.copy(model) if model else tarfile.TarInfo()
                made.pax_headers = {}
                made.name = f"{root}/{path}"
                made.mode = 0o755 if path in programs else 0o644
                made.mtime = newest
                _add(new, made, content)


def _add(archive: tarfile.TarFile, member: tarfile.TarInfo, content: bytes) -> None:
    made = copy.copy(member)
    made.size = len(content)
    archive.addfile(made, io.BytesIO(content))


def _named(text: str) -> tuple[str, Path]:
    name, _, path = text.partition("=")
    return name, Path(path)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns the exit status."""
    parser = argparse.ArgumentParser(description="Apply patches to a source archive.")
    add = parser.add_argument
    add("--source", type=Path, required=True, help="the source archive")
    add("--label", required=True, help="the revision it becomes, for messages")
    add("--patch", type=_named, action="append", default=[], metavar="NAME=FILE")
    add("--out", type=Path, required=True, help=".tar.gz to write")
    options = parser.parse_args(arguments)
    try:
        write(
            options.source,
            options.out,
            [(name, path.read_bytes()) for name, path in options.patch],
        )
    except (ArchiveError, OSError) as error:
        options.out.unlink(missing_ok=True)
        print(f"patch: CPython {options.label}: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
