"""What of an image becomes the folder its CPython runs in."""

from __future__ import annotations

import io
import json
import stat
import tarfile
from pathlib import Path

import pytest

from tools.runtime import unpack_runtime

LAUNCHER = Path("tools/runtime/launcher.sh")
TRIPLET = "usr/lib/x86_64-linux-gnu"

# Content, or `-> target`; each dict is a layer.
LAYERS: list[dict[str, str]] = [
    {
        "bin": "-> usr/bin",
        "lib64": "-> usr/lib64",
        "etc/passwd": "root",
        f"{TRIPLET}/ld-linux-x86-64.so.2": "loader",
        "usr/lib64/ld-linux-x86-64.so.2": "-> ../lib/x86_64-linux-gnu/ld-linux-x86-64.so.2",
        f"{TRIPLET}/libz.so.1": "-> libz.so.1.3.1",
        f"{TRIPLET}/libz.so.1.3.1": "zlib",
        f"{TRIPLET}/gconv/UTF-7.so": "gconv",
        f"{TRIPLET}/libold.so.1": "old",
    },
    {
        "usr/local/bin/python3.14": "elf",
        "usr/local/bin/pip3.14": "pip",
        "usr/local/lib/libpython3.14.so.1.0": "libpython",
        "usr/local/lib/libpython3.14.so": "-> libpython3.14.so.1.0",
        "usr/local/lib/python3.14/os.py": "os",
        "usr/local/lib/python3.14/gone.py": "gone",
        f"{TRIPLET}/.wh.libold.so.1": "",
    },
    {
        "usr/local/bin/python3": "-> python3.14",
        "usr/local/lib/python3.14/.wh.gone.py": "",
    },
]


def tar(files: dict[str, bytes | str]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.mode = 0o755 if "/bin/" in name else 0o644
            data = content.encode() if isinstance(content, str) else content
            if data.startswith(b"-> "):
                member.type, member.linkname = tarfile.SYMTYPE, data[3:].decode()
                data = b""
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return packed.getvalue()


def archive(
    folder: Path, layers: list[dict[str, str]] = LAYERS, architecture: str = "amd64"
) -> Path:
    names = [f"{index}.tar" for index in range(len(layers))]
    about = [{"Config": "config.json", "RepoTags": [], "Layers": names}]
    file = folder / "image.tar"
    file.write_bytes(
        tar(
            {
                "manifest.json": json.dumps(about),
                "config.json": json.dumps({"architecture": architecture}),
                **{name: tar({**layer}) for name, layer in zip(names, layers, strict=True)},
            }
        )
    )
    return file


def run(image: Path, output: Path) -> int:
    return unpack_runtime.main([f"--image={image}", f"--launcher={LAUNCHER}", f"--output={output}"])


def test_the_folder_has_what_the_interpreter_needs(tmp_path: Path) -> None:
    assert run(archive(tmp_path), tmp_path / "out") == 0
    files = {
        file.relative_to(tmp_path / "out").as_posix(): file
        for file in (tmp_path / "out").rglob("*")
        if not file.is_dir()
    }
    launcher = LAUNCHER.read_text().replace("%loader%", "ld-linux-x86-64.so.2")
    assert {name: file.read_text() for name, file in files.items()} == {
        "lib/ld-linux-x86-64.so.2": "loader",
        "lib/libz.so.1": "zlib",
        "usr/local/bin/python3": launcher,
        "usr/local/bin/python3.14": launcher,
        "usr/local/lib/libpython3.14.so": "libpython",
        "usr/local/lib/libpython3.14.so.1.0": "libpython",
        "usr/local/lib/python3.14/os.py": "os",
        "usr/local/libexec/python": "elf",
    }
    programs = {name for name, file in files.items() if file.stat().st_mode & stat.S_IXUSR}
    assert programs == {name for name in files if "/bin/" in name or "/libexec/" in name}
    assert not any(file.is_symlink() for file in files.values())


@pytest.mark.parametrize(
    ("layers", "architecture", "message"),
    [
        (LAYERS, "arm64", "the image is for arm64; name one for amd64"),
        (LAYERS[:1], "amd64", "the image has 0 CPythons in /usr/local/bin and 1 dynamic linkers"),
        (LAYERS[1:], "amd64", "the image has 1 CPythons in /usr/local/bin and 0 dynamic linkers"),
    ],
)
def test_other_images_are_refused(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    layers: list[dict[str, str]],
    architecture: str,
    message: str,
) -> None:
    assert run(archive(tmp_path, layers, architecture), tmp_path / "out") == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("content", [b"", b"no tar", tar({"manifest.json": "[]"}), tar({"a": "b"})])
def test_what_is_no_image_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes
) -> None:
    file = tmp_path / "image.tar"
    file.write_bytes(content)
    assert run(file, tmp_path / "out") == 2
    assert "is no archive of one image" in capsys.readouterr().err
