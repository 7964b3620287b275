"""The catalog has what the suite's own dpkg-buildflags says, for each of its platforms."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from toolchains.trees import unpack

SUITE, VENDOR = os.environ["SUITE"], os.environ["VENDOR"]
# Debian's architecture -> [CFLAGS, LDFLAGS]
EXPECTED: dict[str, list[str]] = json.loads(os.environ["EXPECTED"])
# What the catalog leaves out, by the beginning of a word.
LEFT_OUT = ("-ffile-prefix-map=", "-flto=", "-ffat-lto-objects")
FILE = "catalog/suites.yaml" if VENDOR == "Debian" else "catalog/ubuntu.yaml"
REMEDY = f"write what dpkg says into build_flags of {SUITE} in {FILE}"


def words(flags: str) -> set[str]:
    """The options, in no order but that the last -O counts."""
    found = [word for word in flags.split() if not word.startswith(LEFT_OUT)]
    levels = [word for word in found if word.startswith("-O")]
    return {word for word in found if word not in levels} | set(levels[-1:])


class Dpkg:
    """A suite's dpkg-buildflags, unpacked; on a machine of the vendor's as far as it can see."""

    def __init__(self, folder: Path) -> None:
        unpack.extract(Path(os.environ["DPKG"]), folder / "tree")
        self._tree = (folder / "tree").absolute()
        self._origins = folder / "origins"
        self._origins.mkdir()
        (self._origins / "debian").write_text("Vendor: Debian\n")
        parent = "" if VENDOR == "Debian" else "Parent: Debian\n"
        for name in {VENDOR.lower(), "default"}:
            (self._origins / name).write_text(f"Vendor: {VENDOR}\n{parent}")

    def flags(self, arch: str, what: str) -> str:
        libraries = self._tree / unpack.LIBRARIES
        modules = [
            self._tree / "usr/share/perl5",
            libraries / "perl-base",
            *libraries.glob("perl/5*"),
            *self._tree.glob("usr/share/perl/5*"),
        ]
        run = subprocess.run(
            [self._tree / "usr/bin/perl", self._tree / "usr/bin/dpkg-buildflags", "--get", what],
            env={
                "DEB_BUILD_ARCH": "amd64",
                "DEB_HOST_ARCH": arch,
                "DPKG_DATADIR": str(self._tree / "usr/share/dpkg"),
                "DPKG_ORIGINS_DIR": str(self._origins),
                "PERL5LIB": ":".join(map(str, modules)),
            },
            capture_output=True,
            text=True,
            check=False,
        )
        assert run.returncode == 0, run.stderr
        return run.stdout


@pytest.fixture(scope="module")
def dpkg(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dpkg]:
    yield Dpkg(tmp_path_factory.mktemp("dpkg"))


@pytest.mark.parametrize("arch", EXPECTED)
@pytest.mark.parametrize(("position", "what"), enumerate(["CFLAGS", "LDFLAGS"]))
def test_flags_are_dpkgs(dpkg: Dpkg, arch: str, position: int, what: str) -> None:
    said, ours = dpkg.flags(arch, what), EXPECTED[arch][position]
    assert "-z,relro" in said or "-g" in said.split(), said
    assert words(ours) == words(said), f"{what} of {arch}: {REMEDY}: {said}"
