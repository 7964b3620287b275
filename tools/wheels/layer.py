"""layer.py --python 3.13 --output TAR WHEEL...: install wheels into a layer of a Python image.

The files go where pip of the image would put them: /usr/local/lib/python<minor>/site-packages, and
scripts and console entry points into /usr/local/bin. Nothing is run, so wheels for any platform do.
"""

from __future__ import annotations

import argparse
import base64
import csv
import email.parser
import email.policy
import hashlib
import io
import re
import sys
import tarfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from tools.archives import rules, zips
from tools.archives.errors import ArchiveError
from tools.wheels import names

PREFIX = "usr/local"
# Earlier than any file of the image; tar and zip both can say it, in every time zone:
# 1980-01-02T00:00:00Z.
EPOCH = 315619200
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


def _scheme(name: str, site: str, headers: str) -> tuple[str, bool]:
    """Return (path in the image, whether it is a script) of a wheel's member `name`."""
    parts = PurePosixPath(name).parts
    if not parts[0].endswith(".data"):
        return f"{site}/{name}", False
    folders = {
        "purelib": site,
        "platlib": site,
        "headers": headers,
        "scripts": f"{PREFIX}/bin",
        "data": PREFIX,
    }
    if len(parts) < 3 or parts[1] not in folders:
        raise ValueError(f"the member {name!r} has no place in an image")
    return "/".join((folders[parts[1]], *parts[2:])), parts[1] == "scripts"


def _not_the_images_own(path: str, site: str, headers: str) -> str:
    """Return `path`, unless the image has it from CPython or pip: ValueError."""
    folder, _, name = path.rpartition("/")
    library = site.rpartition("/")[0]
    own = (
        (folder == f"{PREFIX}/bin" and _OWN.fullmatch(name))
        or (path.startswith(f"{library}/") and not path.startswith(f"{site}/"))
        or (folder == f"{PREFIX}/lib" and name.startswith("libpython"))
        or (f"{path}/".startswith(f"{PREFIX}/include/python") and not path.startswith(headers))
    )
    if own:
        raise ValueError(f"/{path} is the image's own, which a layer would replace")
    return path


def _scripts(points: bytes, python: str) -> dict[str, bytes]:
    """Return the scripts of the entry points: path in the image to content."""
    return {
        f"{PREFIX}/bin/{point.name}": _SCRIPT.format(
            prefix=PREFIX,
            python=python,
            module=point.module,
            first=point.function.partition(".")[0],
            call=point.function,
        ).encode()
        for point in names.entry_points(points)
    }


def _check_record(info: str, members: Mapping[str, bytes]) -> None:
    """ValueError unless the wheel's RECORD has every file of it, each with its digest."""
    record = f"{info}/RECORD"
    if record not in members:
        raise ValueError("it has no RECORD")
    unrecorded = {f"{info}/{name}" for name in _UNRECORDED}
    rows: dict[str, str] = {}
    try:
        for row in csv.reader(
            io.StringIO(members[record].decode("utf-8"), newline=""), strict=True
        ):
            if row and (len(row) != 3 or row[0] in rows):
                raise ValueError(f"RECORD has the line {row!r}, which is malformed or repeated")
            if row:
                rows[row[0]] = row[1]
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"RECORD can't be read: {error}") from None
    if absent := sorted(set(rows) - set(members) - unrecorded):
        raise ValueError(f"RECORD has {absent[0]!r}, which the wheel has not")
    for path, data in members.items():
        if path in unrecorded:
            continue
        if path not in rows:
            raise ValueError(f"RECORD hasn't the member {path!r}")
        algorithm, _, said = rows[path].partition("=")
        if algorithm not in _HASHES:
            raise ValueError(f"RECORD has no digest of {path!r} but {rows[path]!r}")
        found = base64.urlsafe_b64encode(hashlib.new(algorithm, data).digest()).decode()
        if said.rstrip("=") != found.rstrip("="):
            raise ValueError(f"{path!r} isn't as RECORD says")


def _name(info: str, metadata: bytes | None) -> str:
    """Return the distribution's name; ValueError if the folder's is another one."""
    if metadata is None:
        raise ValueError("it has no METADATA")
    found = email.parser.BytesParser(policy=email.policy.compat32).parsebytes(metadata, True)
    name = names.distribution(str(found.get("Name", "")))
    names.version(str(found.get("Version", "")))
    folder = info.removesuffix(".dist-info").rpartition("-")[0]
    if _canonical(name) != _canonical(folder):
        raise ValueError(f"METADATA is of {name!r}, the folder is {info!r}")
    return name


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _record(files: dict[str, tuple[bytes, int]], record: str, site: str) -> bytes:
    """Return the RECORD of what was installed, which pip needs to uninstall and to check it."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    for path in sorted(files):
        name = (
            path.removeprefix(site + "/")
            if path.startswith(site + "/")
            else "../../../" + path.removeprefix(PREFIX + "/")
        )
        data = files[path][0]
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip("=")
        writer.writerow([name, f"sha256={digest}", len(data)])
    writer.writerow([record.removeprefix(site + "/"), "", ""])
    return out.getvalue().encode()


def install(wheel: Path, python: str) -> dict[str, tuple[bytes, int]]:
    """Return what a wheel puts into the image: path to (content, mode). Raises WheelError."""
    try:
        return _install(list(zips.files(wheel, _LIMIT)), python)
    except (ArchiveError, ValueError) as error:
        raise WheelError(f"{wheel}: {error}") from None


def _install(members: list[zips.File], python: str) -> dict[str, tuple[bytes, int]]:
    tops = {member.path.partition("/")[0] for member in members}
    info_folders = sorted(top for top in tops if top.endswith(".dist-info"))
    if len(info_folders) != 1:
        raise ValueError(f"not a wheel, it has {len(info_folders)} .dist-info folders")
    info_folder = info_folders[0]
    contents = {member.path: member.data for member in members}
    _check_record(info_folder, contents)
    name = _name(info_folder, contents.get(f"{info_folder}/METADATA"))
    site = f"{PREFIX}/lib/python{python}/site-packages"
    headers = f"{PREFIX}/include/python{python}/{name}/"
    files: dict[str, tuple[bytes, int]] = {}

    def add(path: str, data: bytes, executable: bool) -> None:
        _not_the_images_own(path, site, headers)
        if path in files:
            raise ValueError(f"two files for /{path}")
        files[path] = (data, 0o755 if executable else 0o644)

    for member in members:
        if member.path.startswith(f"{info_folder}/RECORD"):
            continue
        path, script = _scheme(member.path, site, headers.removesuffix("/"))
        data = member.data
        if script and data.startswith(b"#!python"):
            data = f"#!/{PREFIX}/bin/python{python}".encode() + data[len(b"#!python") :]
        # So that pip leaves alone what it has not installed itself.
        if path == f"{site}/{info_folder}/INSTALLER":
            continue
        add(path, data, script or member.executable)
    if points := contents.get(f"{info_folder}/entry_points.txt"):
        for path, data in _scripts(points, python).items():
            add(path, data, True)
    add(f"{site}/{info_folder}/INSTALLER", b"bazel\n", False)
    record = f"{site}/{info_folder}/RECORD"
    files[record] = (_record(files, record, site), 0o644)
    return files


def write(wheels: list[Path], python: str, out: Path) -> None:
    """Write the layer; two wheels with different files of one path are an error."""
    files: dict[str, tuple[bytes, int]] = {}
    owners: dict[str, Path] = {}
    paths = rules.Paths()
    for wheel in wheels:
        for path, content in install(wheel, python).items():
            if files.setdefault(path, content) != content:
                raise WheelError(f"{wheel.name} and {owners[path].name} both have /{path}")
            if path not in owners:
                try:
                    paths.add(rules.path(path), "file")
                except ArchiveError as error:
                    raise WheelError(f"{wheel}: {error}") from None
            owners.setdefault(path, wheel)
    # Folders that the image has stay as they are there.
    present = {PREFIX, f"{PREFIX}/bin", f"{PREFIX}/lib", f"{PREFIX}/lib/python{python}"}
    present |= {"usr", f"{PREFIX}/lib/python{python}/site-packages"}
    present |= {f"{PREFIX}/include", f"{PREFIX}/include/python{python}"}
    folders = {str(parent) for path in files for parent in PurePosixPath(path).parents} - {"."}
    with tarfile.open(out, "w", format=tarfile.GNU_FORMAT) as tar:
        for path in sorted((folders - present) | set(files)):
            info = tarfile.TarInfo(path)
            info.mtime = EPOCH
            if path in files:
                data, info.mode = files[path]
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))
            else:
                info.type, info.mode = tarfile.DIRTYPE, 0o755
                tar.addfile(info)


def main(argv: list[str] | None = None) -> int:
    """Command line; 1 and a single line where a wheel is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--python", required=True, help="the image's minor version: 3.13")
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("wheels", type=Path, nargs="+")
    args = parser.parse_args(argv)
    try:
        write(args.wheels, args.python, args.output)
    except (WheelError, OSError) as error:
        print(f"wheel layer: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
