"""Unpacking a source archive."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

from tools.cpython.workspace import extract_source


def test_modes_and_times_are_kept_whoever_owned_the_files(tmp_path: Path) -> None:
    archive = tmp_path / "Python-9.9.tar.xz"
    with tarfile.open(archive, "w:xz") as tar:
        for number, (name, mode) in enumerate((("configure", 0o755), ("Lib/os.py", 0o644))):
            info = tarfile.TarInfo(f"Python-9.9/{name}")
            # An owner that no sandbox and no user namespace of ours has.
            info.uid = info.gid = 1_999_999
            info.mode, info.mtime, info.size = mode, 1_000_000_000 + number, 1
            tar.addfile(info, io.BytesIO(b"x"))
        link = tarfile.TarInfo("Python-9.9/Lib/same.py")
        link.type, link.linkname, link.mtime = tarfile.LNKTYPE, "Python-9.9/Lib/os.py", info.mtime
        tar.addfile(link)
    extract_source(archive, tmp_path / "src")
    found = {
        str(path.relative_to(tmp_path / "src")): (path.stat().st_mode & 0o777, path.stat().st_mtime)
        for path in (tmp_path / "src").rglob("*")
        if path.is_file()
    }
    assert found == {
        "configure": (0o755, 1_000_000_000),
        "Lib/os.py": (0o644, 1_000_000_001),
        "Lib/same.py": (0o644, 1_000_000_001),
    }
