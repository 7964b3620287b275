"""Package indexes of Debian archives: each file is fetched once for all architectures.

apt reads what is here from a folder, and checks its signature and hashes as those of a mirror. An
index whose bytes aren't those that the signed Release file names is looked for elsewhere: under its
hash (`Acquire-By-Hash`), in another compression, and on the other mirrors. Of an index that several
architectures have with the same bytes, one copy is enough.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from tools.packages.debian.mirrors import Mirror

# In the order in which apt would take them; "" is the uncompressed file.
_ENDINGS = (".xz", ".gz", "")
_HASH_LINE = re.compile(r" (?P<sha256>[0-9a-f]{64}) +(?P<size>\d+) (?P<path>\S+)")
# What apt says of a server that isn't there. Its other files needn't be asked for.
_NO_SERVER = re.compile(
    r"Could not (?:resolve|connect|wait)|Temporary failure|Unable to connect|Network is unreachable"
    r"|[Cc]onnection (?:refused|timed out)"
)
_HELPER = "/usr/lib/apt/apt-helper"
# A server that doesn't answer is asked once more, and then no more in this run.
_RETRIES = "Acquire::Retries=1"

Answer = TypeVar("Answer")


class MissingIndexError(Exception):
    """A file of an archive isn't available from any mirror; the message says from which and why."""


class _AbsentError(Exception):
    """No archive has the bytes; `said` has why, by the archive's URL."""

    def __init__(self, said: Mapping[str, str]) -> None:
        super().__init__()
        self.said = said


@dataclass(frozen=True)
class _Release:
    """A pocket's Release file as fetched; `files` are the SHA-256 of those it names, by path."""

    path: Path
    date: str
    by_hash: bool
    files: Mapping[str, str]


def _parse(path: Path) -> _Release:
    text = path.read_text(encoding="utf-8", errors="replace")
    _, _, listed = text.partition("\nSHA256:\n")
    files: dict[str, str] = {}
    for line in listed.splitlines():
        match = _HASH_LINE.fullmatch(line)
        if not match:
            break
        files[match["path"]] = match["sha256"]
    date = re.search(r"^Date: (.+)$", text, re.MULTILINE)
    by_hash = re.search(r"^Acquire-By-Hash: yes$", text, re.MULTILINE)
    return _Release(path, date[1] if date else "an unknown time", bool(by_hash), files)


class Indexes:
    """The indexes of one run, below `folder`. May be used by several threads at once.

    `config` is an apt configuration for reaching the mirrors.
    """

    def __init__(self, folder: Path, config: str) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._asked: dict[str, Future[object]] = {}
        self._dead: dict[str, str] = {}
        (folder / "files").mkdir(parents=True, exist_ok=True)
        (folder / "apt.conf").write_text(config, encoding="utf-8")

    def local(
        self,
        mirrors: Sequence[Mirror],
        at: int,
        suites: Mapping[str, bool],
        arch: str,
        components: Sequence[str],
    ) -> Mirror:
        """A local copy of what apt needs of `mirrors[at]`, for one architecture.

        Args:
            mirrors: all that may have an index by its hash.
            at: the one whose Release files count.
            suites: names of folders in `dists/`, each with whether it's in the security archive.
            arch: Debian's name of the architecture.
            components: of the archive.

        Raises MissingIndexError.
        """
        top = self._folder / "mirrors" / _short(str(mirrors[at])) / arch
        for suite, security in suites.items():
            roots = [mirror.security if security else mirror.main for mirror in mirrors]
            first = roots[at]
            release = self._release(f"{first}/dists/{suite}")
            # Where the security archive is no other one, it is none here either.
            apart = security and mirrors[at].security != mirrors[at].main
            folder = top / ("security" if apart else "main") / "dists" / suite
            self._place(release.path, folder / "InRelease")
            others = [root for root in dict.fromkeys(roots) if root != first]
            for component in components:
                name = f"{component}/binary-{arch}/Packages"
                if found := self._index(release, suite, name, [first, *others]):
                    self._place(found[1], folder / found[0])
        one = mirrors[at].security == mirrors[at].main
        return Mirror(f"file://{top}/main", f"file://{top}/{'main' if one else 'security'}")

    def _once(self, key: str, make: Callable[[], Answer]) -> Answer:
        """What `make` returns or raises, called once for each key; others wait for it."""
        with self._lock:
            mine = key not in self._asked
            future = self._asked.setdefault(key, Future())
        if mine:
            try:
                future.set_result(make())
            except BaseException as error:
                future.set_exception(error)
        return future.result()  # type: ignore[return-value]  # keys say which kind

    @staticmethod
    def _place(file: Path, at: Path) -> None:
        at.parent.mkdir(parents=True, exist_ok=True)
        # A lock and a build lock of an architecture have the same.
        with contextlib.suppress(FileExistsError):
            at.hardlink_to(file)

    def _release(self, url: str) -> _Release:
        def make() -> _Release:
            path = self._folder / "files" / f"release-{_short(url)}"
            if why := self._fetch(f"{url}/InRelease", path):
                raise MissingIndexError(f"{url}/InRelease: {why}")
            return _parse(path)

        return self._once(url, make)

    def _index(
        self, release: _Release, suite: str, name: str, roots: Sequence[str]
    ) -> tuple[str, Path] | None:
        """The index `name` in one compression: (path below the suite, file).

        None if the suite has none: it isn't for that architecture, as apt will note.
        """
        paths = [path for ending in _ENDINGS if (path := name + ending) in release.files]
        said: dict[str, str] = {}
        for path in paths:
            ask = partial(self._by_content, release, suite, path, roots)
            try:
                return path, self._once(release.files[path], ask)
            except _AbsentError as error:
                # Wrong bytes tell more than a compression that the mirror doesn't have.
                said.update(
                    (root, why)
                    for root, why in error.said.items()
                    if root not in said or "mismatch" in why
                )
        if not paths:
            return None
        raise MissingIndexError(
            f"{suite}/{paths[0]}: no mirror has what the Release file of {release.date} names "
            f"(sha256 {release.files[paths[0]]}):\n"
            + "\n".join(f"  {root}: {why}" for root, why in said.items())
        )

    def _by_content(self, release: _Release, suite: str, path: str, roots: Sequence[str]) -> Path:
        """The file with the content that `path` ought to have, from the first archive that has it.

        Other architectures may have the same: their folders count, too.
        """
        sha256 = release.files[path]
        target = self._folder / "files" / sha256
        same = [other for other, content in release.files.items() if content == sha256]
        said: dict[str, str] = {}
        for root in roots:
            for place in dict.fromkeys((path, *same)):
                folder, _, _ = place.rpartition("/")
                hashed = [f"{folder}/by-hash/SHA256/{sha256}"] if release.by_hash else []
                for below in (*hashed, place):
                    url = f"{root}/dists/{suite}/{below}"
                    why = self._fetch(url, target, sha256)
                    if not why:
                        return target
                    said[root] = why
        raise _AbsentError(said)

    def _fetch(self, url: str, target: Path, sha256: str | None = None) -> str:
        """Download a file with apt's own means; returns why it failed, or ""."""
        server = "/".join(url.split("/")[:3])
        if why := self._dead.get(server):
            return why
        # Through file: apt would only link to it.
        source = re.sub("^file:/+", "copy:/", url)
        command = [_HELPER, "-o", _RETRIES, "download-file", source, str(target)]
        done = subprocess.run(
            [*command, f"SHA256:{sha256}"] if sha256 else command,
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "APT_CONFIG": str(self._folder / "apt.conf"), "LC_ALL": "C"},
        )
        if done.returncode == 0 and target.is_file():
            return ""
        target.unlink(missing_ok=True)
        why = _reason(done.stderr)
        if server.startswith("http") and _NO_SERVER.search(why):
            self._dead[server] = why
        return why


def _short(text: str) -> str:
    """A name for a file or folder that stands for a text."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _reason(said: str) -> str:
    """The gist of what apt-helper says of a failure."""
    for line in said.splitlines():
        match = re.fullmatch(r"E: Failed to fetch \S+ +(.*?)(?: +\[IP: [^]]*\])?", line)
        if match:
            return match[1]
    return said.strip() or "it can't be fetched"
