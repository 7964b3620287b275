"""The runner with the real container-structure-test, on an image made for it.

The image's only program is container-structure-test itself: it is static, and always at hand.
"""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from tools.sandbox.testing import (
    add_image,
    layer,
    link,
    member,
    needs_namespaces,
    write_index,
)
from tools.structure_test import run_tests

BINARY = Path(os.environ["STRUCTURE_TEST"]).absolute()
VERSION = {"name": "version", "command": "cst", "args": ["version"]}


@pytest.fixture(scope="module")
def layout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("layout")
    lower = layer(
        member("bin"),
        member("bin/cst", BINARY.read_bytes(), mode=0o755),
        member("etc"),
        member("etc/shadow", b"root:*", mode=0o640, gid=42),
        member("etc/gone", b""),
    )
    upper = layer(member("etc/.wh.gone", b""), link("etc/link", "shadow"))
    config = {"Env": ["PATH=/bin", "COLOUR=blue"], "Cmd": ["cst"]}
    return write_index(path, [add_image(path, [lower, upper], config)])


def run(layout: Path, tmp_path: Path, *more: str, **tests: Any) -> int:
    config = tmp_path / "tests.yaml"  # JSON is YAML
    config.write_text(json.dumps({"schemaVersion": "2.0.0", **tests}))
    return run_tests.main(["--layout", str(layout), "--binary", str(BINARY), *more, str(config)])


def test_files_and_metadata(
    layout: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    files = [
        {"name": "a", "path": "/etc/shadow", "permissions": "-rw-r-----", "uid": 0, "gid": 42},
        {"name": "b", "path": "/etc/gone", "shouldExist": False},
        {"name": "c", "path": "/etc/link", "permissions": "Lrwxrwxrwx"},
        {"name": "d", "path": "/bin", "isExecutableBy": "any"},
    ]
    contents = [{"name": "e", "path": "/etc/shadow", "expectedContents": ["^root"]}]
    metadata = {"envVars": [{"key": "COLOUR", "value": "blue"}], "cmd": ["cst"], "entrypoint": []}
    status = run(
        layout,
        tmp_path,
        fileExistenceTests=files,
        fileContentTests=contents,
        metadataTest=metadata,
    )
    assert "6 passed, 0 failed, 0 skipped" in capfd.readouterr().out
    assert status == 0


@pytest.mark.parametrize(
    "test",
    [
        {"fileExistenceTests": [{"name": "x", "path": "/etc/gone"}]},
        {"fileExistenceTests": [{"name": "x", "path": "/etc/shadow", "gid": 0}]},
        {"fileContentTests": [{"name": "x", "path": "/etc/shadow", "expectedContents": ["no"]}]},
        {"metadataTest": {"cmd": ["other"]}},
        {"commandTests": [{**VERSION, "command": "nope"}]},
        {"commandTests": [{**VERSION, "expectedOutput": ["nope"]}]},
        {"commandTests": [{**VERSION, "exitCode": 3}]},
        {"noSuchTests": []},
        {},
    ],
)
def test_what_is_wrong_fails(layout: Path, tmp_path: Path, test: dict[str, Any]) -> None:
    assert run(layout, tmp_path, **test) == 1


@needs_namespaces
def test_commands_run_in_the_image(
    layout: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    tests = [
        {**VERSION, "expectedOutput": [r"v1\.19"]},
        {**VERSION, "name": "setup", "setup": [["cst", "version"], ["cst", "version"]]},
        # In the image, and nowhere else: only the image has this path.
        {"name": "path", "command": "/bin/cst", "args": ["nope"], "exitCode": 1},
    ]
    assert run(layout, tmp_path, commandTests=tests) == 0
    assert "3 passed, 0 failed, 0 skipped" in capfd.readouterr().out


@needs_namespaces
def test_a_mounted_file_is_seen_and_can_not_be_written(layout: Path, tmp_path: Path) -> None:
    inner = tmp_path / "inner.yaml"
    check = {"name": "x", "path": "/bin/cst"}
    inner.write_text(json.dumps({"schemaVersion": "2.0.0", "fileExistenceTests": [check]}))
    arguments = ["test", "--driver", "host", "--force", "--metadata", "/m/inner.yaml"]
    reads = {"name": "r", "command": "cst", "args": [*arguments, "--config", "/m/inner.yaml"]}
    writes = {**reads, "name": "w", "args": [*reads["args"], "--test-report", "/m/inner.yaml"]}
    mount = f"{inner}:/m/inner.yaml"
    assert run(layout, tmp_path, "--mount", mount, commandTests=[reads]) == 0
    assert run(layout, tmp_path, "--mount", mount, commandTests=[writes]) == 1
    assert "schemaVersion" in inner.read_text()


@needs_namespaces
def test_the_scratch_folder_is_shared_and_nothing_else(layout: Path, tmp_path: Path) -> None:
    inner = ["test", "--driver=host", "--force", "--metadata=/etc/shadow", "--config=/none"]
    for path, status in (("/scratch/made", 0), ("/etc/made", 1)):
        writes = {"name": "w", "command": "cst", "args": [*inner, f"--test-report={path}"]}
        check = {"schemaVersion": "2.0.0", "fileExistenceTests": [{"name": "x", "path": path}]}
        (tmp_path / "look.yaml").write_text(json.dumps(check))
        reads = {"name": "r", "command": "cst", "args": [*inner[:-1], "--config=/look.yaml"]}
        mounts = ["--mount", f"{tmp_path / 'look.yaml'}:/look.yaml", "--scratch", "/scratch"]
        tests = [{**writes, "exitCode": 1}, reads]
        assert run(layout, tmp_path, *mounts, commandTests=tests) == status


def test_a_foreign_image_without_emulator_is_skipped(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """The summary says so, and it is a failure where skipping is not allowed."""
    layout = tmp_path / "foreign"
    layout.mkdir()
    program = bytearray(BINARY.read_bytes()[:4096])
    program[18:20] = (0x16).to_bytes(2, "little")  # no machine in this world
    raw = layer(member("cst", bytes(program), mode=0o755))
    write_index(layout, [add_image(layout, [raw], {"Env": ["PATH=/"]}, "s390x")])
    tests = {"commandTests": [VERSION], "fileExistenceTests": [{"name": "f", "path": "/cst"}]}
    assert run(layout, tmp_path, **tests) == 0
    assert "1 passed, 0 failed, 1 skipped\nSKIPPED 1 of 2 tests: " in capfd.readouterr().out
    assert run(layout, tmp_path, "--no-skips", **tests) == 1


def test_nothing_ran_is_a_failure(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A foreign image without an emulator, all of whose tests are commands."""
    layout = tmp_path / "foreign"
    layout.mkdir()
    write_index(layout, [add_image(layout, [layer(member("cst", b"x", mode=0o755))], {}, "s390x")])
    assert run(layout, tmp_path, commandTests=[VERSION]) == 1
    shown = capfd.readouterr()
    assert "0 passed, 0 failed, 1 skipped\nSKIPPED 1 of 1 tests: " in shown.out
    assert "nothing ran" in shown.err


@pytest.mark.parametrize(
    "text", ["", "schemaVersion: 2.0.0", "schemaVersion: 2.0.0\ncommandTests: []\nmetadataTest: {}"]
)
def test_a_file_without_a_test_is_an_error(
    layout: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], text: str
) -> None:
    """Also beside one that has some."""
    empty = tmp_path / "empty.yaml"
    empty.write_text(text)
    assert run(layout, tmp_path, str(empty), metadataTest={"cmd": ["cst"]}) == 1
    assert "empty.yaml: the file has no test; add one under commandTests" in capfd.readouterr().err


def test_a_placeholder_left_over_is_an_error(
    layout: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(layout, tmp_path, fileExistenceTests=[{"name": "{{NAME}}", "path": "/bin"}]) == 1
    assert "tests.yaml: nothing was substituted for {{NAME}}" in capfd.readouterr().err


def test_nothing_is_left_behind(
    layout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.setenv("TEST_TMPDIR", str(work))
    run(layout, tmp_path, commandTests=[VERSION])
    assert not list(work.iterdir())


def test_a_broken_layout_is_one_line(
    layout: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(layout, broken)
    next((broken / "blobs/sha256").iterdir()).write_bytes(b"x")
    assert run(broken, tmp_path, commandTests=[VERSION]) == 1
    error = capfd.readouterr().err
    assert error.startswith("error: ")
    assert len(error.splitlines()) == 1
