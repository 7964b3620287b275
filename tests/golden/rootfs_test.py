"""Root file systems made of the locked packages: their listings, and their package database.

The environment names the files: GOLDEN, LISTINGS and LAYERS (lists, lowest layer first), ARCH.
Without GOLDEN listings aren't compared. SLIM is 1 if documentation is left out; otherwise the
golden listing is a summary.
"""

from __future__ import annotations

import difflib
import hashlib
import os
import re
import tarfile
from pathlib import Path

import pytest

from tests.golden.golden import condense, summarise
from tools.formats.elf import read_elf
from tools.rootfs.arches import arch_named
from tools.rootfs.debian import slim

ARCH = arch_named(os.environ["ARCH"])
SLIM = os.environ["SLIM"] == "1"
# Plug-ins of Subversion for desktops. It does without them where their libraries are missing, on
# which its package doesn't depend.
OPTIONAL = re.compile(r"/usr/lib/[^/]+/libsvn_auth_(gnome_keyring|kwallet)-1\.so\.[0-9.]+")
# Paths container images leave out though packages ship them: apt makes them again.
APT_CACHES = ("/var/cache/apt/", "/var/lib/apt/lists/")


@pytest.mark.skipif("GOLDEN" not in os.environ, reason="no golden listing for this platform")
def test_the_listing_is_the_golden_one() -> None:
    golden = Path(os.environ["GOLDEN"])
    listings = [Path(path).read_text("utf-8") for path in os.environ["LISTINGS"].split()]
    form = condense if SLIM else summarise
    found = "".join(form(text) for text in listings)
    known = golden.read_text("utf-8") if golden.exists() else ""
    lines = difflib.unified_diff(
        known.splitlines(), found.splitlines(), str(golden), "built", lineterm="", n=0
    )
    difference = list(lines)[:60]
    assert not difference, "\n".join(
        [*difference, "", "If that is meant: ./bazelw run //tests/golden:update"]
    )


class Root:
    """The system all layers make together: kinds, contents and times by path."""

    def __init__(self, layers: list[Path]) -> None:
        self.kinds: dict[str, str] = {}
        self.links: dict[str, str] = {}
        self.contents: dict[str, bytes] = {}
        self.times: dict[str, int] = {}
        for layer in layers:
            with tarfile.open(layer) as tar:
                for info in tar:
                    path = "/" + info.name.removeprefix("./")
                    stream = tar.extractfile(info) if info.isreg() or info.islnk() else None
                    self.times[path] = int(info.mtime)
                    self.kinds[path] = "f" if stream else "d" if info.isdir() else "l"
                    if stream:
                        self.contents[path] = stream.read()
                    elif info.issym():
                        self.links[path] = info.linkname

    def real(self, path: str) -> str:
        """A path with the links of the merged /usr followed."""
        top, _, rest = path.lstrip("/").partition("/")
        target = self.links.get(f"/{top}", "")
        return f"/{target}/{rest}" if rest and target.startswith("usr/") else path

    def text(self, path: str) -> str:
        return self.contents[path].decode("utf-8")

    def packages(self) -> list[dict[str, str]]:
        paragraphs = self.text("/var/lib/dpkg/status").split("\n\n")
        return [
            dict(re.findall(r"^([\w-]+):[ ]?(.*(?:\n[ \t].*)*)$", text, re.MULTILINE))
            for text in paragraphs
            if text
        ]

    def info(self, package: dict[str, str], name: str) -> str | None:
        same = package.get("Multi-Arch") == "same"
        stem = package["Package"] + (f":{package['Architecture']}" if same else "")
        content = self.contents.get(f"/var/lib/dpkg/info/{stem}.{name}")
        return None if content is None else content.decode("utf-8")


@pytest.fixture(scope="module")
def root() -> Root:
    return Root([Path(path) for path in os.environ["LAYERS"].split()])


def left_out(path: str) -> bool:
    name = path.lstrip("/")
    return (SLIM and slim.dpkg_skips(name, "file")) or f"{path}/".startswith(APT_CACHES)


def test_everything_packages_list_is_there(root: Root) -> None:
    missing = []
    for package in root.packages():
        listed = root.info(package, "list")
        assert listed, package["Package"]
        for path in listed.splitlines():
            real = root.real(path)
            there = path == "/." or real in root.kinds
            if not there and not left_out(real):
                missing.append(f"{package['Package']}: {path}")
    assert missing == []


def test_checksums_hold(root: Root) -> None:
    checked = 0
    for package in root.packages():
        for line in (root.info(package, "md5sums") or "").splitlines():
            digest, _, path = line.partition("  ")
            content = root.contents.get(root.real(f"/{path}"))
            if content is None:
                assert left_out(root.real(f"/{path}")), path
                continue
            found = hashlib.md5(content, usedforsecurity=False).hexdigest()
            assert found == digest, path
            checked += 1
        for line in package.get("Conffiles", "").strip().splitlines():
            path, digest, *_ = line.split()
            if digest != "newconffile":
                content = root.contents[path]
                assert hashlib.md5(content, usedforsecurity=False).hexdigest() == digest, path
    assert checked > 1000


def test_passwords_were_last_changed_on_the_day_of_the_newest_package(root: Root) -> None:
    """What /etc/shadow says, of which the golden listing has no digest since it tells the day."""
    users = [line.split(":")[0] for line in root.text("/etc/passwd").splitlines()]
    day = root.times["/etc/shadow"] // (24 * 60 * 60)
    lines = [f"{user}:*:{day}:0:99999:7:::" for user in users]
    assert root.text("/etc/shadow").splitlines() == lines


def test_dependencies_are_met(root: Root) -> None:
    packages = root.packages()
    names = {package["Package"] for package in packages}
    for package in packages:
        names |= {n.split()[0] for n in package.get("Provides", "").split(",") if n.strip()}
    for package in packages:
        assert package["Status"] == "install ok installed"
        assert package["Architecture"] in (ARCH.name, "all")
        for field in ("Pre-Depends", "Depends"):
            for group in filter(None, map(str.strip, package.get(field, "").split(","))):
                wanted = {re.split(r"[\s:(]", name.strip())[0] for name in group.split("|")}
                assert wanted & names, f"{package['Package']}: {group}"


def test_programs_are_of_the_architecture(root: Root) -> None:
    machines = set()
    for content in root.contents.values():
        elf = read_elf(content)
        if elf is not None:
            machines.add((elf.machine, elf.bits, elf.endian))
    assert machines == {(ARCH.machine, ARCH.bits, ARCH.endian)}


def test_every_soname_the_programs_need_is_in_the_cache(root: Root) -> None:
    cache = root.contents["/etc/ld.so.cache"]
    for path, content in root.contents.items():
        elf = read_elf(content)
        for name in elf.needed if elf is not None else ():
            # Libraries next to a program with a run path of its own need no cache.
            if elf is not None and not elf.runpath and not OPTIONAL.fullmatch(path):
                assert f"{name}\0".encode() in cache, f"{path} needs {name}"
