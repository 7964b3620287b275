"""Resolving what an application requires, by uv: for the image's Python, with wheels only."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from tools.wheels.locks import index, pylock
from tools.wheels.locks.pins import LockError
from tools.wheels.locks.pylock import Standard

_INDEX = ("UV_INDEX", "UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_EXTRA_INDEX_URL")
_PREFERRED = """\
lock-version = "1.0"
created-by = "python-images"
"""


def environment(config: Mapping[str, str], given: Mapping[str, str]) -> dict[str, str]:
    """The variables for uv: the index is pip's, unless uv's own variables name one.

    `config` are pip's settings, `given` the variables of this process.
    """
    found = dict(given)
    if not any(name in given for name in _INDEX):
        # uv's default index comes last. In front is pip's own: others may have parts of it only.
        if addresses := index.indexes((), config):
            *first, last = addresses
            found |= {"UV_INDEX": " ".join(first), "UV_DEFAULT_INDEX": last}
        # As pip does: of all indexes the newest version.
        found.setdefault("UV_INDEX_STRATEGY", "unsafe-best-match")
    if cert := config.get("cert"):
        found.setdefault("SSL_CERT_FILE", cert)
    return found


def preferred(pins: Iterable[tuple[str, str]]) -> str:
    """A lock that has uv keep the versions of `pins`, (name, version), where they still serve.

    "" where there are none.
    """
    rows = [
        f"\n[[packages]]\nname = {json.dumps(name)}\nversion = {json.dumps(version)}\n"
        for name, version in sorted(set(pins))
        if version
    ]
    return _PREFERRED + "".join(rows) if rows else ""


def resolve(
    uv: Path,
    sources: Sequence[Path],
    minor: str,
    before: Iterable[tuple[str, str]],
    config: Mapping[str, str],
) -> tuple[Standard, str]:
    """Resolve requirements.in files or a pyproject.toml.

    Args:
        uv: the program.
        sources: the files.
        minor: Python's minor version, "3.13".
        before: (name, version) of the lock as it is, which are kept where they can be.
        config: pip's settings.

    Returns:
        the lock and its text.

    Raises:
        LockError: it can't be resolved; the message is uv's.
    """
    with tempfile.TemporaryDirectory() as scratch:
        out = Path(scratch, "pylock.toml")
        if kept := preferred(before):
            out.write_text(kept)
        command = [
            *(str(uv), "pip", "compile", "--quiet", "--no-progress", "--color=never"),
            *("--universal", "--no-build", "--no-header", "--no-annotate"),
            *(f"--python-version={minor}", f"--python={sys.executable}", "--no-python-downloads"),
            *("--format=pylock.toml", f"--output-file={out}"),
            *map(str, sources),
        ]
        done = subprocess.run(
            command,
            env=environment(config, os.environ),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise LockError(done.stderr.strip(), relock=False)
        text = out.read_text()
    return pylock.parse(tomllib.loads(text), "uv's lock"), text
