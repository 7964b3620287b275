"""Writes the tiny Alpine of the tests into a folder: packages, lists, scripts, programs."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from tools.formats.alpine import apk_fixtures as make
from tools.rootfs import program_fixtures as make_programs
from tools.rootfs.alpine import tiny_alpine_fixtures as fixtures


def main(folder: Path) -> None:
    """Write all of it."""
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        base = fixtures.tiny_base(scratch)
        tools = fixtures.write(
            scratch,
            [
                make.make_apk(
                    f"pkgname = {package}\npkgver = 1-r0\narch = x86_64\n"
                    f"provides = so:{package}.so.1=1",
                    [
                        (make.directory("usr"), b""),
                        (make.directory("usr/lib"), b""),
                        (make.file(f"usr/lib/{package}.so.1", 0o755), package.encode()),
                    ],
                )
                for package in ("libfoo", "libunused")
            ],
        )
        fixtures.package_set(scratch, "base", base, ["baselayout", "busybox"])
        fixtures.package_set(scratch, "tools", tools, ["libfoo"])
        fixtures.table(scratch / "scripts.toml", base, {"busybox": ["busybox_links"]})
        make_programs.programs(
            scratch / "programs.tar", {"bin/p": make_programs.elf(None, ["libfoo.so.1"])}
        )
        for path in scratch.iterdir():
            shutil.copyfile(path, folder / path.name)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
