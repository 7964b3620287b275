"""Computed root file systems against Alpine's own apk, on Alpine's own packages.

The packages are those of 3.23.6 (repack.py says what isn't as published), locked from a mirror on
the loopback. apk is theirs, too: it makes a base layer as Alpine's genrootfs.sh does, and adds
packages to it as a Dockerfile would.
"""

from __future__ import annotations

import contextlib
import http.server
import os
import re
import shutil
import stat
import subprocess
import tarfile
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from tests.alpine.system import ARCH, BRANCH, KEY, RealAlpine, RealApk
from tests.oracle.compare import Node, differences, nodes_of_entries, read_allowed
from tools.catalog import alpine as releases
from tools.formats.alpine.rsa import fingerprint
from tools.packages.alpine import lock_alpine, lockfile
from tools.rootfs.alpine import tiny_alpine_fixtures as fixtures
from tools.rootfs.alpine.build import Result, build
from tools.rootfs.alpine.spec import read_spec
from tools.rootfs.rootfs_error import RootfsError
from tools.rootfs.tarout import write_tar

CATALOG = Path("catalog/alpine.yaml")
RELEASE = "alpine3.23"
# Of the catalog's sets, what the image has no package of; and what stands for the set sysroot.
ABSENT = "tzdata"
LIBRARIES = ("libcrypto3", "libncursesw", "libssl3", "libuuid", "xz-libs", "zlib", "zstd-libs")
# The packages of alpine-minirootfs-3.23.*, as published lists of what is in it have them.
MINIROOTFS = {
    "alpine-baselayout", "alpine-baselayout-data", "alpine-keys", "alpine-release", "apk-tools",
    "busybox", "busybox-binsh", "ca-certificates-bundle", "libapk", "libcrypto3", "libssl3",
    "musl", "musl-utils", "scanelf", "ssl_client", "zlib",
}  # fmt: skip


@dataclass(frozen=True)
class Mirror:
    """A mirror of the real packages: its folder, that of its key, and where it is served."""

    folder: Path
    keys: Path
    url: str


class _Handler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextlib.contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve a folder on the loopback; the URL."""
    handler = partial(_Handler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="session")
def alpine() -> RealAlpine:
    return RealAlpine(Path(os.environ["ALPINE_DISK"]))


@pytest.fixture(scope="session")
def mirror(alpine: RealAlpine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mirror]:
    folder = tmp_path_factory.mktemp("mirror") / "alpine"
    keys = alpine.write_mirror(folder)
    with served(folder) as url:
        yield Mirror(folder, keys, url)


def write_catalog(top: Path) -> None:
    """The project's catalog; it trusts the test's key, and has the sets that the image can fill."""
    text = CATALOG.read_text()
    key = f"keys:\n  {KEY.name}: {fingerprint(KEY.public(), KEY.name)}\n"
    text = re.sub(r"(?m)^keys:\n(?:  .*\n)+", key, text)
    text = text.replace(f", {ABSENT}]", "]")
    names = "".join(f"          - {name}\n" for name in LIBRARIES)
    text = re.sub(r"(?m)^( {6}sysroot:\n {8}packages:\n)(?: {10}- .*\n)+", rf"\g<1>{names}", text)
    shutil.copytree(CATALOG.parent, top / "catalog", dirs_exist_ok=True)
    (top / "catalog/alpine.yaml").unlink()
    (top / "catalog/alpine.yaml").write_text(text)


@pytest.fixture(scope="session")
def locked(mirror: Mirror, tmp_path_factory: pytest.TempPathFactory) -> lockfile.Lock:
    """The lock that `//tools:lock -- alpine3.23` writes."""
    top = tmp_path_factory.mktemp("checkout")
    write_catalog(top)
    status = lock_alpine.main(
        [RELEASE, f"--arch={ARCH}", f"--mirror={mirror.url}", f"--keys={mirror.keys}",
         f"--root={top}"]
    )  # fmt: skip
    assert status == 0
    return lockfile.read(top / f"third_party/alpine/{RELEASE}_{ARCH}.lock")


def package_set(locked: lockfile.Lock, mirror: Path, name: str, folder: Path) -> dict[str, object]:
    """A locked set, as a spec names it."""
    rows = [package for package in locked.packages if name in package.sets]
    return fixtures.package_set(
        folder, name, [mirror / row.path for row in rows],
        [row.name for row in rows if row.sets[name]],
    )  # fmt: skip


@dataclass(frozen=True)
class Layers:
    """The computed layers: the base, and the set `runtime` with all libraries on it."""

    base: Result
    whole: Result


def compute(locked: lockfile.Lock, mirror: Path, url: str, folder: Path) -> Layers:
    """Compute the layers of a lock, with the project's own table of reviewed scripts."""
    base, runtime, libraries = (
        package_set(locked, mirror, name, folder) for name in ("base", "runtime", "sysroot")
    )
    more = {"release": RELEASE, "epoch": None, "repositories": [f"{url}/{BRANCH}/main"]}
    first = build(read_spec(fixtures.spec(folder, add=[base], **more)))
    spec = fixtures.spec(folder, below=[base], add=[runtime, libraries], **more)
    return Layers(first, build(read_spec(spec)))


@pytest.fixture(scope="session")
def layers(
    locked: lockfile.Lock, mirror: Mirror, tmp_path_factory: pytest.TempPathFactory
) -> Layers:
    return compute(locked, mirror.folder, mirror.url, tmp_path_factory.mktemp("layers"))


@pytest.fixture(scope="session")
def apk(alpine: RealAlpine, tmp_path_factory: pytest.TempPathFactory) -> RealApk:
    if os.geteuid():
        pytest.skip("needs root: apk gives files other owners and groups")
    return RealApk(alpine, tmp_path_factory.mktemp("apk"), ())


@dataclass(frozen=True)
class Roots:
    """What apk made: a base as genrootfs.sh does, and a copy of it with packages added."""

    base: Path
    whole: Path


@pytest.fixture(scope="session")
def roots(apk: RealApk, mirror: Mirror, tmp_path_factory: pytest.TempPathFactory) -> Roots:
    root, whole = (tmp_path_factory.mktemp(name) for name in ("base", "whole"))
    options = ("--keys-dir", str(mirror.keys), "-X", f"{mirror.url}/{BRANCH}/main")
    release = sets()
    apk.run(root, "add", "--initdb", "--no-scripts", *options, *release["base"])
    listed = chroot(root, "/bin/busybox", "--list-path").split()
    for path in listed:
        if not os.path.lexists(root / path):
            (root / path).symlink_to("/bin/busybox")
    shadow = root / "etc/shadow"
    shadow.write_text(re.sub("^root::", "root:*:", shadow.read_text()))
    subprocess.run(["/bin/cp", "-a", f"{root}/.", whole], check=True)
    names = [name for name in release["runtime"] if name != ABSENT]
    apk.run(whole, "add", *options, *names, *LIBRARIES)
    return Roots(root, whole)


def sets() -> dict[str, list[str]]:
    """The names in the sets of the catalog that are on one line."""
    found = re.findall(
        r"(?m)^ {6}(\w+):\n(?: {8}above: .*\n)? {8}packages: \[(.*)\]", CATALOG.read_text()
    )
    return {name: words.split(", ") for name, words in found}


def chroot(root: Path, *command: str) -> str:
    """Run a command in a root file system; what it printed, on either stream."""
    done = subprocess.run(
        ["/usr/sbin/chroot", root, *command],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, text=True,
        env={"PATH": "/usr/bin:/bin:/usr/sbin:/sbin"},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    return done.stdout


def nodes_of_folder(root: Path) -> dict[str, Node]:
    """What compare.py compares, of a folder; the root itself is "" in it."""
    nodes = {}
    for path in [root, *root.rglob("*")]:
        found = path.lstat()
        is_link, is_file = stat.S_ISLNK(found.st_mode), stat.S_ISREG(found.st_mode)
        kind = "symlink" if is_link else "file" if is_file else "dir"
        mode = 0o777 if is_link else stat.S_IMODE(found.st_mode)
        target = str(path.readlink()) if is_link else ""
        content = path.read_bytes() if is_file else b""
        name = "" if path == root else str(path.relative_to(root))
        nodes[name] = Node(kind, mode, found.st_uid, found.st_gid, target, content)
    return nodes


def compared(result: Result, root: Path) -> list[str]:
    """The differences that aren't allowed, and entries of the list that nothing needs."""
    allowed = read_allowed(Path(__file__).with_name("allow.txt"))
    theirs = nodes_of_folder(root)
    # The folder is pytest's.
    theirs[""] = Node("dir", 0o755, 0, 0, "", b"")
    ours = nodes_of_entries({"": result.system.tree.root, **result.system.tree.entries})
    found = differences(ours, theirs, allowed)
    return found + [f"line {one.line} isn't needed" for one in allowed if not one.used]


def paragraphs(database: bytes) -> Mapping[str, list[str]]:
    """The lines of each package in a database, without those that no repacked one can have."""
    found = {}
    for paragraph in database.decode().strip("\n").split("\n\n"):
        lines = paragraph.split("\n")
        found[lines[1]] = [line for line in lines if not line.startswith(("C:", "S:"))]
    return found


def test_all_packages_but_those_with_changed_files_are_put_together(alpine: RealAlpine) -> None:
    made, missing = alpine.packages
    assert missing == {"openrc": "openrc: /etc/rc.conf isn't as the database records it"}
    assert len(made) == 57
    assert {*made, *missing, "linux-virt"} == set(alpine.installed)


def test_archives_are_read_as_alpine_wrote_their_database(
    alpine: RealAlpine, layers: Layers
) -> None:
    """What apk recorded of its own packages is what we record of the repacked ones."""
    real = paragraphs(alpine.tree["lib/apk/db/installed"].data)
    ours = paragraphs(bytes(layers.whole.system.tree.entries["lib/apk/db/installed"].content))
    assert len(ours) > len(MINIROOTFS)
    assert ours == {name: real[name] for name in ours}


def test_the_base_has_the_packages_of_the_published_minirootfs(locked: lockfile.Lock) -> None:
    assert {package.name for package in locked.packages if "base" in package.sets} == MINIROOTFS
    # The image was built from it: what is in its world is what someone asked for.
    asked = {p.name for p in locked.packages if p.sets.get("base")}
    assert asked == set(sets()["base"])


def test_the_catalog_trusts_the_keys_that_alpine_ships(alpine: RealAlpine) -> None:
    trusted = releases.load(CATALOG.parent).keys
    shipped = {
        name: fingerprint(alpine.tree[f"usr/share/apk/keys/{name}"].data, name) for name in trusted
    }
    assert shipped == dict(trusted)


def test_the_world_of_the_image_has_what_the_catalog_asks_for(alpine: RealAlpine) -> None:
    world = alpine.tree["etc/apk/world"].data.decode().split()
    assert set(sets()["base"]) <= set(world)


def test_the_base_is_the_one_apk_makes(layers: Layers, roots: Roots) -> None:
    found = compared(layers.base, roots.base)
    # Nothing was locked: apk takes a lock of its own once it has a database.
    assert found == ["line 6 isn't needed"]


def test_packages_added_to_it_are_as_apk_adds_them(layers: Layers, roots: Roots) -> None:
    assert compared(layers.whole, roots.whole) == []


def test_times_are_those_of_the_packages(layers: Layers, roots: Roots) -> None:
    """Of files that packages ship: what is written anew has another time, by design."""
    system = layers.whole.system
    shipped = {path for path in system.owners if system.tree.entries[path].kind == "file"}
    changed = {"etc/shadow", "etc/ssl/certs/ca-certificates.crt"}
    differing = {
        path
        for path in shipped - changed
        if system.tree.entries[path].mtime != int((roots.whole / path).lstat().st_mtime)
    }
    assert differing == set()


@pytest.fixture(scope="session")
def unpacked(
    layers: Layers, mirror: Mirror, apk: RealApk, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The computed system, that trusts the mirror's key."""
    folder = tmp_path_factory.mktemp("unpacked")
    root = folder / "root"
    with (folder / "root.tar").open("wb") as out:
        write_tar(out, layers.whole.system.tree.entries.items())
    with tarfile.open(folder / "root.tar") as archive:
        archive.extractall(root, numeric_owner=True, filter="fully_trusted")
    (root / "etc/apk/keys" / KEY.name).write_bytes(KEY.public())
    return root


def test_apk_finds_nothing_wrong(unpacked: Path, roots: Roots) -> None:
    key = roots.whole / "etc/apk/keys" / KEY.name
    key.write_bytes(KEY.public())
    repositories = roots.whole / "etc/apk/repositories"
    repositories.touch()
    try:
        # New files in /etc, and a changed one: the same as in what apk made itself.
        assert sorted(chroot(unpacked, "/sbin/apk", "audit").splitlines()) == sorted(
            chroot(roots.whole, "/sbin/apk", "audit").splitlines()
        )
    finally:
        key.unlink()
        repositories.unlink()
    assert chroot(unpacked, "/sbin/apk", "audit", "--system") == ""
    assert "U etc/shadow" in chroot(unpacked, "/sbin/apk", "audit")
    chroot(unpacked, "/sbin/apk", "verify")


def test_apk_knows_who_owns_what(unpacked: Path) -> None:
    said = chroot(unpacked, "/sbin/apk", "info", "-W", "/bin/busybox", "/bin/ls")
    assert "/bin/busybox is owned by busybox-1.37.0-r30" in said
    assert "/bin/ls symlink target is owned by busybox-1.37.0-r30" in said


def test_apk_adds_and_removes_a_package(unpacked: Path) -> None:
    before = (unpacked / "lib/apk/db/installed").read_bytes()
    chroot(unpacked, "/sbin/apk", "update")
    assert "OK: " in chroot(unpacked, "/sbin/apk", "upgrade", "--simulate")
    said = chroot(unpacked, "/sbin/apk", "add", "curl")
    assert "Installing curl" in said
    assert "Executing busybox-1.37.0-r30.trigger" in said
    assert chroot(unpacked, "/usr/bin/curl", "--version").startswith("curl 8.")
    chroot(unpacked, "/sbin/apk", "del", "curl")
    assert not (unpacked / "usr/bin/curl").exists()
    assert (unpacked / "lib/apk/db/installed").read_bytes() == before


def test_a_changed_script_asks_for_a_review(
    alpine: RealAlpine, locked: lockfile.Lock, mirror: Mirror, tmp_path: Path
) -> None:
    """What varies without meaning doesn't; what a shell runs does."""
    busybox = alpine.installed["busybox"]
    before = dict(busybox.scripts)
    try:
        busybox.scripts["trigger"] = before["trigger"] + b"# of 1.37.0-r30\n\n"
        compute_with(alpine, locked, mirror, tmp_path / "comment")
        busybox.scripts["trigger"] = before["trigger"] + b"rm -rf /etc\n"
        with pytest.raises(RootfsError, match=r"trigger of busybox 1\.37\.0-r30 has changed"):
            compute_with(alpine, locked, mirror, tmp_path / "code")
    finally:
        busybox.scripts.clear()
        busybox.scripts.update(before)


def compute_with(alpine: RealAlpine, locked: lockfile.Lock, mirror: Mirror, folder: Path) -> Layers:
    """The layers with busybox as it is now."""
    folder.mkdir()
    for row in locked.packages:
        path = folder / row.path
        path.parent.mkdir(parents=True, exist_ok=True)
        own = row.name == "busybox"
        path.write_bytes(alpine.apk(row.name) if own else (mirror.folder / row.path).read_bytes())
    return compute(locked, folder, mirror.url, folder)
