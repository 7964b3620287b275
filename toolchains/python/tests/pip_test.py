"""Check that pip's wheel has byte-code of each module, and starts from it."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path


def main() -> None:
    """Compare the names in the wheel, and what an import of it says it was loaded from."""
    wheel = Path(os.environ["PIP"]).absolute()
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    modules = {name for name in names if name.endswith(".py")}
    assert modules
    lacking = [name for name in sorted(modules) if name + "c" not in names]
    assert not lacking, lacking[:5]

    code = "import pip; print(pip.__file__)"
    result = subprocess.run(
        [sys.executable, "-S", "-c", code],
        env={"PYTHONPATH": str(wheel)},
        check=True,
        capture_output=True,
        text=True,
    )
    assert result.stdout.strip() == f"{wheel}/pip/__init__.pyc", result.stdout


if __name__ == "__main__":
    main()
