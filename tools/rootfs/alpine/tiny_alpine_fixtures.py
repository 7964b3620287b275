"""A tiny Alpine for tests: three packages, and what apk writes down of them."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tools.formats.alpine import apk_fixtures as make
from tools.formats.alpine.apk import read_apk
from tools.rootfs import program_fixtures as shared
from tools.rootfs.alpine.scripts import INSTALL_SCRIPTS, fingerprints, script_sha256

EPOCH = 1_700_000_010
KEY = make.make_key("tester-1.rsa.pub")


def tiny_base(folder: Path) -> list[Path]:
    """Write musl, baselayout and busybox; return their files."""
    return write(folder, _tiny_packages())


@functools.cache
def _tiny_packages() -> tuple[bytes, ...]:
    musl = make.make_apk(
        "pkgname = musl\npkgver = 1.2.5-r1\npkgdesc = the C library\nurl = https://musl.example\n"
        "builddate = 1700000000\nsize = 4096\narch = x86_64\norigin = musl\nlicense = MIT\n"
        "maintainer = A B <a@b.example>\ncommit = 0123456789abcdef\n"
        "provides = so:libc.musl-x86_64.so.1=1",
        [
            (make.directory("lib"), b""),
            (make.file("lib/ld-musl-x86_64.so.1", 0o755, 5), b"elf"),
            (make.symlink("lib/libc.musl-x86_64.so.1", "ld-musl-x86_64.so.1"), b""),
        ],
        keys=[KEY],
    )
    layout = make.make_apk(
        "pkgname = baselayout\npkgver = 3.6-r0\npkgdesc = dirs\narch = x86_64\nsize = 100\n"
        "builddate = 1700000001\nreplaces_priority = 1000\nreplaces = other\n"
        "depend = so:libc.musl-x86_64.so.1",
        [
            *((make.directory(name), b"") for name in ("dev", "etc", "etc/apk", "etc/apk/keys")),
            (make.file("etc/apk/keys/k.rsa.pub"), b"k"),
            (make.file("etc/motd"), b"hi\n"),
            (make.file("etc/shadow", 0o640, 0, 0, 42), b"root:::\n"),
            (make.file("etc/group", 0o644), b"root:x:0:\nshadow:x:42:\n"),
            (make.file("etc/passwd", 0o644), b"root:x:0:0::/root:/bin/sh\n"),
            (make.directory("root", 0o700), b""),
            (make.directory("tmp", 0o1777), b""),
            (make.directory("var"), b""),
            (make.directory("var/tmp", 0o1777), b""),
            (make.directory("var/cache"), b""),
            (make.file("etc/zz"), b"z"),
            (make.hardlink("etc/aa", "etc/zz"), b""),
        ],
        scripts={
            "pre-install": b"#!/bin/sh\n",
            "post-install": b"#!/bin/sh\nexit 0\n",
            "post-upgrade": b"#!/bin/sh\n#up\n",
        },
        keys=[KEY],
    )
    busybox = make.make_apk(
        "pkgname = busybox\npkgver = 1.37.0-r1\narch = x86_64\nsize = 900\n"
        "builddate = 1700000002\ndepend = so:libc.musl-x86_64.so.1\n"
        "provides = cmd:busybox=1.37.0-r1\nprovides = /bin/sh\nprovider_priority = 100\n"
        "triggers = /bin /usr/bin /sbin /usr/sbin /lib/modules/*",
        [
            (make.directory("bin"), b""),
            (make.file("bin/busybox", 0o755), b"elf"),
            (make.symlink("bin/sh", "/bin/busybox"), b""),
            (make.directory("etc"), b""),
            (make.directory("etc/busybox-paths.d"), b""),
            (make.file("etc/busybox-paths.d/busybox"), b"bin/ls\nbin/sh\nusr/bin/yes\n"),
            *((make.directory(name), b"") for name in ("lib", "usr", "usr/sbin", "usr/bin")),
            (make.file("usr/bin/a"), b"a"),
            (make.file("usr/bin/B"), b"b"),
        ],
        scripts={
            "trigger": b"#!/bin/sh\n",
            "post-install": b"#!/bin/sh\n/bin/busybox --install -s\n",
        },
        keys=[KEY],
    )
    return musl, layout, busybox


def write(folder: Path, packages: Iterable[bytes]) -> list[Path]:
    """Write packages under the names a mirror has them by; make the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for data in packages:
        draft = folder / "draft.apk"
        draft.write_bytes(data)
        apk = read_apk(draft)
        name = f"{apk.one('pkgname')}-{apk.one('pkgver')}.apk"
        paths.append(draft.rename(folder / name))
    return paths


def table(path: Path, packages: Iterable[Path], effects: Mapping[str, list[str]]) -> Path:
    """Write a table that accepts all scripts of the packages, with `effects` by package."""
    lines = []
    for file in packages:
        apk = read_apk(file)
        for script, text in apk.scripts.items():
            if script in INSTALL_SCRIPTS:
                lines += [
                    f"[[{apk.one('pkgname')}.{script}]]",
                    f'sha256 = "{script_sha256(text)}"',
                    f"effects = {json.dumps(effects.get(apk.one('pkgname'), []))}",
                    f'lines = "{" ".join(fingerprints(text))}"',
                    'why = "for tests"',
                ]
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


def package_set(
    folder: Path, name: str, apks: Iterable[Path], requested: Iterable[str] = ()
) -> dict[str, Any]:
    """Write a packages.json; return what a spec says of the set."""
    paths = list(apks)
    asked = set(requested)
    listing = [
        {
            "package": path.name.rsplit("-", 2)[0],
            "file": path.name,
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
            "requested": path.name.rsplit("-", 2)[0] in asked,
        }
        for path in paths
    ]
    (folder / f"{name}.json").write_text(json.dumps(listing))
    return {"packages": str(folder / f"{name}.json"), "apks": [str(path) for path in paths]}


def spec(folder: Path, **changes: Any) -> Path:
    """Write a spec of an empty layer, with changes."""
    value: dict[str, Any] = {
        "release": "alpine3.24",
        "arch": shared.in_spec(shared.AMD64, "x86_64"),
        "epoch": EPOCH,
        "repositories": ["https://mirror.example/v3.24/main"],
        "below": [],
        "add": [],
        "select": None,
    }
    value |= changes
    value["below"] = [{"epoch": None} | item for item in value["below"]]
    path = folder / "spec.json"
    path.write_text(json.dumps(value))
    return path
