"""What installing a wheel puts into a Python image: `installer`'s steps, and files in memory.

`installer` has the rules of the wheel's specification: which folder is for what, which scripts
there are, which first lines are rewritten, what RECORD says. Here is where the files go, and what
an image doesn't take.
"""

from __future__ import annotations

import csv
import email.parser
import email.policy
import io
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

import installer
from installer.destinations import WheelDestination
from installer.exceptions import InstallerError
from installer.records import InvalidRecordEntry, RecordEntry, parse_record_file
from installer.sources import WheelContentElement, WheelSource
from installer.utils import (
    SCHEME_NAMES,
    Scheme,
    canonicalize_name,
    copyfileobj_with_hashing,
    fix_shebang,
)

from tools.formats.archives import zips
from tools.formats.archives.archive_error import ArchiveError
from tools.wheels import names

PREFIX = "usr/local"
_LIMIT = 1 << 32
# Programs that the image has from CPython and pip.
_OWN = re.compile(r"(?:python|idle|pydoc|pip|2to3)(?:-?[0-9][0-9.]*)?t?(?:-config)?")
_HASHES = ("sha256", "sha384", "sha512")
# Of these RECORD says nothing.
_UNRECORDED = ("RECORD", "RECORD.jws", "RECORD.p7s")
_SCRIPT = """\
#!/{prefix}/bin/python{python}
import sys
from {module} import {first}
if __name__ == "__main__":
    sys.exit({call}())
"""


class WheelError(Exception):
    """A wheel can't be installed; the message names it and says why."""


class Source(WheelSource):
    """A wheel whose members have been read. ValueError if it isn't one, or not as RECORD says."""

    def __init__(self, members: Iterable[zips.File]) -> None:
        self.members = {member.path: member for member in members}
        folder = self._folder(".dist-info")
        if not folder:
            raise ValueError("not a wheel, it has 0 .dist-info folders")
        distribution, _, version = folder.removesuffix(".dist-info").rpartition("-")
        super().__init__(distribution, version)
        self._data = self._folder(".data") or super().data_dir
        self.validate_record()
        self.name = self._name()
        self.read_dist_info("WHEEL")
        self._check_folders()

    def _folder(self, suffix: str) -> str:
        tops = {path.partition("/")[0] for path in self.members}
        found = sorted(top for top in tops if top.endswith(suffix))
        if len(found) > 1:
            raise ValueError(f"not a wheel, it has {len(found)} {suffix} folders")
        return found[0] if found else ""

    @property
    def data_dir(self) -> str:
        """Name of the data directory."""
        return self._data

    @property
    def dist_info_filenames(self) -> list[str]:
        """Names of the files in the dist-info directory."""
        prefix = self.dist_info_dir + "/"
        return [path.removeprefix(prefix) for path in self.members if path.startswith(prefix)]

    def read_dist_info(self, filename: str) -> str:
        """Text of a file in the dist-info directory; ValueError if it has none.

        Entry points are those of scripts, in the one form that `installer` reads as pip does.
        """
        member = self.members.get(f"{self.dist_info_dir}/{filename}")
        if member is None:
            raise ValueError(f"it has no {filename}")
        if filename == "entry_points.txt":
            points = names.entry_points(member.data)
            lines = [f"{point.name} = {point.module}:{point.function}\n" for point in points]
            return "[console_scripts]\n" + "".join(lines)
        try:
            return member.data.decode("utf-8")
        except UnicodeDecodeError as error:
            raise ValueError(f"{filename} can't be read: {error}") from None

    def get_contents(self) -> Iterator[WheelContentElement]:
        """All files but what an installation writes anew."""
        anew = {f"{self.dist_info_dir}/{name}" for name in (*_UNRECORDED, "INSTALLER")}
        for path, member in self.members.items():
            if path not in anew:
                yield (path, "", ""), io.BytesIO(member.data), member.executable

    def validate_record(self) -> None:
        """ValueError unless RECORD has every file of the wheel, each with its digest."""
        unrecorded = {f"{self.dist_info_dir}/{name}" for name in _UNRECORDED}
        rows = self._rows()
        if absent := sorted(set(rows) - set(self.members) - unrecorded):
            raise ValueError(f"RECORD has {absent[0]!r}, which the wheel has not")
        for path, member in self.members.items():
            if path in unrecorded:
                continue
            if path not in rows:
                raise ValueError(f"RECORD doesn't list the member {path!r}")
            entry = rows[path]
            if entry.hash_ is None or entry.hash_.name not in _HASHES:
                raise ValueError(f"RECORD has no digest of {path!r} but {str(entry.hash_ or '')!r}")
            entry.hash_.value = entry.hash_.value.rstrip("=")  # not padded, by the specification
            if not entry.validate_stream(io.BytesIO(member.data)):
                raise ValueError(f"{path!r} isn't as RECORD says")

    def _rows(self) -> dict[str, RecordEntry]:
        rows: dict[str, RecordEntry] = {}
        try:
            for row in parse_record_file(io.StringIO(self.read_dist_info("RECORD"), newline="")):
                if row[0] in rows:
                    raise ValueError(f"RECORD has {row[0]!r} twice")
                rows[row[0]] = RecordEntry.from_elements(*row)
        except (InvalidRecordEntry, csv.Error) as error:
            raise ValueError(f"RECORD can't be read: {error}") from None
        return rows

    def _name(self) -> str:
        """The distribution's name; ValueError if the folder's is another one."""
        text = self.read_dist_info("METADATA").encode()
        found = email.parser.BytesParser(policy=email.policy.compat32).parsebytes(text, True)
        name = names.distribution(str(found.get("Name", "")))
        names.version(str(found.get("Version", "")))
        if canonicalize_name(name) != canonicalize_name(self.distribution):
            raise ValueError(f"METADATA is of {name!r}, the folder is {self.dist_info_dir!r}")
        return name

    def _check_folders(self) -> None:
        """ValueError for a member of the data directory that is in none of its folders."""
        for path in self.members:
            top, *rest = path.split("/")
            if top == self._data and (len(rest) < 2 or rest[0] not in SCHEME_NAMES):
                raise ValueError(f"the member {path!r} has no place in an image")


class Destination(WheelDestination):
    """The image: files by path, with content and mode. ValueError for what it doesn't take."""

    def __init__(self, python: str, distribution: str) -> None:
        self.python = python
        self.site = f"{PREFIX}/lib/python{python}/site-packages"
        self.headers = f"{PREFIX}/include/python{python}/{distribution}"
        self.folders: Mapping[str, str] = {
            "purelib": self.site,
            "platlib": self.site,
            "headers": self.headers,
            "scripts": f"{PREFIX}/bin",
            "data": PREFIX,
        }
        self.files: dict[str, tuple[bytes, int]] = {}

    def write_script(self, name: str, module: str, attr: str, section: str) -> RecordEntry:
        """Add the script of an entry point."""
        text = _SCRIPT.format(
            prefix=PREFIX, python=self.python, module=module, first=attr.partition(".")[0],
            call=attr,
        )  # fmt: skip
        return self._add(f"{PREFIX}/bin/{name}", text.encode(), True)

    def write_file(
        self, scheme: Scheme, path: str | object, stream: BinaryIO, is_executable: bool
    ) -> RecordEntry:
        """Add a file of the wheel."""
        script = scheme == "scripts"
        if script:
            with fix_shebang(stream, f"/{PREFIX}/bin/python{self.python}") as fixed:
                data = fixed.read()
        else:
            data = stream.read()
        return self._add(f"{self.folders[scheme]}/{path}", data, script or is_executable)

    def finalize_installation(
        self, scheme: Scheme, record_file_path: str, records: Iterable[tuple[Scheme, RecordEntry]]
    ) -> None:
        """Add RECORD, which pip needs to uninstall and to check what was installed."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        for path, (data, _) in sorted(self.files.items()):
            writer.writerow(RecordEntry.from_elements(self._recorded(path), *_said(data)).to_row())
        writer.writerow((record_file_path, "", ""))
        self.files[f"{self.site}/{record_file_path}"] = (out.getvalue().encode(), 0o644)

    def _recorded(self, path: str) -> str:
        """A path of the image as RECORD has it: relative to site-packages."""
        if path.startswith(self.site + "/"):
            return path.removeprefix(self.site + "/")
        return "../../../" + path.removeprefix(PREFIX + "/")

    def _add(self, path: str, data: bytes, executable: bool) -> RecordEntry:
        self._not_the_images_own(path)
        if path in self.files:
            raise ValueError(f"two files for /{path}")
        self.files[path] = (data, 0o755 if executable else 0o644)
        return RecordEntry(path, None, None)

    def _not_the_images_own(self, path: str) -> None:
        """ValueError if the image has `path` from CPython or pip."""
        folder, _, name = path.rpartition("/")
        library = self.site.rpartition("/")[0]
        includes = f"{path}/".startswith(f"{PREFIX}/include/python")
        own = (
            (folder == f"{PREFIX}/bin" and _OWN.fullmatch(name))
            or (path.startswith(f"{library}/") and not path.startswith(f"{self.site}/"))
            or (folder == f"{PREFIX}/lib" and name.startswith("libpython"))
            or (includes and not path.startswith(f"{self.headers}/"))
        )
        if own:
            raise ValueError(f"/{path} is the image's own, which a layer would replace")


def _said(data: bytes) -> tuple[str, str]:
    """What RECORD says of a content: its digest and its size."""
    digest, size = copyfileobj_with_hashing(io.BytesIO(data), io.BytesIO(), "sha256")
    return f"sha256={digest}", str(size)


def install(wheel: Path, python: str) -> dict[str, tuple[bytes, int]]:
    """What a wheel puts into the image: path to (content, mode).

    Args:
        wheel: the file.
        python: the image's minor version, such as "3.13".

    Raises:
        WheelError: it is no proper wheel, or has what an image doesn't take.
    """
    try:
        source = Source(zips.files(wheel, _LIMIT))
        destination = Destination(python, source.name)
        # The name is of who installed it: so pip leaves alone what it has not installed itself.
        installer.install(source, destination, {"INSTALLER": b"bazel\n"})
    except (ArchiveError, InstallerError, ValueError) as error:
        reason = error.args[-1] if isinstance(error, InstallerError) else error
        raise WheelError(f"{wheel}: {reason}") from None
    return destination.files
