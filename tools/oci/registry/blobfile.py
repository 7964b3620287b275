"""A blob's file: hashed before a byte of it is sent."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from tools.oci.assembler.spec import check_digest
from tools.oci.registry.registry_error import RegistryError


class BlobFile:
    """An open file that has the content its digest and size promise; a context manager.

    It is opened once: what is sent is what was hashed. RegistryError where it isn't that.
    """

    def __init__(self, path: Path, digest: str, size: int) -> None:
        check_digest(digest, path)
        self.digest = digest
        self.size = size
        self._path = path
        self._file: BinaryIO = path.open("rb")
        try:
            found = "sha256:" + hashlib.file_digest(self._file, "sha256").hexdigest()
            length = self._file.tell()
            if (found, length) != (digest, size):
                raise RegistryError(
                    f"{path}: has {length} bytes with digest {found}, not {size} with {digest};"
                    " it is not sent"
                )
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> BlobFile:
        """Do nothing; the file is open."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file."""
        self._file.close()

    def part(self, start: int, length: int, advance: Callable[[int], None]) -> io.BufferedIOBase:
        """Return `length` bytes from `start` on as a file, which tells `advance` what was read."""
        self._file.seek(start)
        return _Part(self._file, length, advance)


class _Part(io.BufferedIOBase):
    """Some bytes of a file from where it is; closing it leaves the file open."""

    def __init__(self, file: BinaryIO, length: int, advance: Callable[[int], None]) -> None:
        super().__init__()
        self._inner = file
        self._left = length
        self._advance = advance

    def readable(self) -> bool:
        return True

    def read(self, size: int | None = -1, /) -> bytes:
        data = self._inner.read(self._left if size is None or size < 0 else min(size, self._left))
        self._left -= len(data)
        self._advance(len(data))
        return data
