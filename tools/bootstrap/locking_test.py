"""--bazelw-lock: the command that it becomes, and where its interpreter is got from."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tools.bootstrap import apt_sources, locking, packages
from tools.bootstrap.common import BootstrapError


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The unpacked packages of a complete copy below the cache `tmp_path`."""
    home = tmp_path / packages.lock_key()
    (home / "root/usr/bin").mkdir(parents=True)
    (home / "complete").write_text("mirror: x\n")
    return home / "root"


def test_the_command_of_what_is_there(root: Path, tmp_path: Path) -> None:
    for name in ("python3", "python3.99", "python3.99-config"):
        (root / "usr/bin" / name).touch()
    words = locking.command(str(tmp_path), "/checkout", ["--keep", "--suite=x"])
    libraries = root / "usr/lib/x86_64-linux-gnu"
    assert words[0] == str(libraries / "ld-linux-x86-64.so.2")
    assert words[words.index("--library-path") + 1] == str(libraries)
    assert words[-4:] == ["/checkout", "--root=/checkout", "--keep", "--suite=x"]
    assert words.count(str(root / "usr/bin/python3.99")) == 2


@pytest.mark.parametrize("names", [[], ["python3.98", "python3.99"]])
def test_packages_of_another_form(root: Path, tmp_path: Path, names: list[str]) -> None:
    for name in names:
        (root / "usr/bin" / name).touch()
    with pytest.raises(BootstrapError, match=rf"has {len(names)} interpreters .*packages\.py"):
        locking.command(str(tmp_path), "/checkout", [])


def test_mirrors_and_keys_are_those_the_program_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEBIAN_MIRROR", "http://c.test/debian")
    monkeypatch.setattr(apt_sources, "host_sources", list)
    words = ["--keep", "--mirror=http://a.test/debian/", "--mirror", "http://b.test/debian"]
    found = locking._mirrors([*words, "--keyring=/k.gpg", "--suite=trixie"])
    assert [mirror.uri for mirror in found] == [
        "http://a.test/debian",
        "http://b.test/debian",
        "http://c.test/debian",
    ]
    assert {mirror.keyring for mirror in found} == {"/k.gpg"}


def test_the_program_needs_what_the_packages_bring() -> None:
    """LOCK_WANTED is an interpreter and PyYAML: nothing else may be imported."""
    code = (
        "import sys; before = set(sys.modules); import tools.packages.debian.lock_debian; "
        "print(*{name.partition('.')[0] for name in set(sys.modules) - before})"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    foreign = set(done.stdout.split()) - set(sys.stdlib_module_names)
    # PyYAML's own extension module brings Cython's names.
    assert {name.strip("_0123456789") for name in foreign} <= {
        "tools",
        "yaml",
        "cython",
        "cython_runtime",
    }
