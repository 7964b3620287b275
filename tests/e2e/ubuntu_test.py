"""Ubuntu from end to end, without Ubuntu: lock, review, fetch, compute, on the loopback.

The mirror has Debian's packages under Ubuntu's names (ubuntu_mirror.py), signed by a key of the
test's. So the outcome is known: but for the sources and the keys, Debian's own root file system.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.roles import MINOR, SUITE
from tests.e2e.ubuntu_checkout import ARCHS, LOCK, Mirror, lock_suite, served, unlocked
from tests.e2e.ubuntu_mirror import append_to
from tools.packages.debian import lockfile
from tools.testing.checkout import Checkout

RELEASE = os.environ["RELEASE"]
LAYERS = [
    f"//python_images/rootfs:noble_{arch}_{part}" for arch in ARCHS for part in ("base", "slim")
]
KEYRING = "usr/share/keyrings/ubuntu-archive-keyring.gpg"
# Lines that change nothing, but the hash.
EDITS = {
    "netbase": append_to("postinst", "# Ubuntu's own.\n"),
    "ca-certificates": append_to(
        "postinst",
        "# Automatically added by dh_nobody_knows/1\ntrue\n# End automatically added section\n",
    ),
}


@pytest.fixture(scope="module")
def mirror(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mirror]:
    with served(tmp_path_factory.mktemp("ubuntu"), EDITS) as running:
        yield running


@pytest.fixture(scope="module")
def checkout() -> Iterator[Checkout]:
    with unlocked("ubuntu") as copy:
        yield copy


@pytest.fixture(scope="module")
def locked(checkout: Checkout, mirror: Mirror) -> Checkout:
    lock_suite(checkout, mirror)
    return checkout


def lock_of(checkout: Checkout, arch: str, folder: str = "") -> lockfile.Lock:
    return lockfile.read(checkout.path / f"third_party/ubuntu/{folder}noble_{arch}.lock")


def test_without_a_lock(checkout: Checkout) -> None:
    for target in (LAYERS[3], f"//python_images/cpython:{RELEASE}_noble_arm64.stripped.blob"):
        done = checkout.bazel("build", target)
        assert done.status != 0
        assert "no packages of noble are locked for arm64" in done.errors
        assert "./bazelw run //tools:lock -- noble --mirror=URL --ports-mirror=URL" in done.errors
    # A wildcard skips it, and says so.
    done = checkout.bazel("test", "//third_party/ubuntu:all")
    assert done.status == 0, done.errors
    assert re.search(r"^//third_party/ubuntu:noble_lock_test +SKIPPED", done.output, re.M)


def test_what_locking_refuses(checkout: Checkout, mirror: Mirror) -> None:
    environment = {"UBUNTU_MIRROR": "", "UBUNTU_PORTS_MIRROR": ""}
    public, silent = '"http://ports.ubuntu.com/ubuntu-ports"', '"http://127.0.0.1:9/ports"'
    with checkout.changed("catalog/mirrors.json", public, silent):
        done = checkout.bazel(*LOCK, "--arch=arm64", mirror.options()[0], environment=environment)
    assert done.status == 2
    # A half that isn't named is asked of the public mirrors.
    assert silent.strip('"') in done.errors
    assert "Another mirror: --ports-mirror=<URL>" in done.errors
    # The keys that count are Ubuntu's own.
    done = checkout.bazel(*LOCK, *mirror.options())
    assert done.status == 2
    assert "NO_PUBKEY" in done.errors
    assert not list((checkout.path / "third_party/ubuntu").rglob("*.lock"))


def test_where_packages_come_from(locked: Checkout, mirror: Mirror) -> None:
    for arch, root in (("amd64", "ubuntu"), ("arm64", "ubuntu-ports")):
        lock = lock_of(locked, arch)
        assert lock.sources == lockfile.Sources(*[f"{mirror.url}/{root}"] * 2)
        paths = {package.name: package.path for package in lock.packages}
        assert paths["netbase"].startswith("pool/universe/n/netbase/")
        assert paths["ca-certificates"].startswith("pool/main/")
        # From its pocket alone.
        for pocket in ("noble-updates", "noble-security"):
            assert f"/{root}/dists/{pocket}/InRelease" in mirror.asked
        assert "ubuntu-keyring" in {package.name for package in lock.in_set("base")}
        # The same choice as Debian's, by other names.
        debian = lockfile.read(locked.path / f"third_party/debian/{SUITE}_{arch}.lock")
        ours = {package.name for package in lock.in_set("base")} - {"ubuntu-keyring"}
        assert ours == {package.name for package in debian.in_set("base")}
        for name in ("slim", "libraries"):
            ours = {package.name for package in lock.in_set(name)}
            assert ours == {package.name for package in debian.in_set(name)}
        ours = {package.name for package in lock_of(locked, arch, "build/").in_set("sysroot")}
        debian = lockfile.read(locked.path / f"third_party/debian/build/trixie_{arch}.lock")
        assert ours == {package.name for package in debian.in_set("sysroot")}
    done = locked.bazel("test", "//third_party/ubuntu:all", "--test_output=errors")
    assert done.status == 0, done.output
    assert re.search(r"^//third_party/ubuntu:noble_lock_test +PASSED", done.output, re.M)


def review(checkout: Checkout, message: str) -> str:
    """What the command that a message names shows."""
    found = re.search(r"Show: \./bazelw run //tools/rootfs:review -- (.*)$", message, re.M)
    assert found
    words = found[1].replace("$(./bazelw info output_base)", str(checkout.output_base)).split()
    return checkout.bazel("run", "//tools/rootfs:review", "--", *words).output


def test_scripts_stop_the_build_until_they_are_reviewed(locked: Checkout) -> None:
    base, slim = LAYERS[:2]
    # Those of the base have the same text as those that were reviewed for Debian.
    done = locked.bazel("build", base)
    assert done.status == 0, done.output
    done = locked.bazel("build", slim)
    assert done.status != 0
    assert re.search(
        r"postinst of netbase \S+ \(amd64\) has changed: sha256 [0-9a-f]{64}", done.output
    )
    assert re.search(
        r"postinst of ca-certificates \S+ has a part generated by dh_nobody_knows", done.output
    )
    assert "extend tools/rootfs/debian/debhelper.py" in done.output
    assert done.output.count("rootfs: review these maintainer scripts") == 1
    # A part of unknown form is learnt; here, by leaving out what it is called.
    file = locked.path / "tools/rootfs/debian/debhelper.py"
    known = '    "dh_installalternatives": ('
    text = file.read_text()
    assert known in text
    file.write_text(text.replace(known, f'    "dh_nobody_knows": (r"true",),\n{known}'))
    done = locked.bazel("build", slim)
    assert done.status != 0
    assert "review this script:" in done.output
    assert "dh_nobody_knows" not in done.output
    shown = review(locked, done.output)
    assert "# Ubuntu's own." in shown
    assert "# earlier review: /etc/hosts and /etc/networks (effects: netbase)" in shown
    record = re.search(
        r"^\./bazelw run //tools/rootfs:review -- (--record netbase\.postinst .*)$", shown, re.M
    )
    assert record
    done = locked.bazel("run", "//tools/rootfs:review", "--", *shlex.split(record[1]))
    assert done.status == 0, done.output
    done = locked.bazel("build", *LAYERS)
    assert done.status == 0, done.output


def listing(checkout: Checkout, layer: str) -> dict[str, str]:
    """path -> what the listing of a layer says of it."""
    done = checkout.bazel("build", layer, "--output_groups=listing")
    assert done.status == 0, done.output
    name = layer.rpartition(":")[2]
    lines = (checkout.path / f"bazel-bin/python_images/rootfs/{name}.listing.txt").read_text()
    return {line.rpartition(" ")[2]: line for line in lines.splitlines()}


@pytest.mark.parametrize("arch", ARCHS)
@pytest.mark.parametrize("part", ["base", "slim"])
def test_the_system_is_debians_but_for_what_differs(locked: Checkout, arch: str, part: str) -> None:
    test_layer = f"//python_images/rootfs:noble_{arch}_{part}"
    ours = listing(locked, test_layer)
    debians = listing(locked, test_layer.replace("noble", SUITE))
    differs = {path for path in ours.keys() | debians.keys() if ours.get(path) != debians.get(path)}
    # /etc/shadow has the day of the newest package: when passwords were last changed.
    expected = (
        r"/(etc/shadow|usr/lib/os-release|etc/apt/sources\.list(\.d/(ubuntu|debian)\.sources)?"
        r"|var/lib/apt/extended_states"
        r"|var/lib/dpkg/(status|info/(netbase|ca-certificates)\.postinst|info/base-files\.md5sums)"
        r"|(var/lib/dpkg/info|usr/share/doc|usr/share/keyrings)/ubuntu-.*)"
    )
    assert [path for path in sorted(differs) if not re.fullmatch(expected, path)] == []
    assert differs


@pytest.mark.parametrize("arch", ARCHS)
def test_what_the_image_says_of_its_sources(locked: Checkout, mirror: Mirror, arch: str) -> None:
    root = {"amd64": "ubuntu", "arm64": "ubuntu-ports"}[arch]
    done = locked.bazel("build", f"//python_images/rootfs:noble_{arch}_base")
    assert done.status == 0, done.output
    with tarfile.open(locked.path / f"bazel-bin/python_images/rootfs/noble_{arch}_base.tar") as tar:
        names = {name.removeprefix("./"): name for name in tar.getnames()}
        assert KEYRING in names
        assert "etc/apt/sources.list.d/debian.sources" not in names
        file = tar.extractfile(names["etc/apt/sources.list.d/ubuntu.sources"])
        assert file is not None
        said = file.read().decode()
    assert re.findall(r"^(?:URIs|Suites): (.*)$", said, re.M) == [
        f"{mirror.url}/{root}/",
        "noble noble-updates noble-backports",
        f"{mirror.url}/{root}/",
        "noble-security",
    ]
    installed = locked.path / f"bazel-bin/python_images/rootfs/noble_{arch}_slim.installed.json"
    locked.bazel("build", f"//python_images/rootfs:noble_{arch}_slim", "--output_groups=installed")
    packages = {package["name"]: package for package in json.loads(installed.read_text())}
    assert packages["tzdata"]["requested"]


def test_a_package_that_was_replaced(locked: Checkout, mirror: Mirror) -> None:
    """The lock decides: other bytes are refused, and what helps is said."""
    package = next(
        p for p in lock_of(locked, "arm64", "build/").in_set("sysroot") if p.name == "zlib1g-dev"
    )
    served = mirror.folder / "ubuntu-ports" / package.path
    before = served.resolve()
    served.unlink()
    served.write_bytes(b"\0" * package.size)
    # Not from a cache of other builds, which may have the locked bytes.
    cache = f"--repository_cache={locked.output_base.parent / 'repository_cache'}"
    target = "@debian//build/noble/arm64:sysroot"
    done = locked.bazel("build", target, cache)
    assert done.status != 0
    assert "locked Ubuntu packages can't be fetched" in done.errors
    assert f"third_party/ubuntu/build/noble_arm64.lock: zlib1g-dev {package.version}" in done.errors
    assert f"{mirror.url}/ubuntu-ports/{package.path}" in done.errors
    assert "./bazelw run //tools:lock -- noble" in done.errors
    assert "--repo_env=UBUNTU_PORTS_MIRROR=<root URL>" in done.errors
    # Another mirror of the half that has the bytes is asked first.
    other = mirror.folder / "other" / package.path
    other.parent.mkdir(parents=True)
    other.symlink_to(before)
    named = f"--repo_env=UBUNTU_PORTS_MIRROR={mirror.url}/other"
    done = locked.bazel("build", target, cache, named)
    assert done.status == 0, done.errors
    assert f"/other/{package.path}" in mirror.asked
    served.unlink()
    served.symlink_to(before)


def blob(layout: Path, digest: str) -> bytes:
    return (layout / "blobs" / digest.replace(":", "/")).read_bytes()


def test_images_of_the_family(locked: Checkout) -> None:
    """Those on the suite are declared in full; compiling CPython for them is left out here."""
    targets = [f"//images/infra7:{MINOR}-noble{part}" for part in ("", "_arm64", "_aarch64.tar")]
    tests = [f"//images/infra7:{MINOR}-noble_{arch}.test" for arch in ARCHS]
    done = locked.bazel(
        "build", "--nobuild", *targets, *tests, f"//images/infra7:{MINOR}-noble.sbom"
    )
    assert done.status == 0, done.errors
    # jammy isn't in this catalog.
    done = locked.bazel("build", "--nobuild", f"//images/infra7:{MINOR}-jammy")
    assert done.status != 0
    assert "./bazelw run //tools:lock -- jammy" in done.errors
    # The image below is built, and said to be Ubuntu's.
    done = locked.bazel("build", "//images/ubuntu:noble_arm64", "//images/ubuntu:noble_arm64.sbom")
    assert done.status == 0, done.output
    bill = (locked.path / "bazel-bin/images/ubuntu/noble_arm64.cdx.json").read_text()
    assert "pkg:deb/ubuntu/ubuntu-keyring@" in bill
    assert "pkg:deb/debian/" not in bill
    layout = locked.path / "bazel-bin/images/ubuntu/noble_arm64"
    (entry,) = json.loads((layout / "index.json").read_text())["manifests"]
    config = json.loads(blob(layout, entry["digest"]))["config"]
    found = json.loads(blob(layout, config["digest"]))
    assert (found["os"], found["architecture"]) == ("linux", "arm64")


def test_flags_are_those_of_ubuntus_dpkg(locked: Checkout) -> None:
    """Debian's dpkg has Ubuntu's flags, too, and says them where the vendor is Ubuntu."""
    done = locked.bazel("test", "//toolchains/cc:noble_flags_test", "--test_output=errors")
    assert done.status == 0, done.output


def test_a_lock_that_is_stale(locked: Checkout) -> None:
    with locked.changed("catalog/ubuntu.yaml", "netbase, tzdata]", "netbase]"):
        done = locked.bazel("test", "//third_party/ubuntu:all", "--test_output=errors")
        assert done.status != 0
        assert "stale: ./bazelw run //tools:lock -- noble" in done.output


def test_a_lock_that_is_damaged(locked: Checkout) -> None:
    name = "third_party/ubuntu/noble_arm64.lock"
    with locked.changed(name, "\nmirror ", "\nmirrors "):
        done = locked.bazel("build", LAYERS[0])
        assert done.status != 0
        assert f"{name}: no 'mirror' line" in done.errors
        assert "./bazelw run //tools:lock -- noble" in done.errors
