"""A small image with what a bill of materials is made from, for tests."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import tarfile
from collections.abc import Mapping
from pathlib import Path

from tools.oci.assembler import image, layer

STATUS = """\
Package: libdemo1
Status: install ok installed
Architecture: amd64
Multi-Arch: same
Source: demo (1:2.0-3)
Version: 2.0-3+b1

Package: demo-tools
Status: install ok installed
Architecture: all
Version: 2.0-3~deb12u1

Package: gone
Status: deinstall ok config-files
Architecture: all
Version: 1
"""
COPYRIGHT = """\
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/

Files: *
Copyright: 2020 A. Nother
License: GPL-2+ or Artistic, and Expat

Files: odd/*
Copyright: 2021 A. Nother
License: odd-one
 Do what you like, but don't say so.
"""
SOURCE = {
    "version": "3.13.99",
    "url": "https://example.org/Python-3.13.99.tar.xz",
    "sha256": "5" * 64,
}
FACTS = {
    "name": "//images:demo_amd64",
    "title": "demo",
    "suite": "bookworm",
    "source": SOURCE,
    "vendor": "",
}
METADATA = "Metadata-Version: 2.4\nName: Demo_Pkg\nVersion: 1.5\nLicense-Expression: MIT\n"


def record(files: Mapping[str, bytes]) -> bytes:
    """Return the RECORD of files, by their path below site-packages."""
    return "".join(
        f"{path},sha256={base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip('=')}"
        f",{len(data)}\n"
        for path, data in files.items()
    ).encode()


def image_files() -> dict[str, bytes]:
    """Return the image's files by path."""
    site = "usr/local/lib/python3.13/site-packages"
    module = {"demo_pkg/__init__.py": b"", "demo_pkg/_vendor/vendor.txt": b"inner==3.1  # why\n"}
    return {
        "usr/lib/os-release": b'ID=debian\nVERSION_ID="12"\nNAME="Debian GNU/Linux"\n',
        "var/lib/dpkg/status": STATUS.encode(),
        "usr/share/doc/libdemo1/copyright": COPYRIGHT.encode(),
        "usr/local/include/python3.13/patchlevel.h": b'#define PY_VERSION "3.13.99"\n',
        "usr/local/include/python3.13/pyconfig.h": b"#define WITH_MIMALLOC 1\n",
        "usr/local/lib/python3.13/ensurepip/_bundled/pip-9.9-py3-none-any.whl": b"wheel",
        **{f"{site}/{path}": data for path, data in module.items()},
        f"{site}/demo_pkg-1.5.dist-info/METADATA": METADATA.encode(),
        f"{site}/demo_pkg-1.5.dist-info/RECORD": record(module),
    }


def make_layout(
    folder: Path,
    files: Mapping[str, bytes],
    links: Mapping[str, str] | None = None,
    above: Mapping[str, bytes] | None = None,
) -> Path:
    """Write an image of one layer, or of two with `above`; return its layout."""
    layers = [_tar(folder / "one.tar", files, links or {})]
    if above is not None:
        layers.append(_tar(folder / "two.tar", above, {}))
    spec = image.ImageSpec(
        platform={"architecture": "amd64", "os": "linux"},
        layers=[image.LayerSource(tar, tar.with_suffix(".json"), tar.name) for tar in layers],
        created="2026-01-02T03:04:05Z",
    )
    image.build(spec, folder / "layout")
    return folder / "layout"


def _tar(path: Path, files: Mapping[str, bytes], links: Mapping[str, str]) -> Path:
    with tarfile.open(path, "w") as tar:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
        for name, target in links.items():
            info = tarfile.TarInfo(name)
            info.type, info.linkname = tarfile.SYMTYPE, target
            tar.addfile(info)
    layer.write(path, path.with_suffix(".json"))
    return path


def locked(path: Path) -> Path:
    """Write the packages.json that fits STATUS."""
    packages = (("libdemo1", "2.0-3+b1", "amd64"), ("demo-tools", "2.0-3~deb12u1", "all"))
    path.write_text(
        json.dumps(
            [
                {
                    "package": name,
                    "version": version,
                    "architecture": arch,
                    "file": f"{name}.deb",
                    "path": f"pool/main/d/demo/{name}.deb",
                    "sha256": hashlib.sha256(name.encode()).hexdigest(),
                }
                for name, version, arch in packages
            ]
        )
    )
    return path
