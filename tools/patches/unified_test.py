"""Patches are applied exactly, as GNU patch does without fuzz, or refused with one message."""

from __future__ import annotations

import difflib
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.patches import unified
from tools.patches.unified import PatchError

OLD = b"".join(b"line %d\n" % number for number in range(1, 21))


def diff(old: bytes, new: bytes, context: int = 3) -> bytes:
    """A patch of the file f.py."""
    before, after = (unified._split(side) for side in (old, new))
    made = list(
        difflib.diff_bytes(
            difflib.unified_diff, before, after, b"a/f.py", b"b/f.py", n=context, lineterm=b"\n"
        )
    )
    return b"".join(
        line if line.endswith(b"\n") else line + b"\n\\ No newline at end of file\n"
        for line in made
    )


def apply(patch: bytes, content: bytes | None) -> bytes | None:
    """What a patch of one file makes of it."""
    (change,) = unified.parse(patch)
    return unified.apply(change, content)


LINES = st.lists(
    st.sampled_from([b"a", b"b", b"", b"a\r", b"--- x", b"+++ y", b"@@ z"]), max_size=12
)


@given(LINES, LINES, st.booleans(), st.booleans(), st.integers(0, 3))
def test_a_diff_makes_the_new_file_and_its_undoing_the_old_one(
    old: list[bytes], new: list[bytes], old_end: bool, new_end: bool, context: int
) -> None:
    before = b"\n".join(old) + (b"\n" if old and old_end else b"")
    after = b"\n".join(new) + (b"\n" if new and new_end else b"")
    if before == after or not before or not after:
        return
    (change,) = unified.parse(diff(before, after, context))
    assert unified.apply(change, before) == after
    assert unified.apply(unified.undo(change), after) == before


@pytest.mark.skipif(not shutil.which("patch"), reason="no GNU patch on this machine")
def test_gnu_patch_makes_the_same(tmp_path: Path) -> None:
    new = OLD.replace(b"line 5\n", b"line 5\r\nmore\n").replace(b"line 15\n", b"").rstrip(b"\n")
    patch = diff(OLD, new)
    # The file has grown above, so that both hunks have moved.
    moved = b"one\ntwo\n" + OLD
    (tmp_path / "f.py").write_bytes(moved)
    subprocess.run(
        ["patch", "--strip=1", "--fuzz=0", "--batch", "--binary"],
        check=True,
        cwd=tmp_path,
        input=patch,
    )
    assert apply(patch, moved) == (tmp_path / "f.py").read_bytes() == b"one\ntwo\n" + new


def test_files_are_created_and_deleted() -> None:
    create = (
        b"diff --git a/n b/n\nnew file mode 100755\n--- /dev/null\n+++ b/d/n\n@@ -0,0 +1 @@\n+x\n"
    )
    (change,) = unified.parse(create)
    assert (change.path, change.kind, change.executable) == ("d/n", "create", True)
    assert unified.apply(change, None) == b"x\n"
    assert unified.apply(unified.undo(change), b"x\n") is None
    with pytest.raises(PatchError, match=r"line 3: creates d/n, which is there already"):
        unified.apply(change, b"")


def test_a_mail_s_text_is_passed_over() -> None:
    mail = b"From 1 Mon\nSubject: x\n\n--- is no file\n---\n f.py | 2 +-\n\n"
    new = OLD.replace(b"line 3\n", b"3\n")
    assert apply(mail + diff(OLD, new) + b"-- \n2.39.5\n\n", OLD) == new


def test_a_repeated_context_has_to_be_where_it_is_said_to_be() -> None:
    patch = diff(b"x\ny\nx\n", b"x\ny\nz\n", 0)
    assert apply(patch, b"x\ny\nx\n") == b"x\ny\nz\n"
    with pytest.raises(PatchError, match="fits at more than one line: 1, 5; make the patch"):
        apply(patch, b"x\ny\ny\ny\nx\n")


def test_what_does_not_fit_names_hunk_and_line() -> None:
    patch = diff(OLD, OLD.replace(b"line 3\n", b"3\n").replace(b"line 17\n", b"17\n"))
    with pytest.raises(
        PatchError,
        match=r"line 11: hunk 2 of f.py doesn't fit: line 16 is b'other\\n', not b'line 16\\n'; m",
    ):
        apply(patch, OLD.replace(b"line 16\n", b"other\n"))


def test_no_fuzz() -> None:
    patch = diff(OLD, OLD.replace(b"line 10\n", b"10\n"))
    with pytest.raises(PatchError, match="line 7 is"):
        apply(patch, OLD.replace(b"line 7\n", b"7\n"))


HUNK = b"@@ -1 +1 @@\n-a\n+b\n"


@pytest.mark.parametrize(
    ("patch", "message"),
    [
        (b"", "line 1: has no file to change"),
        (b"nothing\n", "line 1: has no file to change"),
        (b"--- a/../x\n+++ b/../x\n" + HUNK, r"line 1: 'a/../x' is no path in the source"),
        (b"--- ../x\n+++ ../x\n" + HUNK, "line 1: '../x' is no path in the source"),
        (b"--- /etc/x\n+++ /etc/x\n" + HUNK, "line 1: '/etc/x' is no path in the source"),
        (b"--- a/x\n+++ b/x/../../y\n" + HUNK, "line 2: 'b/x/../../y' is no path"),
        (b"--- a/.\\x\n+++ b/.\\x\n" + HUNK, "is no path in the source"),
        (b"--- x.py\n+++ x.py\n" + HUNK, "line 1: 'x.py' has no folder to strip"),
        (b"--- a/x\n+++ b/y\n" + HUNK, "line 1: makes 'y' of 'x'"),
        (b'--- "a/\\303"\n+++ "b/\\303"\n' + HUNK, "is no path in the source"),
        (b"--- a/x\r\n+++ b/x\r\n@@ -1 +1 @@\r\n-a\r\n+b\r\n", "line 1: ends with CR LF"),
        (b"--- /dev/null\n+++ /dev/null\n" + HUNK, "changes no file"),
        (b"--- a/x\n+++ b/x\n", "line 3: a hunk"),
        (b"--- a/x\n+++ b/x\n@@ -1 +1\n-a\n+b\n", "line 3: is no hunk"),
        (b"--- a/x\n+++ b/x\n@@ -1,2 +1 @@\n-a\n+b\n", "line 6: hunk 1 isn't as long"),
        (b"--- a/x\n+++ b/x\n@@ -1,2 +1 @@\n a\n b\n", "hunk 1 is longer"),
        (b"--- a/x\n+++ b/x\n@@ -1 +1 @@\n a\n", "line 3: hunk 1 changes nothing"),
        (b"--- a/x\n+++ b/x\n@@ -3 +3 @@\n-a\n+b\n" + HUNK, "line 6: begins before the last"),
        (
            b"--- a/x\n+++ /dev/null\n@@ -1,2 +1 @@\n-a\n c\n",
            "doesn't delete 'x' as a whole",
        ),
        (b"diff --git a/x b/y\nrename from x\n", "line 2: renames a file; leave that file out"),
        (b"diff --git a/x b/x\nold mode 100644\n", "line 2: changes a file's mode"),
        (
            b"diff --git a/x b/x\nindex 1..2\nGIT binary patch\n",
            "line 3: changes a file",
        ),
        (b"diff --git a/x b/x\nBinary files a/x and b/x differ\n", "line 2: changes a file"),
        (b"diff --git a/x b/x\nnew file mode 100644\n", "line 1: says nothing of the file's text"),
    ],
)
def test_what_is_refused(patch: bytes, message: str) -> None:
    with pytest.raises(PatchError, match=message):
        unified.parse(patch)


def test_a_file_that_is_missing_names_the_strip_level() -> None:
    with pytest.raises(PatchError, match=r"there is no f.py in the source.*patch -p1"):
        apply(diff(b"a\n", b"b\n"), None)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        unified.parse(data)
        unified.parse(b"--- a/x\n+++ b/x\n" + data)
    except PatchError as error:
        assert error.line >= 1
