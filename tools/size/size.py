"""Says what an image's size is made of: its layers, its packages, its top folders.

    ./bazelw run //images:3.14-distroless_amd64.size
    ./bazelw run //images:3.14-distroless_amd64.size -- --markdown --least 100

A package's compressed size is that of its files in one stream of gzip by themselves. In the image
they share a stream with others, so the sum isn't quite that of the layers.
"""

from __future__ import annotations

import argparse
import os
import posixpath
import sys
import tarfile
import zlib
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import zstandard

from tools.oci.assembler.layout import Layout
from tools.oci.assembler.spec import OciError
from tools.oci.blob import open_tar

_MEGABYTE = 1_000_000
_INFO = "var/lib/dpkg/info/"
_STATUS = "var/lib/dpkg/status.d/"
_CPYTHON = "CPython"
_OTHER = "computed, of no package"
# As in tools/oci/compress.py.
_GZIP_LEVEL, _ZSTD_LEVEL = 9, 19


@dataclass
class Share:
    """What some of the files take: how many, their bytes, and these compressed by themselves."""

    files: int = 0
    size: int = 0
    _stream: zlib._Compress = field(default_factory=lambda: zlib.compressobj(_GZIP_LEVEL))
    _compressed: int = 0

    def add(self, content: bytes) -> None:
        """Add a file."""
        self.files += 1
        self.size += len(content)
        self._compressed += len(self._stream.compress(content))

    def finish(self) -> Share:
        """End the compressed stream."""
        self._compressed += len(self._stream.flush())
        return self

    @property
    def compressed(self) -> int:
        """Bytes of the stream of gzip."""
        return self._compressed


@dataclass(frozen=True)
class LayerSize:
    """A layer's bytes: of its tar, as it is in the image, and of the tar compressed by zstd."""

    tar: int
    blob: int
    zstd: int


@dataclass(frozen=True)
class Sizes:
    """What there is to say of an image."""

    layers: tuple[LayerSize, ...]
    packages: Mapping[str, Share]
    folders: Mapping[str, Share]


def _files(blobs: Sequence[Path]) -> dict[str, bytes]:
    """The image's files by path; what a layer above replaces or removes is gone."""
    found: dict[str, bytes] = {}
    for blob in blobs:
        with open_tar(blob) as stream, tarfile.open(fileobj=stream, mode="r|") as tar:
            for member in tar:
                name = posixpath.normpath(member.name).lstrip("/")
                folder, base = posixpath.split(name)
                if base.startswith(".wh."):
                    gone = folder if base == ".wh..wh..opq" else posixpath.join(folder, base[4:])
                    found = {
                        path: content
                        for path, content in found.items()
                        if path != gone and not path.startswith(f"{gone}/")
                    }
                elif member.isreg() and (file := tar.extractfile(member)):
                    found[name] = file.read()
    return found


def owners(files: Mapping[str, bytes]) -> dict[str, str]:
    """By path, the Debian package that a file is of, as the database in the image says."""
    found: dict[str, str] = {}
    for path, content in files.items():
        if path.startswith(_INFO) and path.endswith(".list"):
            name = path.removeprefix(_INFO).removesuffix(".list").partition(":")[0]
            paths = [line.lstrip("/") for line in content.decode().splitlines()]
        elif path.startswith(_STATUS) and path.endswith(".md5sums"):
            name = path.removeprefix(_STATUS).removesuffix(".md5sums")
            paths = [line.partition("  ")[2] for line in content.decode().splitlines()]
        else:
            continue
        found.update(dict.fromkeys(paths, name))
    # The links of the merged /usr: lists may have files by either path.
    merged = ("bin/", "lib", "sbin/")
    return found | {f"usr/{path}": name for path, name in found.items() if path.startswith(merged)}


def _share(contents: Iterable[bytes]) -> Share:
    share = Share()
    for content in contents:
        share.add(content)
    return share.finish()


def _shares(
    files: Mapping[str, bytes], key_of: Mapping[str, str], pool: Executor
) -> dict[str, Share]:
    groups: dict[str, list[bytes]] = {}
    for path in sorted(files):
        groups.setdefault(key_of[path], []).append(files[path])
    done = dict(zip(groups, pool.map(_share, groups.values()), strict=True))
    return dict(sorted(done.items(), key=lambda item: (-item[1].compressed, item[0])))


def _layer(blob: Path) -> LayerSize:
    with open_tar(blob) as stream:
        data = stream.read()
    compressed = zstandard.ZstdCompressor(level=_ZSTD_LEVEL).compress(data)
    return LayerSize(len(data), blob.stat().st_size, len(compressed))


def folder_of(path: str) -> str:
    """The folder that a file counts for: the top one, or the one below /usr or /usr/local."""
    parts = path.split("/")
    depth = 3 if parts[:2] == ["usr", "local"] else 2 if parts[0] == "usr" else 1
    return "/" + "/".join(parts[: min(depth, len(parts) - 1)])


def measure(layout: Path) -> Sizes:
    """The sizes of the image of one platform in an OCI layout.

    Raises:
        OciError, OSError: it can't be read.
    """
    opened = Layout(layout)
    _, manifest = opened.image()
    blobs = [opened.blob(layer["digest"]) for layer in manifest["layers"]]
    files = _files(blobs)
    owned = owners(files)
    packages = {
        path: owned.get(path) or (_CPYTHON if path.startswith("usr/local/") else _OTHER)
        for path in files
    }
    folders = {path: folder_of(path) for path in files}
    # Compressing takes all the time, and lets other threads run.
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        return Sizes(
            layers=tuple(pool.map(_layer, blobs)),
            packages=_shares(files, packages, pool),
            folders=_shares(files, folders, pool),
        )


def _megabytes(size: int) -> str:
    return f"{size / _MEGABYTE:.2f}"


def _rows(title: str, shares: Mapping[str, Share], least: int) -> list[list[str]]:
    rows = [[title, "files", "MB", "MB by gzip"]]
    small = Share()
    count = 0
    for key, share in shares.items():
        if share.compressed >= least:
            rows.append(
                [key, str(share.files), _megabytes(share.size), _megabytes(share.compressed)]
            )
        else:
            count += 1
            small.files += share.files
            small.size += share.size
            small._compressed += share.compressed
    if count:
        rows.append(
            [
                f"{count} smaller ones",
                str(small.files),
                _megabytes(small.size),
                _megabytes(small.compressed),
            ]
        )
    return rows


def _table(rows: Sequence[Sequence[str]], *, markdown: bool) -> str:
    if markdown:
        lines = [f"| {' | '.join(row)} |" for row in rows]
        return "\n".join([lines[0], "|---|" + "---:|" * (len(rows[0]) - 1), *lines[1:]])
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )


def report(sizes: Sizes, *, least: int = 0, markdown: bool = False) -> str:
    """The tables, for people.

    Args:
        sizes: what was measured.
        least: compressed bytes from which on a package or folder has a row of its own.
        markdown: whether the tables are Markdown.
    """
    layers = [["layer", "MB", "MB in the image", f"MB by zstd -{_ZSTD_LEVEL}"]]
    layers += [
        [str(number), _megabytes(one.tar), _megabytes(one.blob), _megabytes(one.zstd)]
        for number, one in enumerate(sizes.layers, 1)
    ]
    layers.append(
        [
            "all",
            _megabytes(sum(one.tar for one in sizes.layers)),
            _megabytes(sum(one.blob for one in sizes.layers)),
            _megabytes(sum(one.zstd for one in sizes.layers)),
        ]
    )
    tables = [layers]
    tables.append(_rows("package", sizes.packages, least))
    tables.append(_rows("folder", sizes.folders, least))
    return "\n\n".join(_table(rows, markdown=markdown) for rows in tables) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="size", description="Say what an image's size is made of."
    )
    parser.add_argument("--image", type=Path, required=True, help="OCI layout of one image")
    parser.add_argument("--markdown", action="store_true", help="tables for a page")
    parser.add_argument(
        "--least",
        type=int,
        default=0,
        metavar="KB",
        help="packages and folders below it, compressed, share a row",
    )
    parser.add_argument(
        "--limit", type=float, metavar="MB", help="fail if the image is larger, compressed"
    )
    parser.add_argument("--folder", help=argparse.SUPPRESS)  # what launchers give all programs
    options = parser.parse_args(arguments)
    try:
        sizes = measure(options.image)
    except (OciError, OSError, tarfile.TarError) as error:
        print(f"size: {error}", file=sys.stderr)
        return 2
    print(report(sizes, least=options.least * 1000, markdown=options.markdown), end="")
    whole = sum(layer.blob for layer in sizes.layers)
    if options.limit is not None and whole > options.limit * _MEGABYTE:
        print(
            f"size: the image has {_megabytes(whole)} MB, more than {options.limit}",
            file=sys.stderr,
        )
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
