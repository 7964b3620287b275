"""A patched archive has the patches' files and all else as it was."""

from __future__ import annotations

import hashlib
import io
import tarfile
from pathlib import Path

import pytest

from tools.patches import archive, upstream

OLD = b"def f():\n    return 1\n"
NEW = b"def f():\n    return 2\n"
PATCH = b"""--- a/Lib/f.py
+++ b/Lib/f.py
@@ -1,2 +1,2 @@
 def f():
-    return 1
+    return 2
--- /dev/null
+++ b/Misc/NEWS.d/next/fix.rst
@@ -0,0 +1 @@
+Return 2.
--- a/gone
+++ /dev/null
@@ -1 +0,0 @@
-gone
"""


def pack(path: Path, files: dict[str, bytes]) -> Path:
    """A source archive; times differ from file to file."""
    with tarfile.open(path, "w:xz", format=tarfile.GNU_FORMAT) as tar:
        folder = tarfile.TarInfo("Python-1")
        folder.type, folder.mode = tarfile.DIRTYPE, 0o755
        tar.addfile(folder)
        for number, (name, data) in enumerate(files.items(), 1):
            member = tarfile.TarInfo(f"Python-1/{name}")
            member.size, member.mtime, member.uname = len(data), number, "builder"
            member.mode = 0o755 if name == "configure" else 0o644
            tar.addfile(member, io.BytesIO(data))
        link = tarfile.TarInfo("Python-1/link")
        link.type, link.linkname = tarfile.SYMTYPE, "Lib"
        tar.addfile(link)
    return path


@pytest.fixture(name="source")
def _source(tmp_path: Path) -> Path:
    files = {"configure": b"#!/bin/sh\n", "Lib/f.py": OLD, "gone": b"gone\n", "z": b"z"}
    return pack(tmp_path / "source.tar.xz", files)


def members(path: Path) -> dict[str, tuple[int, float, str, bytes | str]]:
    """Mode, time, owner and content of each."""
    with tarfile.open(path) as tar:
        found = {}
        for member in tar:
            file = tar.extractfile(member) if member.isreg() else None
            content = file.read() if file else member.linkname
            found[member.name] = (member.mode, member.mtime, member.uname, content)
        return found


def test_only_what_the_patch_names_changes(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.tar.gz"
    archive.write(source, out, [("fix.patch", PATCH)])
    expected = members(source)
    mode, time, owner, _ = expected["Python-1/Lib/f.py"]
    # Times stay: make goes by them.
    expected["Python-1/Lib/f.py"] = (mode, time, owner, NEW)
    del expected["Python-1/gone"]
    expected["Python-1/Misc/NEWS.d/next/fix.rst"] = (0o644, 4, "builder", b"Return 2.\n")
    assert members(out) == expected
    digest = hashlib.sha256(out.read_bytes()).hexdigest()
    archive.write(source, out, [("other name", PATCH)])
    assert hashlib.sha256(out.read_bytes()).hexdigest() == digest


def test_patches_build_on_one_another(source: Path, tmp_path: Path) -> None:
    again = b"--- a/Lib/f.py\n+++ b/Lib/f.py\n@@ -2 +2 @@\n-    return 2\n+    return 3\n"
    files, _ = archive.patched(source, [("1", PATCH), ("2", again)])
    assert files["Lib/f.py"] == b"def f():\n    return 3\n"
    with pytest.raises(archive.ArchiveError, match=r"^2:3: hunk 1 of Lib/f.py doesn't fit: line 2"):
        archive.patched(source, [("2", again), ("1", PATCH)])


def test_one_message_names_revision_patch_and_line(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    patch, out = tmp_path / "fix.patch", tmp_path / "out.tar.gz"
    patch.write_bytes(PATCH.replace(b"return 1", b"return 7"))
    arguments = [f"--source={source}", "--label=3.13.15-r1", f"--out={out}"]
    assert archive.main([*arguments, f"--patch=patches/fix.patch={patch}"]) == 2
    assert capsys.readouterr().err == (
        "patch: CPython 3.13.15-r1: patches/fix.patch:3: hunk 1 of Lib/f.py doesn't fit: line 2 is "
        "b'    return 1\\n', not b'    return 7\\n'; make the patch against this source\n"
    )
    assert not out.exists()


def test_links_are_not_patched(source: Path, tmp_path: Path) -> None:
    patch = b"--- /dev/null\n+++ b/link\n@@ -0,0 +1 @@\n+x\n"
    with pytest.raises(archive.ArchiveError, match="link is no ordinary file of the source"):
        archive.write(source, tmp_path / "out.tar.gz", [("1", patch)])


@pytest.mark.parametrize(
    ("content", "state"),
    [(NEW, "contained"), (b"# moved\n" + NEW, "contained"), (OLD, "applies"), (b"x\n", "unclear")],
)
def test_an_update_learns_what_became_of_a_patch(
    tmp_path: Path, content: bytes, state: str
) -> None:
    # The news entry of the patch isn't there: a release merges them into one file.
    patch = PATCH.partition(b"--- a/gone")[0]
    assert upstream.state(patch, pack(tmp_path / "s.tar.xz", {"Lib/f.py": content})) == state


def test_a_file_that_is_gone_upstream_too(tmp_path: Path) -> None:
    assert upstream.state(PATCH, pack(tmp_path / "s.tar.xz", {"Lib/f.py": NEW})) == "contained"
    left = pack(tmp_path / "t.tar.xz", {"Lib/f.py": NEW, "gone": b"gone\n"})
    assert upstream.state(PATCH, left) == "unclear"
