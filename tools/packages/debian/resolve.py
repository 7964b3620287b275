"""Dependency resolution by the real apt, in a private root, for any suite and architecture.

Needs apt-get and apt-cache on the machine and no privileges; touches nothing but its own
directory. apt checks the archive's signature.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import unquote

from tools.packages.debian import held
from tools.packages.debian.indexes import Indexes, MissingIndexError
from tools.packages.debian.lockfile import POCKETS, Package
from tools.packages.debian.mirrors import Mirror

KEYRINGS = (
    "/usr/share/keyrings/debian-archive-keyring.gpg",
    "/usr/share/keyrings/debian-archive-keyring.pgp",
)

# The parts of the host's apt configuration that say how to reach a mirror. Hooks, pins and
# everything else stay out: they'd make the result depend on the machine.
_HOST_OPTIONS = re.compile(
    r"Acquire::(?:(?:https?|ftp)::|Retries|Check-Valid-Until|Check-Date|ForceIPv[46])"
)

# Phased updates are Ubuntu's: which ones a machine takes would hang on its machine-id.
_CONFIG = """\
Dir "{root}";
Dir::Etc "{root}/etc";
Dir::Etc::parts "{root}/etc/apt.conf.d";
Dir::Etc::main "{root}/etc/none";
Dir::Etc::trusted "{root}/etc/none.gpg";
Dir::Etc::trustedparts "{root}/etc/trusted.gpg.d";
Dir::Etc::netrc "/etc/apt/auth.conf";
Dir::Etc::netrcparts "/etc/apt/auth.conf.d";
Dir::State "{root}/state";
Dir::State::status "{root}/status";
Dir::Cache "{root}/cache";
APT::Architecture "{arch}";
APT::Architectures {{ "{arch}"; }};
APT::Install-Recommends "false";
APT::Install-Suggests "false";
APT::Get::AllowUnauthenticated "false";
APT::Get::Assume-Yes "true";
APT::Get::Always-Include-Phased-Updates "true";
APT::Sandbox::User "";
Acquire::AllowInsecureRepositories "false";
Acquire::AllowDowngradeToInsecureRepositories "false";
Acquire::AllowWeakRepositories "false";
Acquire::Languages "none";
Acquire::ForceHash "SHA256";
Debug::NoLocking "true";
"""

_NETWORK = """\
Dir::Etc::netrc "/etc/apt/auth.conf";
Dir::Etc::netrcparts "/etc/apt/auth.conf.d";
Acquire::ForceHash "SHA256";
APT::Sandbox::User "";
"""

# apt-get --print-uris: 'URL' <name>_<version>_<arch>.deb <size> SHA256:<hash>
_URI_LINE = re.compile(r"'(?P<url>[^']+)' (?P<file>\S+) (?P<size>\d+) SHA256:(?P<sha256>\S+)")
_UNKNOWN = re.compile(
    r"E: (?:Unable to locate package|Package) '?([a-z0-9][a-z0-9+.-]*)'?"
    r"(?: has no installation candidate)?$",
    re.MULTILINE,
)


# What apt says of a failure; whose key is missing is only a warning to it.
_PROBLEMS = ("E:", "W: Failed", "W: GPG error")


class ResolveError(Exception):
    """apt couldn't do what was asked; the message carries apt's own explanation."""


class UnknownPackageError(ResolveError):
    """The archive has no package of that name (attribute `package`)."""

    def __init__(self, package: str) -> None:
        super().__init__(f"no package {package!r}")
        self.package = package


def find_keyring(given: str | None = None) -> Path:
    """The keyring with the archive's public keys. Raises ResolveError if there's none."""
    for candidate in [given] if given else KEYRINGS:
        if candidate and Path(candidate).is_file():
            return Path(candidate).resolve()
    raise ResolveError(
        f"no keyring at {given or ' or '.join(KEYRINGS)}: "
        "install the debian-archive-keyring package or give --keyring=FILE"
    )


def _stanzas(text: str) -> Iterator[str]:
    for stanza in text.split("\n\n"):
        if stanza.strip():
            yield stanza.strip("\n")


def minbase_names(packages_index: str) -> list[str]:
    """Roots of a minimal system in a Packages index: Essential, priority required, and apt.

    That is what `debootstrap --variant=minbase` starts from. It reads only the suite's main
    index: the security archive's priorities aren't authoritative.
    """
    names = {"apt"}
    for stanza in _stanzas(packages_index):
        if "\nPriority: required\n" in stanza or "\nEssential: yes\n" in stanza:
            names.add(stanza.partition("\n")[0].removeprefix("Package: "))
    return sorted(names)


def _plain(url: str) -> str:
    """The URL with apt's spelling of local ones."""
    return re.sub(r"^file:/+", "file:/", url)


def parse_uris(text: str, mirror: Mirror) -> list[Package]:
    """Packages from `apt-get --print-uris`, `sets` empty. Raises ResolveError."""
    packages = []
    for line in text.splitlines():
        match = _URI_LINE.fullmatch(line.strip())
        if not match:
            raise ResolveError(f"unexpected output of apt-get --print-uris: {line!r}")
        name, version, arch = unquote(match["file"]).removesuffix(".deb").split("_")
        # The security archive first: its URL may start with the main archive's. Where it is no
        # other archive, its packages need no mark.
        apart = mirror.security != mirror.main
        for root, prefix in ((mirror.security, "security:" if apart else ""), (mirror.main, "")):
            url, start = _plain(match["url"]), _plain(f"{root}/")
            if url.startswith(f"{start}pool/"):
                path = prefix + unquote(url.removeprefix(start))
                break
        else:
            raise ResolveError(f"apt took {name} from an unknown archive: {match['url']}")
        packages.append(Package(name, version, arch, path, match["sha256"], int(match["size"]), {}))
    return packages


def snapshot_after(release_texts: Iterable[str]) -> str:
    """A time at which Debian's snapshot archive has the state these Release files describe.

    Snapshots are taken four times a day, and asking for a time gives the last one before it: so
    six hours after the newest Release file.
    """
    dates = []
    for text in release_texts:
        match = re.search(r"^Date: (.+)$", text, re.MULTILINE)
        if match:
            dates.append(parsedate_to_datetime(match[1].strip()).astimezone(UTC))
    if not dates:
        raise ResolveError("no Release file with a date")
    stamp: datetime = max(dates) + timedelta(hours=6)
    return stamp.strftime("%Y%m%dT%H%M%SZ")


def host_options() -> str:
    """The lines of this machine's apt configuration that say how to reach a mirror."""
    done = subprocess.run(["apt-config", "dump"], capture_output=True, text=True, check=False)
    lines = [line for line in done.stdout.splitlines() if _HOST_OPTIONS.match(line)]
    return "".join(f"{line}\n" for line in lines)


def new_indexes(folder: Path) -> Indexes:
    """Indexes for a run, in a new folder; mirrors are reached by this machine's settings of apt."""
    return Indexes(folder, host_options() + _NETWORK)


class AptRoot:
    """A private apt installation for one suite and architecture below `root`."""

    def __init__(
        self,
        root: Path,
        suite: str,
        arch: str,
        mirror: Mirror,
        keyring: Path,
        pockets: Sequence[str] = POCKETS,
        components: Sequence[str] = ("main",),
    ) -> None:
        self.root, self.suite, self.arch, self.mirror = root, suite, arch, mirror
        self.pockets = pockets
        self._held: dict[tuple[str, str], Package] = {}
        for directory in (
            "held",
            "etc/preferences.d",
            "etc/trusted.gpg.d",
            "etc/apt.conf.d",
            "etc/sources.list.d",
            "state/lists/partial",
            "cache/archives/partial",
        ):
            (root / directory).mkdir(parents=True, exist_ok=True)
        options = f"[signed-by={keyring} arch={arch}]"
        sources = {
            "main": f"{mirror.main} {suite}",
            "updates": f"{mirror.main} {suite}-updates",
            "security": f"{mirror.security} {suite}-security",
        }
        (root / "etc/sources.list").write_text(
            "".join(
                f"deb {options} {sources[pocket]} {' '.join(components)}\n" for pocket in pockets
            )
        )
        (root / "status").write_text("")
        (root / "apt.conf").write_text(host_options() + _CONFIG.format(root=root, arch=arch))

    def _run(self, *command: str) -> str:
        environment = {**os.environ, "APT_CONFIG": str(self.root / "apt.conf"), "LC_ALL": "C"}
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
        if done.returncode:
            problems = [x for x in done.stderr.splitlines() if x.startswith(_PROBLEMS)]
            if unknown := _UNKNOWN.search(done.stderr):
                raise UnknownPackageError(unknown[1])
            said = "\n".join(problems) or (done.stderr + done.stdout).strip()
            raise ResolveError(f"{command[0]} failed ({self.suite}, {self.arch}):\n{said}")
        return done.stdout

    def update(self) -> None:
        """Download and verify the package lists. Raises ResolveError."""
        self._run("apt-get", "-q", "--error-on=any", "update")
        # apt only notes it when an archive isn't for its architecture.
        if "security" in self.pockets and self.arch not in self._architectures("security"):
            raise ResolveError(
                f"the security archive of {self.suite} has nothing for {self.arch} (any more); "
                f"leave its platform out of `security` of {self.suite} in catalog/suites.yaml"
            )

    def keep(self, packages: Iterable[Package]) -> None:
        """Have apt take these versions where an index has them, whichever newer ones there are."""
        (self.root / "etc/preferences.d/keep.pref").write_text(
            "\n".join(
                f"Package: {package.name}\nPin: version {package.version}\nPin-Priority: 1001\n"
                for package in packages
            )
        )

    def hold(self, packages: Sequence[Package]) -> list[Package]:
        """Have apt take these very packages, also those that the archive has superseded.

        After update(). Returns those that no index has any more. Raises ResolveError for one of
        which no index has any version.
        """
        found: dict[str, dict[str, dict[str, str]]] = {}
        for fields in held.paragraphs(self._indexes()):
            found.setdefault(fields["Package"], {})[fields["Version"]] = fields
        locked = {package.name for package in packages}
        gone = [one for one in packages if one.version not in found.get(one.name, {})]
        made = []
        for package in gone:
            versions = list(found.get(package.name, {}).values())
            if not versions:
                raise ResolveError(
                    f"{package.name} {package.version} is locked, and the archive has no package "
                    "of that name any more"
                )
            made.append(held.held(versions[-1], package, locked))
        file = self.root / "held/Packages"
        file.write_text(held.text(made), encoding="utf-8")
        if made:
            with (self.root / "apt.conf").open("a", encoding="utf-8") as config:
                config.write(f'APT::Sources::With {{ "{file}"; }};\n')
        self._held = {(package.name, package.version): package for package in gone}
        self.keep(packages)
        return gone

    def _indexes(self) -> str:
        """All package indexes, those of the main archive first."""
        files = self._run(
            "apt-get", "indextargets", "--format", "$(FILENAME)", "Created-By: Packages"
        ).split()  # fmt: skip
        return "\n\n".join(self._run("/usr/lib/apt/apt-helper", "cat-file", file) for file in files)

    def _packages(self, output: str) -> list[Package]:
        """What apt prints, sorted by name; a package that is held is as it is locked."""
        start = f"'file:{self.root}/held/"
        lines = output.splitlines()
        packages = []
        for line in lines:
            if line.startswith(start):
                name, version, _ = unquote(line.split(" ")[1]).split("_")
                packages.append(replace(self._held[name, version], sets={}))
        others = "\n".join(line for line in lines if not line.startswith(start))
        return sorted([*packages, *parse_uris(others, self.mirror)], key=lambda one: one.name)

    def _architectures(self, pocket: str) -> list[str]:
        """What the Release file of a pocket says it is for."""
        (path,) = (self.root / "state/lists").glob(f"*_dists_{self.suite}-{pocket}_*Release")
        found = re.search(r"^Architectures: (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
        return found[1].split() if found else []

    def snapshot(self) -> str:
        """See snapshot_after; after update()."""
        releases = (self.root / "state/lists").glob("*Release")
        return snapshot_after(path.read_text(encoding="utf-8") for path in sorted(releases))

    def minbase(self) -> list[str]:
        """See minbase_names; after update()."""
        files = self._run(
            "apt-get", "indextargets", "--format", "$(FILENAME)",
            "Created-By: Packages", f"Release: {self.suite}", "Component: main",
        ).split()  # fmt: skip
        if len(files) != 1:
            raise ResolveError(f"{len(files)} main package indexes for {self.suite}: {files}")
        return minbase_names(self._run("/usr/lib/apt/apt-helper", "cat-file", files[0]))

    def install(self, names: Sequence[str], above: Sequence[Package] = ()) -> list[Package]:
        """What installing `names` adds to a system that has the packages `above`, sorted.

        Names already in `above` add nothing. Raises UnknownPackageError, ResolveError.
        """
        return self.install_on(self._status(above), {package.name for package in above}, names)

    def alone(self, names: Sequence[str]) -> list[Package]:
        """The packages `names` without what they depend on, sorted.

        Raises UnknownPackageError, ResolveError.
        """
        if not names:
            return []
        output = self._run("apt-get", "--print-uris", "-qq", "download", *names)
        return sorted(parse_uris(output, self.mirror), key=lambda package: package.name)

    def install_on(
        self, status: str, above: Collection[str], names: Sequence[str]
    ) -> list[Package]:
        """As `install`, on a system whose dpkg has the given `status`, of packages called `above`.

        A package of those is in the result if it had to be replaced.
        """
        (self.root / "status").write_text(status)
        output = self._run("apt-get", "--print-uris", "-qq", "install", *names)
        packages = self._packages(output)
        present = {*above} | {package.name for package in packages}
        if absent := sorted(set(names) - present):
            # apt takes the provider of a virtual package; a lock wants a real name.
            raise UnknownPackageError(absent[0])
        return packages

    def _status(self, packages: Sequence[Package]) -> str:
        if not packages:
            return ""
        (self.root / "status").write_text("")
        names = [f"{package.name}={package.version}" for package in packages]
        text = self._run("apt-cache", "show", "--no-all-versions", *names)
        installed = []
        for stanza in _stanzas(text):
            first, _, rest = stanza.partition("\n")
            installed.append(f"{first}\nStatus: install ok installed\n{rest}\n")
        return "\n".join(installed)


def require_apt() -> None:
    """Raise ResolveError on a machine without apt."""
    for program in ("apt-get", "apt-cache", "apt-config"):
        if not shutil.which(program):
            raise ResolveError(
                f"{program} not found: locking needs apt (Debian, Ubuntu or a container of them); "
                "building from existing lock files doesn't"
            )


def updated_root(
    root: Path,
    suite: str,
    arch: str,
    mirrors: Sequence[Mirror],
    keyring: Path,
    pockets: Sequence[str] = POCKETS,
    components: Sequence[str] = ("main",),
    indexes: Indexes | None = None,
) -> AptRoot:
    """An AptRoot after update(), on the first of the mirrors that has the suite's Release files.

    Its `mirror` is a local copy of what apt needs of it, in `indexes`, which other roots may share.
    Raises ResolveError with what is wrong with each mirror when none has.
    """
    indexes = indexes or new_indexes(root / "indexes")
    suites = {
        suite if pocket == "main" else f"{suite}-{pocket}": pocket == "security"
        for pocket in pockets
    }
    said: dict[str, None] = {}
    for at, mirror in enumerate(mirrors):
        try:
            local = indexes.local(mirrors, at, suites, arch, components)
        except MissingIndexError as error:
            said[str(error)] = None
            continue
        apt = AptRoot(root / "apt", suite, arch, local, keyring, pockets, components)
        try:
            apt.update()
        except ResolveError as error:
            text = str(error).replace(_plain(local.security), mirror.security)
            said[text.replace(_plain(local.main), mirror.main)] = None
            continue
        return apt
    raise ResolveError("\n".join(said))
