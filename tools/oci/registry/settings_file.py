"""Whether a file or folder of settings is there, for a user who may not look everywhere."""

from __future__ import annotations

from pathlib import Path


def is_file(path: Path) -> bool:
    """Whether a file is there; not if it lies in a folder that is closed to this user.

    Root's podman leaves /run/containers so, and `sudo` without `--set-home` leaves HOME=/root.
    """
    try:
        return path.is_file()
    except PermissionError:
        return False


def is_dir(path: Path) -> bool:
    """Whether a folder is there, likewise."""
    try:
        return path.is_dir()
    except PermissionError:
        return False
