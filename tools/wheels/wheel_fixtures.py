"""Small wheels for tests."""

from __future__ import annotations

import zipfile
from base64 import urlsafe_b64encode
from hashlib import sha256
from pathlib import Path

INFO = "greet-1.0.dist-info"
FILES = {
    "greet/__init__.py": "def main():\n    print('hello')\n",
    "greet/data/words.txt": "hello",
    "greet-1.0.data/scripts/greet-old": "#!python\nprint(1)\n",
    "greet-1.0.data/data/share/greet.txt": "x",
    f"{INFO}/METADATA": "Metadata-Version: 2.1\nName: greet\nVersion: 1.0\n",
    f"{INFO}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    f"{INFO}/entry_points.txt": "[console_scripts]\ngreet = greet:main\n",
    f"{INFO}/RECORD": "",
}


def recorded(files: dict[str, str]) -> dict[str, str]:
    """The files with a RECORD of them where one is empty."""
    records = [name for name, text in files.items() if name.endswith("/RECORD") and not text]
    rows = [
        f"{name},sha256={urlsafe_b64encode(sha256(text.encode()).digest()).decode()},{len(text)}"
        for name, text in files.items()
    ]
    return files | {record: "".join(f"{row}\n" for row in rows) for record in records}


def wheel(path: Path, files: dict[str, str]) -> Path:
    """Write a wheel of the files, and a RECORD of them where theirs is empty."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in recorded(files).items():
            archive.writestr(name, text)
    return path
