"""Makes a layer of byte code: what Python would write to __pycache__, for all that is installed.

docker-library's images have none, and neither have ours: it is a third of a slim image. This layer
is for those who would rather have their programs start sooner. The byte code is of the kind that is
never compared with its source (unchecked hashes, PEP 552), so nothing in it is a time, and it costs
no look at the source. Byte code is the same on every platform, so the build python writes it.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

from tools.cpython.layer import normalized, scratch

_LIBRARY = "usr/local/lib/python3."


class BytecodeError(Exception):
    """The byte code can't be made; the text says why."""


def unpack(archive: Path, root: Path) -> Path:
    """Unpack the modules of an installation; the directory of its standard library, below `root`.

    Raises:
        BytecodeError: there isn't exactly one.
    """
    with tarfile.open(archive) as tar:
        for member in tar:
            if member.name.startswith(_LIBRARY) and (member.isdir() or member.name.endswith(".py")):
                tar.extract(member, root, filter="data")
    found = sorted(path for path in root.glob(f"{_LIBRARY}*") if (path / "os.py").exists())
    if len(found) != 1:
        raise BytecodeError(f"{archive} has {len(found)} standard libraries, not one")
    return found[0]


def compile_all(python: Path, library: Path, root: Path) -> None:
    """Write byte code below `library`, as if `root` were /.

    Args:
        python: an interpreter of the same version, which needs no library but that one.
        library: directory of the standard library.
        root: what paths in the byte code don't begin with.

    Raises:
        BytecodeError: a module doesn't compile; the text says which.
    """
    # Where an interpreter in bin looks for its modules.
    home = root / "home"
    (home / "bin").mkdir(parents=True)
    shutil.copy2(python, home / "bin/python")
    (home / "lib").mkdir()
    (home / "lib" / library.name).symlink_to(library)
    command = [str(home / "bin/python"), "-s", "-S", "-m", "compileall", "-q"]
    command += ["--invalidation-mode=unchecked-hash", "-s", str(root), "-p", "/", str(library)]
    environment = {"PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1", "LC_ALL": "C"}
    result = subprocess.run(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if result.returncode != 0:
        raise BytecodeError(f"compileall failed:\n{result.stdout[-2000:]}")
    shutil.rmtree(home)


def write(root: Path, out: Path, epoch: int) -> int:
    """Write the byte code below `root`, with its __pycache__ directories; how many files it is."""
    count = 0
    with tarfile.open(out, "w", format=tarfile.PAX_FORMAT) as archive:
        for path in sorted(root.rglob("*"), key=lambda path: path.relative_to(root).parts):
            directory = path.is_dir() and path.name == "__pycache__"
            if not directory and path.suffix != ".pyc":
                continue
            info = normalized(archive.gettarinfo(path, str(path.relative_to(root))), epoch)
            info.mode = 0o755 if directory else 0o644
            if directory:
                archive.addfile(info)
                continue
            with path.open("rb") as data:
                archive.addfile(info, data)
            count += 1
    return count


def main(argv: list[str]) -> int:
    """The command line; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cpython", type=Path, required=True, help="tar of the installation")
    parser.add_argument("--build-python", type=Path, required=True, help="of the same version")
    parser.add_argument("--epoch", type=int, required=True, help="time of what is added")
    parser.add_argument("--work", type=Path, required=True, help="scratch directory")
    parser.add_argument("--out", type=Path, required=True, help="tar to write")
    options = parser.parse_args(argv)
    try:
        with scratch(options.work) as root:
            compile_all(options.build_python.absolute(), unpack(options.cpython, root), root)
            write(root, options.out, options.epoch)
    except BytecodeError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
