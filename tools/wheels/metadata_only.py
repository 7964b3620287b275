"""A build backend that builds nothing: it says what PKG-INFO says.

`pip download` asks a source archive's build backend for name and version, and so runs whatever is
in the archive. The repository rule of source archives has pip find this instead of setuptools:
the archive is fetched and checked, and nothing in it runs.
"""

from __future__ import annotations

import email
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any


def prepare_metadata_for_build_wheel(
    metadata_directory: str, config_settings: dict[str, Any] | None = None
) -> str:
    """Write the metadata of the archive in the current folder; return the name of its folder."""
    told = Path("PKG-INFO").read_text(encoding="utf-8")
    about = email.message_from_string(told)
    name = re.sub(r"[^A-Za-z0-9.]+", "_", about["Name"])
    folder = Path(metadata_directory) / f"{name}-{about['Version']}.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text(told, encoding="utf-8")
    return folder.name


# What pip calls where an archive names no backend.
__legacy__ = SimpleNamespace(prepare_metadata_for_build_wheel=prepare_metadata_for_build_wheel)
