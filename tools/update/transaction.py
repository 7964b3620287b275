"""Replacing files of a checkout, all of them or none.

All new content is written beside the old, and copies of the old content too, before anything is
replaced. What a run that was killed has left is undone by the next one.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

# In the checkout, so that a file is put in place by renaming it.
FOLDER = ".update"
_JOURNAL = "journal.json"
_LOCK = "lock"


class TransactionError(Exception):
    """The files can't be replaced; nothing is changed."""


class Transaction:
    """Changes to files below ``root``; made by ``begin``."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._folder = root / FOLDER
        self._journal = self._folder / _JOURNAL

    def replace(self, files: Mapping[str, str | None]) -> None:
        """Give files, by their path below the root, a new text; None removes one.

        Until ``keep`` is called, ``undo`` restores what was there.

        Raises:
            TransactionError: a file can't be written; everything is as it was.
        """
        try:
            self._stage(files)
            for number, (name, text) in enumerate(files.items()):
                target = self._root / name
                if text is None:
                    target.unlink(missing_ok=True)
                else:
                    target.parent.mkdir(parents=True, exist_ok=True)
                    (self._folder / f"{number}.new").replace(target)
            for name in (name for name, text in files.items() if text is None):
                self._prune((self._root / name).parent)
        except OSError as error:
            self.undo()
            raise TransactionError(f"{error}; every file is as it was") from None
        except BaseException:
            self.undo()
            raise

    def _stage(self, files: Mapping[str, str | None]) -> None:
        for number, (name, text) in enumerate(files.items()):
            target = self._root / name
            if target.is_file():
                shutil.copy2(target, self._folder / f"{number}.old")
            if text is not None:
                made = self._folder / f"{number}.new"
                made.write_text(text, encoding="utf-8", newline="\n")
                made.chmod(target.stat().st_mode if target.is_file() else 0o644)
        journal = self._folder / f"{_JOURNAL}.new"
        journal.write_text(json.dumps(list(files)), encoding="utf-8")
        journal.replace(self._journal)

    def undo(self) -> None:
        """Restore what was there before ``replace``; nothing once it is kept.

        Raises:
            TransactionError: the journal can't be read; nothing is restored.
        """
        if not self._journal.is_file():
            return
        for number, name in enumerate(self._names()):
            old, target = self._folder / f"{number}.old", self._root / name
            if not old.is_file():
                target.unlink(missing_ok=True)
                self._prune(target.parent)
            elif not target.is_file() or target.read_bytes() != old.read_bytes():
                target.parent.mkdir(parents=True, exist_ok=True)
                old.replace(target)
        self._journal.unlink()

    def _names(self) -> list[str]:
        """The files of the journal, in its order."""
        try:
            names = json.loads(self._journal.read_text(encoding="utf-8"))
            if not isinstance(names, list) or not all(map(_is_below, names)):
                raise ValueError("it is no list of files")
        except (ValueError, RecursionError) as error:
            raise TransactionError(
                f"{self._journal}: can't be read ({error}), so what an update left half done isn't "
                f"undone: see it with `git status`, and remove {self._folder}"
            ) from None
        return names

    def keep(self) -> None:
        """Make the changes final.

        Raises:
            TransactionError: that isn't possible; everything is as it was.
        """
        try:
            self._journal.unlink(missing_ok=True)
        except OSError as error:
            self.undo()
            raise TransactionError(f"{error}; every file is as it was") from None

    def _prune(self, folder: Path) -> None:
        """Remove folders that have become empty."""
        while folder != self._root:
            if folder.is_dir():
                if any(folder.iterdir()):
                    break
                folder.rmdir()
            folder = folder.parent


def _is_below(name: object) -> bool:
    """Whether it is a path that can't lead out of a folder."""
    return isinstance(name, str) and not Path(name).is_absolute() and ".." not in Path(name).parts


@contextlib.contextmanager
def begin(root: Path) -> Iterator[Transaction]:
    """A transaction on the checkout ``root``; what isn't kept when it ends is undone.

    Raises:
        TransactionError: another one is open, or the checkout can't be written.
    """
    folder = root / FOLDER
    try:
        folder.mkdir(exist_ok=True)
        stream = (folder / _LOCK).open("w")
    except OSError as error:
        raise TransactionError(f"{error}; nothing was changed") from None
    with stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise TransactionError(
                f"{folder} is in use: another update of this checkout is running"
            ) from None
        change = Transaction(root)
        _undo(change, folder)
        try:
            yield change
        finally:
            _undo(change, folder)
            shutil.rmtree(folder, ignore_errors=True)


def _undo(change: Transaction, folder: Path) -> None:
    try:
        change.undo()
    except OSError as error:
        raise TransactionError(
            f"{error}; what was there before is in {folder}, and the next run restores it"
        ) from None


def interrupted(root: Path) -> bool:
    """Whether a run that was killed has left changes that ``begin`` will undo."""
    return (root / FOLDER / _JOURNAL).is_file()
