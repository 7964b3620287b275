"""What a change of the catalog or of other files makes of the checkout, worked out in a copy."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from tools.catalog import load
from tools.catalog.model import Catalog
from tools.pages import outputs

Files = Mapping[str, str | None]


@contextlib.contextmanager
def changed(root: Path, files: Files) -> Iterator[Path]:
    """A folder that looks as the checkout ``root`` does with ``files`` changed; for reading only.

    What lies below the top folders of ``files`` is copied, all else is a symbolic link.
    """
    with tempfile.TemporaryDirectory(prefix="update.") as folder:
        copy = Path(folder)
        copied = {name.partition("/")[0] for name in files}
        for entry in root.iterdir():
            if entry.name not in copied:
                (copy / entry.name).symlink_to(entry)
            elif entry.is_dir():
                shutil.copytree(entry, copy / entry.name, symlinks=True)
            else:
                shutil.copyfile(entry, copy / entry.name)
        for name, text in files.items():
            file = copy / name
            if text is None:
                file.unlink(missing_ok=True)
            else:
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(text, encoding="utf-8", newline="\n")
        yield copy


def catalog(root: Path, files: Files) -> Catalog:
    """The catalog as it will be.

    Raises:
        CatalogError: it would be at fault.
    """
    with changed(root, files) as copy:
        return load.load(copy / "catalog", Path("catalog"))


def generated(root: Path, files: Files) -> dict[str, str | None]:
    """The generated files that ``files`` make stale, with their new text; None: not any more.

    Raises:
        CatalogError, StarlarkError: as outputs.expected.
    """
    with changed(root, files) as copy:
        wanted = outputs.expected(copy)
    made: dict[str, str | None] = {}
    for name, text in wanted.items():
        file = root / name
        if not file.is_file() or file.read_text(encoding="utf-8") != text:
            made[name] = text
    made.update(dict.fromkeys(outputs.superfluous(root, wanted)))
    return made
