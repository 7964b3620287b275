"""Reviewing Alpine's scripts: what is shown of a changed one, what is recorded."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from tools.formats.alpine import apk_fixtures as make
from tools.rootfs.alpine import review, tiny_alpine_fixtures
from tools.rootfs.alpine.build import TABLE, build
from tools.rootfs.alpine.effects import EFFECTS
from tools.rootfs.alpine.scripts import load_table
from tools.rootfs.alpine.spec import read_spec
from tools.rootfs.rootfs_error import RootfsError

OLD = b"#!/bin/sh\n# one 1.0\nmkdir -p /one\nrm -f /old\nexit 0\n"
NEW = b"#!/bin/sh\n# one 1.1\nmkdir -p /one\nadduser -S one\nexit 0\n"


def package(folder: Path, script: bytes, name: str = "one") -> Path:
    info = f"pkgname = {name}\npkgver = 1-r0\narch = x86_64"
    data = make.make_apk(info, scripts={"post-install": script, "post-upgrade": b"#!/bin/sh\n"})
    (path,) = tiny_alpine_fixtures.write(folder, [data])
    return path


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """One in which the old script stands for busybox's links."""
    old = package(tmp_path / "old", OLD)
    return tiny_alpine_fixtures.table(tmp_path / "table.toml", [old], {"one": ["busybox_links"]})


def test_a_changed_script_is_shown_as_a_difference(
    tmp_path: Path, table: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    new = package(tmp_path, NEW)
    assert review.main([f"--table={table}", str(new)]) == 1
    shown = capsys.readouterr().out
    body = shown[shown.index("--- reviewed") : shown.index("\n\n")].splitlines()
    assert body[2:] == [
        " #!/bin/sh",
        " mkdir -p /one",
        "-(line 3 of the reviewed code)",
        "+adduser -S one",
        " exit 0",
    ]
    assert "# earlier review: for tests (effects: busybox_links)" in shown


def test_the_command_that_is_shown_records_the_review(
    tmp_path: Path, table: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    new = package(tmp_path, NEW)
    review.main([f"--table={table}", str(new)])
    found = re.search(
        r"\./bazelw run //tools/rootfs/alpine:review -- (.*)", capsys.readouterr().out
    )
    assert found
    assert review.main([f"--table={table}", *shlex.split(found[1])]) == 0
    assert review.main([f"--table={table}", *shlex.split(found[1])]) == 0
    assert "has it already" in capsys.readouterr().out
    old, recorded = load_table(table, EFFECTS)["one", "post-install"]
    assert (recorded.effects, recorded.why) == (old.effects, old.why)
    assert review.main([f"--table={table}", str(new)]) == 0
    # A build takes it.
    layer = tiny_alpine_fixtures.package_set(tmp_path, "one", [new])
    spec = read_spec(tiny_alpine_fixtures.spec(tmp_path, add=[layer]))
    with pytest.raises(RootfsError, match="has no list of busybox's applets"):
        build(spec, table)


def test_a_new_script_is_shown_whole(
    tmp_path: Path, table: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    new = package(tmp_path, NEW, "two")
    assert review.main([f"--table={table}", str(new)]) == 1
    shown = capsys.readouterr().out
    assert "# one 1.1\n" in shown
    assert "# changes something? adduser, mkdir\n" in shown
    words = [f"--table={table}", "--record=two.post-install", str(new)]
    assert review.main(words) == 2
    assert "has no earlier review" in capsys.readouterr().err
    assert review.main([*words, "--effects=magic", "--why=x"]) == 2
    assert "magic: is no effect" in capsys.readouterr().err
    assert review.main([*words, "--effects=", "--why=a user that isn't needed"]) == 0
    assert load_table(table, EFFECTS)["two", "post-install"][0].effects == ()


def test_what_can_not_be_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "x.apk").write_bytes(b"x")
    assert review.main([str(tmp_path / "x.apk")]) == 2
    assert capsys.readouterr().err.startswith("review: ")


def test_every_entry_of_our_own_table_has_the_prints_of_its_lines() -> None:
    rules = load_table(TABLE, EFFECTS)
    assert all(rule.lines for several in rules.values() for rule in several)
