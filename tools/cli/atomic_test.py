"""A file is replaced as a whole or stays as it is."""

from pathlib import Path

import pytest

from tools.cli import atomic


def test_a_new_file_is_readable_by_all_and_its_folder_is_made(tmp_path: Path) -> None:
    file = tmp_path / "a/b.txt"
    atomic.write(file, "é\n")
    assert file.read_bytes() == "é\n".encode()
    assert file.stat().st_mode & 0o777 == 0o644
    assert list(file.parent.iterdir()) == [file]


def test_a_file_keeps_its_permissions(tmp_path: Path) -> None:
    file = tmp_path / "program"
    file.write_text("old")
    file.chmod(0o755)
    atomic.write(file, "new")
    assert (file.read_text(), file.stat().st_mode & 0o777) == ("new", 0o755)


def test_what_cannot_be_written_leaves_the_file_and_nothing_else(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("old")
    with pytest.raises(UnicodeEncodeError):
        atomic.write(file, "new" + chr(0xDC80))
    assert file.read_text() == "old"
    assert list(tmp_path.iterdir()) == [file]


def test_a_full_disk_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_self: Path, _other: Path) -> None:
        raise OSError("full")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OSError, match="full"):
        atomic.write(tmp_path / "file", "x")
    assert list(tmp_path.iterdir()) == []
