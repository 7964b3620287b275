"""make_wheel.py FOLDER: writes a tiny wheel, structure-sample 1.0, for pip to install offline."""

import base64
import hashlib
import pathlib
import sys
import zipfile

INFO = "structure_sample-1.0.dist-info"
FILES = {
    "structure_sample.py": (
        "import pathlib\n\n\ndef main():\n"
        "    print('sample 1.0 in', pathlib.Path(__file__).parent)\n"
    ),
    f"{INFO}/METADATA": "Metadata-Version: 2.1\nName: structure-sample\nVersion: 1.0\n",
    f"{INFO}/WHEEL": (
        "Wheel-Version: 1.0\nGenerator: make_wheel\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    ),
    f"{INFO}/entry_points.txt": ("[console_scripts]\nstructure-sample = structure_sample:main\n"),
}


def record(name: str, text: str) -> str:
    """A line of the wheel's RECORD."""
    digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
    return f"{name},sha256={digest},{len(text)}\n"


def write(folder: pathlib.Path) -> None:
    """Write the wheel into `folder`, which is made if need be."""
    folder.mkdir(parents=True, exist_ok=True)
    records = "".join(record(name, text) for name, text in FILES.items())
    with zipfile.ZipFile(folder / "structure_sample-1.0-py3-none-any.whl", "w") as wheel:
        for name, text in FILES.items():
            wheel.writestr(name, text)
        wheel.writestr(f"{INFO}/RECORD", f"{records}{INFO}/RECORD,,\n")


if __name__ == "__main__":
    write(pathlib.Path(sys.argv[1]))
