"""unpack.py WHEELS OUT: unpack each wheel in WHEELS into OUT/<name>/, ready for sys.path.

Run by the repository rule with the tool interpreter; standard library only.
"""

import sys
import zipfile
from pathlib import Path


def unpack(wheel: Path, out: Path) -> None:
    """Unpack one wheel; what it installs as scripts ends in `bin/`, data files are dropped."""
    name = wheel.name.split("-")[0].lower().replace("_", "-")
    target = out / name
    with zipfile.ZipFile(wheel) as archive:
        for info in archive.infolist():
            parts = Path(info.filename).parts
            if info.is_dir():
                continue
            if parts[0].endswith(".data"):
                if len(parts) < 3 or parts[1] not in ("scripts", "purelib", "platlib"):
                    continue
                parts = ("bin", *parts[2:]) if parts[1] == "scripts" else parts[2:]
            path = target.joinpath(*parts)
            if not path.resolve().is_relative_to(target.resolve()):
                raise SystemExit(f"{wheel}: member {info.filename!r} leaves the wheel's folder")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(archive.read(info))
            executable = info.external_attr >> 16 & 0o111 or parts[0] == "bin"
            path.chmod(0o755 if executable else 0o644)


def main() -> None:
    """Unpack every wheel of the folder given first into the one given second."""
    wheels, out = Path(sys.argv[1]), Path(sys.argv[2])
    for wheel in sorted(wheels.glob("*.whl")):
        unpack(wheel, out)


if __name__ == "__main__":
    main()
