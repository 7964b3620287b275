"""Write the archive of a release: all tracked files of one commit, the same bytes everywhere.

GitHub makes an archive of every tag by itself, but doesn't promise that its bytes stay. A module
registry keeps a hash, so a release has an archive of its own.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import io
import os
import subprocess
import sys
import tarfile
from pathlib import Path

from tools.bootstrap.common import BootstrapError
from tools.cli import atomic, command
from tools.release import registry
from tools.release.version import MODULE, ReleaseError, check_tag, notes

# Settings of the user's or of the machine's must not show in the bytes, nor who owns the checkout.
_GIT = ("git", "-c", "tar.umask=0022", "-c", "safe.directory=*", "-c", "core.attributesFile=")


def write(checkout: Path, commit: str, prefix: str, out: Path) -> None:
    """Write the .tar.gz `out` of a commit of `checkout`, everything below the folder `prefix`.

    Raises ReleaseError if git fails, a tracked file isn't as committed, or .gitattributes would
    have it leave out or rewrite a file.
    """
    if changed := os.fsdecode(_git(checkout, "status", "--porcelain", "--untracked-files=no")):
        raise ReleaseError(
            f"not committed: {', '.join(line[3:] for line in changed.splitlines()[:5])}; "
            "the archive is of the commit: commit it, or undo it"
        )
    tar = _git(checkout, "archive", "--format=tar", f"--prefix={prefix}/", commit)
    listed = _git(checkout, "ls-tree", "-r", "-z", "--full-tree", commit)
    wanted = dict(_object(line) for line in os.fsdecode(listed).split("\0") if line)
    found = _blobs(tar, f"{prefix}/")
    if differ := sorted(name for name in wanted if found.get(name) != wanted[name]):
        raise ReleaseError(
            f"git archive leaves out or rewrites {', '.join(differ[:5])}; take export-ignore, "
            "export-subst and eol out of .gitattributes: the module is the repository as it is"
        )
    part = out.with_name(out.name + ".part")
    try:
        # This interpreter's zlib, which is pinned: the machine's gzip may compress differently.
        with (
            part.open("wb") as raw,
            gzip.GzipFile(filename="", mode="wb", compresslevel=9, fileobj=raw, mtime=0) as packed,
        ):
            packed.write(tar)
        part.replace(out)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def _object(line: str) -> tuple[str, str]:
    """Return (path, object) of a line of `git ls-tree`: "MODE TYPE OBJECT<tab>PATH"."""
    facts, _, path = line.partition("\t")
    return path, facts.split()[2]


def _blobs(tar: bytes, prefix: str) -> dict[str, str]:
    """Return path and git's hash of each file and symbolic link of a tar, without the prefix."""
    found = {}
    with tarfile.open(fileobj=io.BytesIO(tar)) as members:
        for member in members:
            file = members.extractfile(member) if member.isfile() else None
            if file or member.issym():
                data = file.read() if file else os.fsencode(member.linkname)
                blob = b"blob %d\0%s" % (len(data), data)
                # Git's name of the content, not a proof of it.
                digest = hashlib.sha1(blob, usedforsecurity=False).hexdigest()
                found[member.name.removeprefix(prefix)] = digest
    return found


def _git(checkout: Path, *arguments: str) -> bytes:
    try:
        run = subprocess.run([*_GIT, *arguments], cwd=checkout, capture_output=True, check=False)
    except FileNotFoundError as error:
        raise ReleaseError(f"{error.filename}: not found; install git") from None
    if run.returncode != 0:
        raise ReleaseError(f"git {arguments[0]}: {run.stderr.decode(errors='replace').strip()}")
    return run.stdout


def main(arguments: list[str], directory: Path) -> int:
    """Do what the command line says in `directory`; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="./bazelw run //tools/release:archive --", description=__doc__
    )
    parser.add_argument("--tag", required=True, help="the release's tag, vX.Y.Z")
    parser.add_argument("--out", required=True, type=Path, help="folder of archive and notes.md")
    parser.add_argument(
        "--registry", action="store_true", help="it goes to a registry: .bcr has to be filled in"
    )
    parser.add_argument("--checkout", type=Path, default=Path(), help="the repository, else here")
    options = parser.parse_args(arguments)
    checkout, out = directory / options.checkout, directory / options.out
    try:
        version = check_tag(checkout, options.tag)
        text = notes(checkout)
        if options.registry:
            registry.check(checkout)
        out.mkdir(parents=True, exist_ok=True)
        archive = out / f"{MODULE}-{options.tag}.tar.gz"
        write(checkout, "HEAD", f"{MODULE}-{version}", archive)
        atomic.write(out / "notes.md", text)
    except (ReleaseError, BootstrapError, OSError, UnicodeDecodeError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        return command.INTERRUPTED
    print(archive)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], Path(os.environ.get("BUILD_WORKING_DIRECTORY", "."))))
