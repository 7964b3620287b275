"""Alpine on a user's machine: lock from a mirror, build, and what is there without a lock.

The mirror is a folder of small packages that have the names of the catalog's sets, signed by a key
of this test's own; the catalog is told to trust it. No CPython is compiled for it here:
//python_images/tests/alpine has images that are run.
"""

from __future__ import annotations

import re
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.catalog import alpine as catalog
from tools.formats.alpine import apk_fixtures as make
from tools.formats.alpine.rsa import fingerprint
from tools.testing.checkout import Checkout, scratch

KEY = make.make_key("tester-1.rsa.pub")
RELEASE = "alpine3.24"
IMAGE = "3.13-alpine3.24"


def packages(names: list[str], arch: str) -> list[bytes]:
    made = []
    for name in names:
        members = [(make.directory("usr"), b""), (make.file(f"usr/{name}"), name.encode())]
        if name == "alpine-keys":
            members.append((make.file(f"etc/apk/keys/{KEY.name}"), KEY.public()))
        info = f"pkgname = {name}\npkgver = 1-r0\narch = {arch}\nbuilddate = 1700000000"
        made.append(make.make_apk(info, members, keys=[KEY]))
    return made


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    """A checkout whose catalog trusts the test's key, and the mirror beside it."""
    with scratch("alpine") as copy:
        mirror = copy.path.parent / "mirror"
        flags = [f"--repo_env=ALPINE_MIRROR=file://{mirror}"]
        copy = Checkout(copy.path, copy.output_base, flags)
        path = copy.path / "catalog/alpine.yaml"
        keys = f"keys:\n  {KEY.name}: {fingerprint(KEY.public(), KEY.name)}\n"
        path.write_text(re.sub(r"(?m)^keys:\n(?:  .*\n)+", keys, path.read_text()))
        release = catalog.load(path.parent).releases[RELEASE]
        names = sorted({name for one in release.sets for name in one.packages})
        for arch in release.architectures.values():
            folder = mirror / release.branch
            make.write_repository(folder / "main" / arch, packages(names, arch), [KEY])
            make.write_repository(folder / "community" / arch, [], [KEY])
        for lock in (copy.path / "third_party/alpine").glob("*.lock"):
            lock.unlink()
        yield copy


@pytest.fixture(scope="module")
def locked(checkout: Checkout) -> Checkout:
    """The same, locked by the command that a target without a lock names."""
    done = checkout.bazel("build", "--nobuild", f"//images:{IMAGE}")
    assert done.status != 0
    found = re.search(r"\./bazelw run //tools:lock -- (\S+) --mirror=URL", done.errors)
    assert found, done.errors
    mirror = f"--mirror=file://{checkout.path.parent}/mirror"
    done = checkout.bazel("run", "//tools:lock", "--", found[1], mirror)
    assert done.status == 0, done.output
    return checkout


def test_without_a_lock(checkout: Checkout) -> None:
    # Of the other release, which is never locked here.
    other = "3.13-alpine3.23"
    for target in (other, f"{other}_arm64", f"{other}.sign", f"{other}_aarch64.sbom"):
        done = checkout.bazel("build", "--nobuild", f"//images:{target}")
        assert done.status != 0, target
        assert "./bazelw run //tools:lock -- alpine3.23 --mirror=URL" in done.errors, done.errors


# Before the others, which fetch it.
def test_a_package_that_isn_t_as_locked_is_refused(locked: Checkout) -> None:
    package = next(Path(locked.path.parent, "mirror/v3.24/main/x86").glob("tzdata-*.apk"))
    before = package.read_bytes()
    package.write_bytes(before + b"\0")
    try:
        done = locked.bazel(
            "build", "--repository_cache=", f"//python_images/alpine:{RELEASE}_i386_runtime"
        )
        assert done.status != 0
        assert "locked Alpine packages can't be fetched" in done.errors, done.errors
        assert "tzdata" in done.errors
    finally:
        package.write_bytes(before)


def test_locked_images_have_all_that_hangs_off_images(locked: Checkout) -> None:
    names = [f"{IMAGE}{what}" for what in ("", ".sign", ".sbom", ".provenance", ".test", ".tar")]
    names += [f"{IMAGE}_arm64v8{what}" for what in ("", ".cves", ".digest", ".sbom", ".test")]
    done = locked.bazel("build", "--nobuild", *(f"//images:{name}" for name in names))
    assert done.status == 0, done.errors
    # The tests are the structure tests of all platforms.
    done = locked.bazel("query", f"tests(//images:{IMAGE}.test)")
    found = {line for line in done.output.splitlines() if line.startswith("//images:")}
    platforms = ("amd64", "arm64", "armv6", "armv7", "i386", "ppc64le", "riscv64", "s390x")
    image = next(line for line in found if line.endswith(".validation")).removesuffix(".validation")
    assert found == {f"{image}.validation", *(f"{image}_{name}.test" for name in platforms)}


def test_a_locked_layer_is_built(locked: Checkout) -> None:
    label = f"//python_images/alpine:{RELEASE}_s390x_runtime"
    done = locked.bazel("build", label)
    assert done.status == 0, done.output
    (layer,) = locked.output(label)
    with tarfile.open(layer) as tar:
        assert {"usr/ca-certificates", "usr/tzdata"} <= set(tar.getnames())
