"""layer.py --python 3.13 --output TAR WHEEL...: install wheels into a layer of a Python image.

The files go where pip of the image would put them: /usr/local/lib/python<minor>/site-packages, and
scripts and console entry points into /usr/local/bin. Nothing is run, so wheels for any platform do.
Standard library only.
"""

from __future__ import annotations

import argparse
import base64
import configparser
import csv
import hashlib
import io
import re
import sys
import tarfile
import zipfile
from pathlib import Path, PurePosixPath

PREFIX = "usr/local"
# Earlier than any file of the image; tar and zip both can say it: 1980-01-01T00:00:00Z.
EPOCH = 315532800
_SCRIPT = """\
#!/{prefix}/bin/python{python}
import sys
from {module} import {first}
if __name__ == "__main__":
    sys.exit({call}())
"""


class WheelError(Exception):
    """A wheel can't be installed; the message names it and says why."""


def _scheme(wheel: str, name: str, site: str) -> tuple[str, bool]:
    """Return (path in the image, whether it is a script) of a wheel's member `name`."""
    parts = PurePosixPath(name).parts
    if name.startswith("/") or ".." in parts:
        raise WheelError(f"{wheel}: the member {name!r} leaves the wheel's folder")
    if not parts[0].endswith(".data"):
        return f"{site}/{name}", False
    rest = "/".join(parts[2:])
    folders = {
        "purelib": site,
        "platlib": site,
        "scripts": f"{PREFIX}/bin",
        "data": PREFIX,
    }
    if len(parts) < 3 or parts[1] not in folders:
        raise WheelError(f"{wheel}: the member {name!r} has no place in an image")
    return f"{folders[parts[1]]}/{rest}", parts[1] == "scripts"


def _entry_points(wheel: str, text: str, python: str) -> dict[str, bytes]:
    """Return the scripts of the console entry points: path in the image to content."""
    parser = configparser.ConfigParser(delimiters=("=",), interpolation=None)
    # Names of entry points are case-sensitive.
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(text)
    scripts = {}
    for section in ("console_scripts", "gui_scripts"):
        for name, reference in parser.items(section) if parser.has_section(section) else ():
            found = re.fullmatch(r"([\w.]+)\s*:\s*([\w.]+)\s*(\[.*\])?", reference)
            if not found or "/" in name:
                raise WheelError(f"{wheel}: the entry point {name} = {reference} is not understood")
            module, call = found[1], found[2]
            text = _SCRIPT.format(
                prefix=PREFIX,
                python=python,
                module=module,
                first=call.partition(".")[0],
                call=call,
            )
            scripts[f"{PREFIX}/bin/{name}"] = text.encode()
    return scripts


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
    """Return what a wheel puts into the image: path to (content, mode)."""
    site = f"{PREFIX}/lib/python{python}/site-packages"
    files: dict[str, tuple[bytes, int]] = {}
    with zipfile.ZipFile(wheel) as archive:
        tops = {name.partition("/")[0] for name in archive.namelist()}
        info_folders = sorted(top for top in tops if top.endswith(".dist-info"))
        if len(info_folders) != 1:
            raise WheelError(f"{wheel}: not a wheel, it has {len(info_folders)} .dist-info folders")
        info_folder = info_folders[0]
        for member in archive.infolist():
            if member.is_dir() or member.filename.startswith(f"{info_folder}/RECORD"):
                continue
            path, script = _scheme(wheel.name, member.filename, site)
            data = archive.read(member)
            if script and data.startswith(b"#!python"):
                data = f"#!/{PREFIX}/bin/python{python}".encode() + data[len(b"#!python") :]
            executable = script or member.external_attr >> 16 & 0o111
            files[path] = (data, 0o755 if executable else 0o644)
        if f"{info_folder}/entry_points.txt" in archive.namelist():
            text = archive.read(f"{info_folder}/entry_points.txt").decode()
            for path, data in _entry_points(wheel.name, text, python).items():
                files[path] = (data, 0o755)
    # So that pip leaves alone what it has not installed itself.
    files[f"{site}/{info_folder}/INSTALLER"] = (b"bazel\n", 0o644)
    record = f"{site}/{info_folder}/RECORD"
    files[record] = (_record(files, record, site), 0o644)
    return files


def write(wheels: list[Path], python: str, out: Path) -> None:
    """Write the layer; two wheels with different files of one path are an error."""
    files: dict[str, tuple[bytes, int]] = {}
    owners: dict[str, Path] = {}
    for wheel in wheels:
        for path, content in install(wheel, python).items():
            if files.setdefault(path, content) != content:
                raise WheelError(f"{wheel.name} and {owners[path].name} both have /{path}")
            owners.setdefault(path, wheel)
    # Folders that the image has stay as they are there.
    present = {PREFIX, f"{PREFIX}/bin", f"{PREFIX}/lib", f"{PREFIX}/lib/python{python}"}
    present |= {"usr", f"{PREFIX}/lib/python{python}/site-packages"}
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
    except (WheelError, zipfile.BadZipFile, configparser.Error) as error:
        print(f"wheel layer: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
