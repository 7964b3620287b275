"""apt in a private root: resolves and downloads packages of a suite that the host does not use.

Nothing of the host's is written and no package is installed; apt only verifies the suite's Release
signature, resolves names and downloads. What the host's apt is told about its network (proxies,
certificates, credentials, timeouts) holds here too.
"""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

from tools.bootstrap.apt_sources import Mirror
from tools.bootstrap.common import BootstrapError
from tools.bootstrap.progress import Progress

# The host's settings that are about its network, and nothing else: hooks of its must not run.
_NETWORK_SETTINGS = re.compile(
    r"^Acquire::(https?|socks|tor|Retries|ForceIPv[46]|Queue-Mode|Queue-Host|Check-Date|Max-FutureTime)"
    r'(::[^ ]*)? ".+";$',
    re.IGNORECASE,
)
_URI = re.compile(r"^'(?P<uri>[^']+)' (?P<file>\S+) (?P<size>\d+) SHA256:(?P<sha256>[0-9a-f]{64})$")
_POLL_SECONDS = 0.1


@dataclass(frozen=True)
class Archive:
    """One .deb to download; size in bytes."""

    file: str
    size: int
    sha256: str


class AptRoot:
    """A private root of apt in the directory `path`, for one architecture and suite.

    inherit: file descriptors that apt is to hold open for as long as it runs.
    """

    def __init__(
        self, path: str, suite: str, architecture: str, inherit: Sequence[int] = ()
    ) -> None:
        self.path = path
        self.archives = os.path.join(path, "cache", "archives")
        self._suite = suite
        self._architecture = architecture
        self._inherit = tuple(inherit)

    def prepare(self, not_needed: Sequence[str]) -> None:
        """Write the configuration; the packages not_needed count as installed."""
        for part in (
            "etc/preferences.d",
            "etc/apt.conf.d",
            "etc/auth.conf.d",
            "state/lists/partial",
        ):
            os.makedirs(os.path.join(self.path, part), exist_ok=True)
        os.makedirs(os.path.join(self.archives, "partial"), exist_ok=True)
        os.makedirs(os.path.join(self.path, "cache", "none", "partial"), exist_ok=True)
        self._write("state/status", "".join(_placeholder(name) for name in not_needed))
        dump = subprocess.run(["apt-config", "dump"], capture_output=True, text=True, check=True)
        self._write("apt.conf", self._configuration() + network_settings(dump.stdout))

    def update(self, mirrors: Sequence[Mirror]) -> Mirror:
        """Fetch and verify the suite's index from the first mirror that has it; returns which."""
        failures = []
        for mirror in mirrors:
            source = f"deb [signed-by={mirror.keyring}] {mirror.uri} {self._suite} main\n"
            self._write("etc/sources.list", source)
            done = self._run(["-qq", "--error-on=any", "update"])
            if done.returncode == 0:
                return mirror
            failures.append(f"{mirror.uri} (keyring {mirror.keyring}):\n{_errors(done.stderr)}")
        raise BootstrapError(
            f"no mirror has a usable suite {self._suite}; set DEBIAN_MIRROR to one that has:\n"
            + "\n".join(failures)
        )

    def resolve(self, wanted: Sequence[str]) -> list[Archive]:
        """What it takes to install the packages `wanted`, sorted by file name."""
        # Archives that are here already would not be listed: look for them in another directory.
        nowhere = f"Dir::Cache::archives={os.path.join(self.path, 'cache', 'none')}"
        done = self._run(
            ["-qq", "-y", "-o", nowhere, "--print-uris", "--download-only", "install", *wanted]
        )
        if done.returncode != 0:
            raise BootstrapError(
                f"Debian {self._suite} can't provide {' '.join(wanted)}:\n{_errors(done.stderr)}"
            )
        return parse_uris(done.stdout)

    def download(self, wanted: Sequence[str], archives: Sequence[Archive]) -> Iterator[str]:
        """Download what resolve() said, and check each file against its SHA-256.

        Gives the path of each as soon as it is here, so that the caller can unpack it meanwhile.
        """
        missing = [a for a in archives if not self._intact(a)]
        yield from (self._path(a) for a in archives if a not in missing)
        if not missing:
            return
        total = sum(a.size for a in archives)
        progress = Progress("downloading", total, (1e6, "MB"))
        command = ["apt-get", "-qq", "-y", "--download-only", "install", *wanted]
        log = os.path.join(self.path, "download.log")
        with open(log, "w+", encoding="utf-8", errors="replace") as output:
            apt = subprocess.Popen(
                command,
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                pass_fds=self._inherit,
            )
            try:
                while apt.poll() is None:
                    progress.update(min(total, self._downloaded()))
                    for archive in [a for a in missing if self._complete(a)]:
                        # apt has verified it by now; what is wrong is told below.
                        if self._right(archive):
                            missing.remove(archive)
                            yield self._path(archive)
                    time.sleep(_POLL_SECONDS)
            except BaseException:
                apt.terminate()
                apt.wait()
                raise
            output.seek(0)
            said = output.read()
        if apt.returncode != 0:
            raise BootstrapError(f"downloading Debian packages failed:\n{_errors(said)}")
        for archive in missing:
            if not self._intact(archive):
                raise BootstrapError(
                    f"{archive.file}: what was downloaded is not what the signed index says "
                    f"(sha256 {archive.sha256}); it has been removed, run this again"
                )
        progress.done()
        yield from map(self._path, missing)

    def _path(self, archive: Archive) -> str:
        return os.path.join(self.archives, archive.file)

    def _complete(self, archive: Archive) -> bool:
        """Whether the archive is here in its full length."""
        try:
            return os.stat(self._path(archive)).st_size == archive.size
        except FileNotFoundError:
            return False

    def _right(self, archive: Archive) -> bool:
        """Whether the archive that is here has the right bytes."""
        digest = hashlib.sha256()
        with open(self._path(archive), "rb") as content:
            for chunk in iter(lambda: content.read(1 << 20), b""):
                digest.update(chunk)
        return digest.hexdigest() == archive.sha256

    def _intact(self, archive: Archive) -> bool:
        """Whether the archive is here with the right bytes; removes it if it has wrong ones."""
        path = self._path(archive)
        if not os.path.exists(path):
            return False
        if self._right(archive):
            return True
        os.unlink(path)
        return False

    def _downloaded(self) -> int:
        total = 0
        for directory in (self.archives, os.path.join(self.archives, "partial")):
            for entry in os.scandir(directory):
                with suppress(FileNotFoundError):  # moved out of partial/ just now
                    total += entry.stat().st_size if entry.is_file() else 0
        return total

    def _run(self, arguments: Sequence[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["apt-get", *arguments],
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            pass_fds=self._inherit,
            check=False,
        )

    def _environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "APT_CONFIG": os.path.join(self.path, "apt.conf"),
            "LC_ALL": "C.UTF-8",
        }

    def _configuration(self) -> str:
        return "".join(
            f'{name} "{value}";\n'
            for name, value in (
                ("Dir", self.path),
                ("Dir::Etc", "etc"),
                ("Dir::Etc::main", "none"),
                ("Dir::Etc::parts", "apt.conf.d"),
                ("Dir::Etc::sourcelist", "sources.list"),
                ("Dir::Etc::sourceparts", "none"),
                ("Dir::Etc::netrc", "/etc/apt/auth.conf"),
                ("Dir::Etc::netrcparts", "/etc/apt/auth.conf.d"),
                ("Dir::State", "state"),
                ("Dir::State::status", os.path.join(self.path, "state/status")),
                ("Dir::Cache", "cache"),
                ("APT::Architecture", self._architecture),
                ("APT::Architectures::", self._architecture),
                ("APT::Install-Recommends", "false"),
                ("APT::Install-Suggests", "false"),
                ("APT::Sandbox::User", ""),  # downloads as the user who runs this
                ("Acquire::AllowInsecureRepositories", "false"),
                # Mirrors that stand still have an expired Release; its signature is still checked.
                ("Acquire::Check-Valid-Until", "false"),
                ("Acquire::ForceHash", "SHA256"),
                ("Acquire::Languages", "none"),
                ("Acquire::IndexTargets::deb::DEP-11::DefaultEnabled", "false"),
                ("Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled", "false"),
                ("Debug::NoLocking", "true"),  # the caller has a lock
            )
        )

    def _write(self, name: str, text: str) -> None:
        with open(os.path.join(self.path, name), "w", encoding="utf-8") as out:
            out.write(text)


def network_settings(dump: str) -> str:
    """The lines of `apt-config dump` that are about the network."""
    return "".join(line + "\n" for line in dump.splitlines() if _NETWORK_SETTINGS.match(line))


def parse_uris(text: str) -> list[Archive]:
    """The archives in the output of apt-get --print-uris, sorted by file name."""
    found = []
    for line in text.splitlines():
        match = _URI.match(line)
        if match:
            found.append(Archive(match["file"], int(match["size"]), match["sha256"]))
    if not found:
        raise BootstrapError("apt-get --print-uris named no package with a SHA-256")
    return sorted(found, key=lambda archive: archive.file)


def _placeholder(name: str) -> str:
    return (
        f"Package: {name}\nStatus: install ok installed\nMaintainer: nobody <nobody@localhost>\n"
        "Architecture: all\nMulti-Arch: foreign\nVersion: 999:1\nDescription: not needed here\n\n"
    )


def _errors(said: str) -> str:
    """apt's error lines, else the last of what it said."""
    lines = [line for line in said.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith(("E:", "Err:"))]
    return "\n".join("  " + line for line in (errors or lines)[-8:])
