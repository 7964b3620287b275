"""Tests of tools/wheels/lock_wheels.py and unpack.py."""

import zipfile
from pathlib import Path
from typing import Any

import pytest

from tools.wheels import lock_wheels, unpack


def installed(name: str, url: str) -> dict[str, Any]:
    return {
        "metadata": {"name": name, "version": "1.0"},
        "download_info": {"url": url, "archive_info": {"hashes": {"sha256": "ab" * 32}}},
    }


def test_lines_are_sorted_and_named_as_pip_normalises() -> None:
    report = {"install": [installed("Zed", "z.whl"), installed("A_b", "a.whl")]}
    report["install"].append(installed("ruamel.yaml", "ruamel.yaml.whl"))
    assert lock_wheels.lock_lines(report) == [
        f"a-b==1.0 --hash=sha256:{'ab' * 32}",
        f"ruamel-yaml==1.0 --hash=sha256:{'ab' * 32}",
        f"zed==1.0 --hash=sha256:{'ab' * 32}",
    ]


def test_a_source_distribution_is_refused() -> None:
    with pytest.raises(SystemExit, match=r"zed 1\.0: no wheel"):
        lock_wheels.lock_lines({"install": [installed("zed", "zed.tar.gz")]})


def test_wheels_of_the_lock_beside_are_left_out(tmp_path: Path) -> None:
    beside = tmp_path / "requirements.lock"
    beside.write_text(f"# A comment.\na-b==2.0 --hash=sha256:{'cd' * 32}\n")
    assert lock_wheels.pins(beside) == {"a-b": "a-b==2.0"}
    report = {"install": [installed("zed", "z.whl"), installed("a.b", "a.whl")]}
    lines = lock_wheels.without(lock_wheels.lock_lines(report), lock_wheels.pins(beside))
    assert lines == [f"zed==1.0 --hash=sha256:{'ab' * 32}"]


def test_no_wheel_is_in_both_of_the_locks_that_programs_import_from() -> None:
    """A program that depends on both would import whichever comes first."""
    # The working folder is the runfiles tree's.
    rules, tests = (
        lock_wheels.pins(Path("third_party", folder, "requirements.lock"))
        for folder in ("wheels", "dev_wheels")
    )
    assert rules and tests
    assert not rules.keys() & tests.keys()


def test_an_unchanged_lock_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "requirements.lock"
    assert lock_wheels.write_lock(path, ["a==1"])
    before = path.stat().st_mtime_ns
    assert not lock_wheels.write_lock(path, ["a==1"])
    assert path.stat().st_mtime_ns == before


def make_wheel(path: Path, members: dict[str, str]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    return path


def test_scripts_become_bin_and_data_is_dropped(tmp_path: Path) -> None:
    wheel = make_wheel(
        tmp_path / "Foo_bar-1-py3-none-any.whl",
        {
            "foo/__init__.py": "x = 1",
            "foo_bar-1.data/scripts/foo": "#!",
            "foo_bar-1.data/data/share/doc": "",
        },
    )
    unpack.unpack(wheel, tmp_path / "site")
    found = sorted(p.relative_to(tmp_path / "site") for p in (tmp_path / "site").rglob("*"))
    assert [str(p) for p in found if not (tmp_path / "site" / p).is_dir()] == [
        "foo-bar/bin/foo",
        "foo-bar/foo/__init__.py",
    ]
    assert (tmp_path / "site/foo-bar/bin/foo").stat().st_mode & 0o111


def test_a_member_that_leaves_the_folder_is_refused(tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path / "evil-1-py3-none-any.whl", {"../../evil.py": ""})
    with pytest.raises(SystemExit, match="leaves the wheel's folder"):
        unpack.unpack(wheel, tmp_path / "site")
    assert not (tmp_path / "evil.py").exists()
