"""Structure tests of images on Windows, with the real container-structure-test, and wine if there.

What runs is wine's own cmd.exe; the image has a file and nothing else.
"""

from __future__ import annotations

import io
import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from tools.sandbox.rootfs import RootfsError
from tools.sandbox.testing import layer, member
from tools.structure_test import run_tests
from tools.structure_test.on_windows import DriveC
from tools.windows.windows_fixtures import make_image_of

BINARY = Path(os.environ["STRUCTURE_TEST"]).absolute()
needs_wine = pytest.mark.skipif(not shutil.which("wine"), reason="SKIPPED: wine is not installed")


def command(name: str, line: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "command": "cmd", "args": ["/c", line], **more}


@pytest.fixture(scope="module")
def layout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    files = {"Python/Hello.txt": b"hello\r\n", "Python/Scripts/greet.bat": b"@echo greetings\r\n"}
    return make_image_of(tmp_path_factory.mktemp("image"), files)


def run(layout: Path, folder: Path, *options: str, **tests: Any) -> int:
    config = folder / "tests.yaml"  # JSON is YAML
    config.write_text(json.dumps({"schemaVersion": "2.0.0", **tests}))
    return run_tests.main(["--layout", str(layout), "--binary", str(BINARY), *options, str(config)])


def test_files_and_metadata(
    layout: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    files = [
        {"name": "as spelled", "path": "C:/Python/Hello.txt"},
        {"name": "in other case", "path": "/python/HELLO.TXT"},
        {"name": "a folder", "path": "C:/Python"},
        {"name": "nothing", "path": "C:/Python/python.exe", "shouldExist": False},
        {"name": "no root of the layer's", "path": "/Files/Python", "shouldExist": False},
    ]
    contents = [{"name": "text", "path": "C:/Python/Hello.txt", "expectedContents": ["^hello"]}]
    metadata = {"envVars": [{"key": "PYTHON_VERSION", "value": "3.14.7"}], "cmd": ["python"]}
    status = run(
        layout,
        tmp_path,
        "--platform=windows/amd64",
        fileExistenceTests=files,
        fileContentTests=contents,
        metadataTest=metadata,
    )
    assert "7 passed, 0 failed, 0 skipped" in capfd.readouterr().out
    assert status == 0


@pytest.mark.parametrize(
    "test",
    [
        {"fileExistenceTests": [{"name": "x", "path": "C:/Python/gone"}]},
        {
            "fileContentTests": [
                {"name": "x", "path": "/Python/Hello.txt", "expectedContents": ["no"]}
            ]
        },
        {"metadataTest": {"cmd": ["other"]}},
        {
            "fileExistenceTests": [{"name": "y", "path": "/Python"}],
            "commandTests": [{**command("x", "echo hi"), "containerRunOptions": {"user": "me"}}],
        },
    ],
)
def test_what_fails(layout: Path, tmp_path: Path, test: dict[str, Any]) -> None:
    assert run(layout, tmp_path, **test) == 1


def test_without_wine(
    layout: Path,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("STRUCTURE_TEST_NO_SKIPS", raising=False)
    tests = {
        "fileExistenceTests": [{"name": "y", "path": "/Python"}],
        "commandTests": [command("x", "echo hi")],
    }
    assert run(layout, tmp_path, **tests) == 0
    assert "SKIPPED 1 of 2 tests: wine is not installed here" in capfd.readouterr().out
    assert run(layout, tmp_path, "--no-skips", **tests) == 1


@needs_wine
def test_commands(layout: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    tests = [
        command("output", "echo hi", expectedOutput=["^hi\r\n$"]),
        command("status", "exit 7", exitCode=7),
        command("variable", "echo %PYTHON_VERSION%", expectedOutput=["3\\.14\\.7"]),
        command("path", "greet", expectedOutput=["greetings"]),
        command("file", "type C:\\Python\\hello.txt", expectedOutput=["hello"]),
        command("folder", "cd", expectedOutput=["(?i)^c:\\\\\r\n"]),
        command("own folder", "cd C:\\Python && mkdir made"),
        command("another's is gone", "if exist C:\\Python\\made exit 3"),
        command("the machine's files", "if exist Z:\\etc exit 4"),
        command(
            "setup",
            "type C:\\Python\\made.txt",
            setup=[["cmd", "/c", "echo kept> C:\\Python\\made.txt"]],
            expectedOutput=["kept"],
        ),
        command("errors", "echo oops>&2", expectedError=["oops"]),
    ]
    shown = tmp_path / "shown.txt"
    shown.write_text("look")
    tests.append(command("mount", "type \\shown\\a.txt", expectedOutput=["look"]))
    status = run(layout, tmp_path, f"--mount={shown}:/shown/a.txt", commandTests=tests)
    said = capfd.readouterr().out
    assert f"{len(tests)} passed, 0 failed, 0 skipped" in said, said
    assert status == 0


@needs_wine
def test_limits(layout: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    endless = command("endless", "for /l %i in (0,0,1) do rem")
    assert run(layout, tmp_path, "--command-seconds=5", commandTests=[endless]) == 1
    assert "ran for more than 5 seconds" in capfd.readouterr().out
    loud = command(
        "loud", "for /l %i in (1,1,30000) do @echo 0123456789012345678901234567890123456789"
    )
    assert run(layout, tmp_path, "--output-mib=1", commandTests=[loud]) == 1
    assert "wrote more than 1 MiB to stdout" in capfd.readouterr().out


def test_a_drive_has_what_is_below_files(tmp_path: Path) -> None:
    drive = DriveC(tmp_path / "c")
    packed = layer(
        member("Files"),
        member("Files/Python"),
        member("Files/Python/A.txt", b"a"),
        member("Hives"),
        member("Hives/System_Delta", b"x"),
    )
    drive.apply(io.BytesIO(packed), "layer")
    drive.finish()
    assert sorted(drive.headers) == ["/", "/Python", "/Python/A.txt"]
    for name in ("/python/a.TXT", "C:\\Python\\A.txt", "c:/Python/./A.txt", "Python/A.txt"):
        assert drive.resolve(name, follow_last=True) == "/Python/A.txt"


def test_a_layer_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(RootfsError, match="layer x"):
        DriveC(tmp_path / "c").apply(io.BytesIO(b"x" * 600), "x")
