"""Files are replaced all or none, whatever fails and wherever."""

from __future__ import annotations

import shutil
import stat
from pathlib import Path

import pytest

from tools.update import transaction
from tools.update.failing_disk import FailingDisk

CHANGES = {
    "catalog/suites.yaml": "new\n",
    "README.md": "new\n",
    "locks/new/one.lock": "made\n",
    "docs/old/page.md": None,
}


@pytest.fixture(name="root")
def _root(tmp_path: Path) -> Path:
    root = tmp_path / "checkout"
    for name in ("catalog/suites.yaml", "README.md", "docs/old/page.md", "other"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(f"{name}\r\n".encode())
    (root / "README.md").chmod(0o755)
    return root


def tree(root: Path) -> dict[str, tuple[int, bytes]]:
    return {
        path.relative_to(root).as_posix(): (
            stat.S_IMODE(path.stat().st_mode) if path.is_file() else 0,
            path.read_bytes() if path.is_file() else b"",
        )
        for path in sorted(root.rglob("*"))
    }


def test_all(root: Path) -> None:
    before = tree(root)
    with transaction.begin(root) as change:
        change.replace(CHANGES)
        change.keep()
    after = tree(root)
    assert after["README.md"] == (0o755, b"new\n")
    assert after["locks/new/one.lock"] == (0o644, b"made\n")
    assert after["other"] == before["other"]
    # A folder that has become empty goes, too.
    assert "docs" not in after
    assert transaction.FOLDER not in after


def test_none_without_keep(root: Path) -> None:
    before = tree(root)
    with transaction.begin(root) as change:
        change.replace(CHANGES)
        assert (root / "README.md").read_text() == "new\n"
    assert tree(root) == before

    def interrupted() -> None:
        with transaction.begin(root) as change:
            change.replace(CHANGES)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert tree(root) == before


@pytest.mark.parametrize("method", ["write_text", "replace", "unlink", "mkdir", "chmod", "open"])
def test_none_when_the_disk_fails(root: Path, monkeypatch: pytest.MonkeyPatch, method: str) -> None:
    before = tree(root)
    at = 0
    while True:
        at += 1
        with monkeypatch.context() as patched:
            disk = FailingDisk(patched, root, method, at)
            try:
                with transaction.begin(root) as change:
                    change.replace(CHANGES)
                    change.keep()
            except transaction.TransactionError as error:
                assert "No space left on device" in str(error)
        if not disk.failed:
            break
        # What can't be undone at once, the next run undoes.
        with transaction.begin(root):
            pass
        assert tree(root) == before, at
    assert at > 1
    assert (root / "README.md").read_text() == "new\n"


def test_what_a_killed_run_has_left_is_undone(root: Path, tmp_path: Path) -> None:
    before = tree(root)
    folder = root / transaction.FOLDER
    with transaction.begin(root) as change:
        change.replace(CHANGES)
        shutil.copytree(folder, tmp_path / "left")
        change.keep()
    shutil.copytree(tmp_path / "left", folder)
    with transaction.begin(root):
        pass
    assert tree(root) == before


def test_two_at_once(root: Path) -> None:
    with (
        transaction.begin(root),
        pytest.raises(transaction.TransactionError, match="another update"),
        transaction.begin(root),
    ):
        pass


@pytest.mark.parametrize("content", [b"", b"{", b"5", b"[5]", b'["../other"]', b"\xff"])
def test_a_journal_that_can_not_be_read_is_told(root: Path, content: bytes) -> None:
    """As a machine that lost power leaves it."""
    before = tree(root)
    (root / transaction.FOLDER).mkdir()
    (root / transaction.FOLDER / "journal.json").write_bytes(content)
    (root / transaction.FOLDER / "0.old").write_text("theirs")
    with (
        pytest.raises(transaction.TransactionError, match=r"journal\.json.*git status"),
        transaction.begin(root),
    ):
        pytest.fail("begun")
    assert (root / transaction.FOLDER / "0.old").read_text() == "theirs"
    shutil.rmtree(root / transaction.FOLDER)
    assert tree(root) == before
