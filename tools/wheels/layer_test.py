"""Wheels as layers: where their files go, and that pip takes them for installed."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import time
import zipfile
from pathlib import Path

import pytest

from tools.wheels import layer
from tools.wheels.install import WheelError, install
from tools.wheels.wheel_fixtures import FILES, INFO, recorded, wheel


def test_files_go_where_pip_would_put_them(tmp_path: Path) -> None:
    source = wheel(tmp_path / "greet-1.0-py3-none-any.whl", FILES)
    layer.write([source], "3.13", tmp_path / "a.tar")
    layer.write([source], "3.13", tmp_path / "b.tar")
    assert (tmp_path / "a.tar").read_bytes() == (tmp_path / "b.tar").read_bytes()
    with tarfile.open(tmp_path / "a.tar") as tar:
        modes = {info.name: info.mode for info in tar if info.isfile()}
        folders = {info.name for info in tar if info.isdir()}
        assert {(info.uid, info.gid, info.mtime) for info in tar} == {(0, 0, layer.EPOCH)}
    site = "usr/local/lib/python3.13/site-packages"
    assert {path for path, mode in modes.items() if mode == 0o755} == {
        "usr/local/bin/greet",
        "usr/local/bin/greet-old",
    }
    assert f"{site}/greet/data/words.txt" in modes
    assert "usr/local/share/greet.txt" in modes
    # The image's own folders are not named: their modes stay.
    assert folders == {
        f"{site}/greet",
        f"{site}/greet/data",
        f"{site}/{INFO}",
        "usr/local/share",
    }


def test_pip_takes_it_for_installed(tmp_path: Path) -> None:
    source = wheel(tmp_path / "greet-1.0-py3-none-any.whl", FILES)
    layer.write([source], "3.13", tmp_path / "a.tar")
    with tarfile.open(tmp_path / "a.tar") as tar:
        tar.extractall(tmp_path / "root", filter="data")
    code = (
        "import importlib.metadata as m; d = m.distribution('greet');"
        "assert d.version == '1.0' and d.read_text('INSTALLER') == 'bazel\\n';"
        "assert all(f.locate().is_file() for f in d.files), d.files;"
        "e, = d.entry_points; e.load()()"
    )
    site = tmp_path / "root/usr/local/lib/python3.13/site-packages"
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(site)!r}); {code}"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("hello\n", "")
    script = (tmp_path / "root/usr/local/bin/greet").read_text()
    assert script.startswith("#!/usr/local/bin/python3.13\n")
    assert (tmp_path / "root/usr/local/bin/greet-old").read_text().startswith("#!/usr/local/bin/py")


def script(line: str) -> dict[str, str]:
    return {f"{INFO}/entry_points.txt": f"[console_scripts]\n{line}\n"}


def test_headers_go_where_pip_puts_them(tmp_path: Path) -> None:
    files = FILES | {"greet-1.0.data/headers/greet.h": "// x"}
    layer.write([wheel(tmp_path / "greet.whl", files)], "3.13", tmp_path / "a.tar")
    with tarfile.open(tmp_path / "a.tar") as tar:
        names = tar.getnames()
    assert "usr/local/include/python3.13/greet/greet.h" in names
    # The image's own folder is not named.
    assert "usr/local/include/python3.13/greet" in names
    assert "usr/local/include/python3.13" not in names


@pytest.mark.parametrize("zone", ["UTC+12", "UTC", "UTC-14"])
def test_a_zip_can_say_the_time_in_every_zone(zone: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    assert zipfile.ZipInfo("x", time.localtime(layer.EPOCH)[:6]).date_time[0] == 1980
    monkeypatch.undo()
    time.tzset()


# First lines of scripts, and what else pip looks at.
SCRIPTS = {
    "plain": "#!python\nprint(1)\n",
    "graphical": "#!pythonw -E\nprint(1)\n",
    "versioned": "#!python3\nprint(1)\n",
    "crlf": "#!python\r\nprint(1)\r\n",
    "bare": "#!python",
    "foreign": "#!/usr/bin/env python\nprint(1)\n",
    "shell": "#!/bin/sh\necho '#!python'\n",
    "empty": "",
}
POINTS = """\
[console_scripts]
plain-point = greet:main
extras = greet.cli:Program.main [colour, speed]
Case_Sensitive.name = greet:main
[gui_scripts]
window = greet:main
[greet.plugins]
%(odd)s = not:a:script
"""


def test_scripts_are_as_pip_has_them(tmp_path: Path) -> None:
    files = {f"greet-1.0.data/scripts/{name}": text for name, text in SCRIPTS.items()}
    files = {k: v for k, v in FILES.items() if "scripts" not in k} | files
    source = wheel(
        tmp_path / "greet-1.0-py3-none-any.whl", files | {f"{INFO}/entry_points.txt": POINTS}
    )
    program = os.environ.get("PIP")
    command = [sys.executable, f"{program}/pip"] if program else [sys.executable, "-m", "pip"]
    options = ("--no-index", "--no-deps", "--no-compile", "--ignore-installed", "--isolated")
    subprocess.run(
        [*command, "install", *options, f"--prefix={tmp_path / 'pip'}", source],
        check=True,
        capture_output=True,
    )
    by_pip = {path.name: path.read_bytes() for path in tmp_path.glob("pip/**/bin/*")}
    ours = install(source, "3.13")
    prefix = "usr/local/bin/"
    scripts = {path.removeprefix(prefix): ours[path] for path in ours if path.startswith(prefix)}
    assert scripts.keys() == by_pip.keys() > SCRIPTS.keys()
    assert {mode for _, mode in scripts.values()} == {0o755}
    here, there = sys.executable.encode(), b"/usr/local/bin/python3.13"
    for name, data in by_pip.items():
        if name in SCRIPTS:
            assert scripts[name][0] == data.replace(here, there)
            continue
        # pip has the shell find an interpreter whose path is too long for a first line.
        assert here in data.partition(b"import")[0]
        first, *rest = scripts[name][0].splitlines()
        assert first == b"#!" + there
        imported = [line for line in data.splitlines() if line.startswith(b"from ")]
        assert [line for line in rest if line.startswith(b"from ")] == imported


def test_links_and_encryption_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "greet.whl"
    with zipfile.ZipFile(path, "w") as archive:
        link = zipfile.ZipInfo("link")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(WheelError, match="'link' is neither file nor directory"):
        install(path, "3.13")
    wheel(path, FILES)
    data = path.read_bytes()
    at = data.index(b"PK\x01\x02")
    path.write_bytes(data[: at + 8] + b"\x01" + data[at + 9 :])
    with pytest.raises(WheelError, match="is encrypted"):
        install(path, "3.13")


@pytest.mark.parametrize(
    ("files", "why"),
    [
        ({"a.py": ""}, "not a wheel, it has 0 .dist-info folders"),
        (FILES | {"b-1.dist-info/METADATA": ""}, "not a wheel, it has 2 .dist-info folders"),
        (FILES | {"../evil.py": ""}, "'../evil.py' is outside of the tree"),
        (FILES | {"/etc/x": ""}, "'/etc/x' is outside of the tree"),
        (FILES | {"a\nb": ""}, "has a control character"),
        (FILES | {"a": "", "a/b": ""}, "'a/b' lies below 'a', a file"),
        (FILES | {"greet-1.0.data/other/x.h": ""}, "x.h' has no place in an image"),
        (FILES | {"greet-1.0.data/x": ""}, "x' has no place in an image"),
        (FILES | {"greet-1.0.data/scripts": ""}, "'greet-1.0.data/scripts' is a file, and"),
        (
            {k: v for k, v in FILES.items() if ".data/" not in k} | {"greet-1.0.data": ""},
            "the member 'greet-1.0.data' has no place in an image",
        ),
        (
            {k: v for k, v in FILES.items() if ".data/" not in k} | {"greet-1.0.data/data": ""},
            "the member 'greet-1.0.data/data' has no place in an image",
        ),
        (FILES | {"other.data/data/x": ""}, "it has 2 .data folders"),
        ({k: v for k, v in FILES.items() if "WHEEL" not in k}, "it has no WHEEL"),
        (FILES | {f"{INFO}/WHEEL": "Wheel-Version: 2.0\n"}, "Incompatible Wheel-Version 2.0"),
        (FILES | script("greet = greet main"), "greet = greet main' is not understood"),
        (FILES | script("greet = import:class"), "'import' is no name in Python"),
        (FILES | script("greet = a..b:c"), "'' is no name in Python"),
        (FILES | script(".. = greet:main"), "a file that can't be called '..'"),
        (FILES | script("../x = greet:main"), "a file that can't be called '../x'"),
        (FILES | script("x = greet:main\nx = greet:main"), "option 'x'"),
        (FILES | script("python3 = greet:main"), "/usr/local/bin/python3 is the image's own"),
        (FILES | script("pip3.13 = greet:main"), "/usr/local/bin/pip3.13 is the image's own"),
        (FILES | script("greet-old = greet:main"), "two files for /usr/local/bin/greet-old"),
        (FILES | {f"{INFO}/entry_points.txt": "greet"}, "entry_points.txt: File contains no"),
        (FILES | {"greet-1.0.data/scripts/python": ""}, "bin/python is the image's own"),
        (FILES | {"greet-1.0.data/data/bin/python3.13": ""}, "bin/python3.13 is the image's own"),
        (FILES | {"greet-1.0.data/data/lib/python3.13/os.py": ""}, "os.py is the image's own"),
        (FILES | {"greet-1.0.data/data/lib/libpython3.13.so.1.0": ""}, "is the image's own"),
        (
            FILES | {"greet-1.0.data/data/include/python3.13/Python.h": ""},
            "/usr/local/include/python3.13/Python.h is the image's own",
        ),
        (FILES | {"greet-1.0.data/purelib/greet/__init__.py": "x"}, "two files for /usr/local"),
        ({k: v for k, v in FILES.items() if "RECORD" not in k}, "it has no RECORD"),
        ({k: v for k, v in FILES.items() if "METADATA" not in k}, "it has no METADATA"),
        (FILES | {f"{INFO}/METADATA": "Name: other\nVersion: 1.0\n"}, "METADATA is of 'other'"),
        (FILES | {f"{INFO}/METADATA": "Name: ../x\nVersion: 1.0\n"}, "no name of a distribution"),
        (FILES | {f"{INFO}/RECORD": "greet/__init__.py,,\n"}, "RECORD has no digest of"),
        (FILES | {f"{INFO}/RECORD": "x,sha256=x,1\n"}, "RECORD has 'x', which the wheel has not"),
        (FILES | {f"{INFO}/RECORD": "x\n"}, "RECORD can't be read: Row Index 0: expected 3"),
        (FILES | {f"{INFO}/RECORD": "x,,\nx,,\n"}, "RECORD has 'x' twice"),
        (FILES | {f"{INFO}/RECORD": "x,md5,\n"}, "RECORD can't be read: `hash` does not follow"),
        (FILES | {f"{INFO}/RECORD": '"x'}, "RECORD can't be read"),
        (
            FILES
            | {
                f"{INFO}/RECORD": recorded(FILES)[f"{INFO}/RECORD"],
                "greet/data/words.txt": "another",
            },
            "'greet/data/words.txt' isn't as RECORD says",
        ),
        (
            FILES | {f"{INFO}/RECORD": recorded(FILES)[f"{INFO}/RECORD"], "greet/b.py": ""},
            "RECORD doesn't list the member 'greet/b.py'",
        ),
    ],
)
def test_wrong_wheels(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], files: dict[str, str], why: str
) -> None:
    source = wheel(tmp_path / "greet-1.0-py3-none-any.whl", files)
    assert layer.main(["--python=3.13", f"--output={tmp_path / 'x'}", str(source)]) == 1
    assert why in capsys.readouterr().err


def test_two_wheels_with_one_file(tmp_path: Path) -> None:
    one = wheel(tmp_path / "greet-1.0-py3-none-any.whl", FILES)
    other = {
        "greet/__init__.py": "",
        "x-1.dist-info/METADATA": "Name: x\nVersion: 1\n",
        "x-1.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\n",
        "x-1.dist-info/RECORD": "",
    }
    two = wheel(tmp_path / "x-1-py3-none-any.whl", other)
    why = r"greet-1\.0-py3-none-any\.whl and x-1-py3-none-any\.whl have different files for /usr/.*"
    with pytest.raises(WheelError, match=why + "give each a wheel_layer"):
        layer.write([one, two], "3.13", tmp_path / "x.tar")
    # The same file is the same.
    two = wheel(two, other | {"greet/__init__.py": FILES["greet/__init__.py"]})
    layer.write([one, two], "3.13", tmp_path / "x.tar")


def test_a_file_of_one_wheel_below_one_of_another(tmp_path: Path) -> None:
    one = wheel(tmp_path / "greet-1.0-py3-none-any.whl", FILES | {"a": ""})
    other = {
        "a/b": "",
        "x-1.dist-info/METADATA": "Name: x\nVersion: 1\n",
        "x-1.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\n",
        "x-1.dist-info/RECORD": "",
    }
    two = wheel(tmp_path / "x-1-py3-none-any.whl", other)
    with pytest.raises(WheelError, match=r"lies below '[^']*/a', a file"):
        layer.write([one, two], "3.13", tmp_path / "x.tar")


def test_wheels_for_another_image_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "a.tar"
    options = ["--python=3.13", "--platform=arm64", "--libc=glibc 2.36", f"--output={out}"]
    for tags, fits in [
        ("py3-none-any", True),
        ("cp313-cp313-manylinux_2_28_aarch64", True),
        ("cp39-abi3-manylinux2014_aarch64", True),
        ("cp313-cp313-manylinux_2_28_x86_64", False),
        ("cp313-cp313-manylinux_2_38_aarch64", False),
        ("cp314-cp314-manylinux_2_28_aarch64", False),
        ("cp313-cp313-musllinux_1_2_aarch64", False),
    ]:
        source = wheel(tmp_path / f"greet-1.0-{tags}.whl", FILES)
        assert layer.main([*options, str(source)]) == (0 if fits else 1)
        if not fits:
            said = capsys.readouterr().err
            assert (
                f"greet-1.0-{tags}.whl is for {tags}, and the image is arm64, Python 3.13" in said
            )
    source = wheel(tmp_path / "greet.whl", FILES)
    assert layer.main([*options, str(source)]) == 1
    assert "Invalid wheel filename" in capsys.readouterr().err


def test_a_free_threaded_python(tmp_path: Path) -> None:
    source = wheel(tmp_path / "greet-1.0-py3-none-any.whl", FILES)
    options = ["--python=3.14t", "--platform=amd64", "--libc=musl 1.2"]
    assert layer.main([*options, f"--output={tmp_path / 'a.tar'}", str(source)]) == 0
    with tarfile.open(tmp_path / "a.tar") as tar:
        assert "usr/local/lib/python3.14t/site-packages/greet/__init__.py" in tar.getnames()
        script = tar.extractfile("usr/local/bin/greet")
        assert script
        assert script.readline() == b"#!/usr/local/bin/python3.14t\n"


def test_an_application_that_needs_nothing(tmp_path: Path) -> None:
    assert layer.main(["--python=3.13", f"--output={tmp_path / 'a.tar'}"]) == 0
    with tarfile.open(tmp_path / "a.tar") as tar:
        assert not tar.getnames()
