"""Showing scripts as they're reviewed, what is different in them, and recording reviews."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tools.rootfs.debian import review, reviewed, tiny_debian_fixtures
from tools.rootfs.debian.effects import EFFECTS
from tools.rootfs.debian.program import TABLES
from tools.rootfs.debian.scripts import load_table, scripts_of

SYSTEMD = (
    "# Automatically added by dh_installsystemd/13.0\n"
    "deb-systemd-helper unmask 'a.timer' >/dev/null || true\n"
    "if deb-systemd-helper --quiet was-enabled 'a.timer'; then\n"
    "\tdeb-systemd-helper enable 'a.timer' >/dev/null || true\n"
    "else\n"
    "\tdeb-systemd-helper update-state 'a.timer' >/dev/null || true\n"
    "fi\n"
    "# End automatically added section\n"
)
OLD = "set -e\ncase $1 in\n    configure) ln -s a /etc/b ;;\nesac\n"


class Folder:
    """Tables and texts of a suite called tiny, and how the program is called with them."""

    def __init__(self, top: Path) -> None:
        self.top = top
        self.tables, self.texts = top / "tables", top / "texts"
        self.tables.mkdir()
        self.table = self.tables / "tiny.toml"

    def deb(self, name: str, **scripts: str) -> Path:
        return tiny_debian_fixtures.deb(self.top, name, scripts=scripts)

    def run(self, deb: Path, *options: str) -> int:
        where = ["--tables", str(self.tables), "--texts", str(self.texts)]
        return review.main(["--suite", "tiny", "--arch", "amd64", *where, *options, str(deb)])


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def test_a_new_script(folder: Folder, capsys: pytest.CaptureFixture[str]) -> None:
    deb = folder.deb("lib++", postinst=f"{SYSTEMD}ln -s a /etc/b\n")
    assert folder.run(deb) == 1
    shown = capsys.readouterr()
    assert "ln -s a /etc/b" in shown.out
    assert "# changes something? ln" in shown.out
    assert "# enables: a.timer" in shown.out
    assert (
        "./bazelw run //tools/rootfs:review -- --record lib++.postinst --effects= --why='...' "
        f"--suite tiny --arch amd64 {deb}"
    ) in shown.out
    # Without an effect and a reason there's nothing to record.
    assert folder.run(deb, "--record", "lib++.postinst") == 2
    assert "Give --effects=NAME,... and --why=TEXT" in capsys.readouterr().err
    assert not folder.table.exists()
    assert folder.run(deb, "--record=lib++.postinst", "--effects=", "--why=a link") == 0
    assert folder.run(deb) == 0
    assert folder.run(deb, "--all") == 0
    assert "earlier review: a link (effects: none)" in capsys.readouterr().out


def test_a_changed_script_shows_what_is_different(
    folder: Folder, capsys: pytest.CaptureFixture[str]
) -> None:
    deb = folder.deb("a", postinst=OLD)
    assert folder.run(deb, "--record=a.postinst", "--effects=ldconfig", "--why=a link") == 0
    # One that is less like it, of another architecture.
    other = folder.deb("a", postinst="echo something else\n")
    assert folder.run(other, "--record=a.postinst", "--effects=", "--why=speaks") == 0
    deb = folder.deb("a", postinst=OLD.replace("/etc/b", "/etc/c"))
    capsys.readouterr()
    assert folder.run(deb) == 1
    shown = capsys.readouterr().out
    assert "\n-    configure) ln -s a /etc/b ;;\n+    configure) ln -s a /etc/c ;;\n" in shown
    assert "something else" not in shown
    assert "# earlier review: a link (effects: ldconfig)" in shown
    # The command that is printed records it, with what the nearest review says.
    (line,) = re.findall(r"^\./bazelw run //tools/rootfs:review -- (.*)$", shown, re.MULTILINE)
    words = shlex.split(line)
    where = ["--tables", str(folder.tables), "--texts", str(folder.texts)]
    assert review.main([*where, *words]) == 0
    assert folder.run(deb) == 0
    rules = load_table(folder.table, EFFECTS).rules["a", "postinst"]
    assert [rule.effects for rule in rules] == [("ldconfig",), (), ("ldconfig",)]


def test_reviews_of_another_workspace_are_recorded_in_its_table(
    folder: Folder, capsys: pytest.CaptureFixture[str]
) -> None:
    deb = folder.deb("a", postinst=OLD)
    own = folder.top / "scripts.toml"
    own.write_text("# Acme's reviews.\n")
    table = f"--table={own}"
    assert folder.run(deb, table) == 1
    shown = capsys.readouterr().out
    assert (
        f"--record a.postinst --effects= --why='...' --suite tiny --arch amd64 --table {own} "
        in shown
    )
    assert folder.run(deb, table, "--record=a.postinst", "--effects=ldconfig", "--why=a link") == 0
    assert not folder.table.exists()
    assert not folder.texts.exists()
    assert own.read_text().startswith("# Acme's reviews.\n\n[[a.postinst]]\n")
    assert folder.run(deb, table) == 0
    assert folder.run(deb) == 1


def test_recording_keeps_what_the_table_has(folder: Folder) -> None:
    """Comments, diversions and order: an entry goes where it belongs."""
    deb = folder.deb("m", preinst="rm /etc/m\n")
    (script,) = scripts_of(tiny_debian_fixtures.package(deb), tiny_debian_fixtures.AMD64)
    before = (
        "# About this table.\n\n"
        '[[b.postinst]] # amd64\nsha256 = "' + "1" * 64 + '"\neffects = []\nwhy = "x"\n\n'
        '[["z++".config]]\nsha256 = "' + "2" * 64 + '"\neffects = ["divert"]\n'
        'diversions = [\n    ["/a", "/b"],\n]\nwhy = "y"\n'
    )
    folder.table.write_text(before)
    assert folder.run(deb, "--record=m.preinst", "--effects=", "--why=removes it") == 0
    made = review.entry(script, (), "removes it")
    assert folder.table.read_text() == before.replace('[["z++"', made + '\n[["z++"')
    # Another text of z++'s takes its diversions over.
    deb = folder.deb("z++", config="divert\n")
    assert folder.run(deb, "--record=z++.config") == 0
    last = load_table(folder.table, EFFECTS).rules["z++", "config"][1]
    assert last.diversions == (("/a", "/b"),)
    assert folder.run(deb, "--record=z++.config") == 0  # it's there already
    assert folder.table.read_text().count("z++") == 2


def test_what_can_not_be_recorded(folder: Folder, capsys: pytest.CaptureFixture[str]) -> None:
    deb = folder.deb("a", postinst="true\n")
    assert folder.run(deb, "--record=a.preinst", "--effects=", "--why=x") == 2
    assert "a.preinst: is no script of these packages\n  They have: a.postinst" in (
        capsys.readouterr().err
    )
    assert folder.run(deb, "--record=a.postinst", "--effects=nonsense", "--why=x") == 2
    assert "nonsense: is no effect" in capsys.readouterr().err
    assert not folder.table.exists()


def test_only_a_checkout_is_written_to(
    folder: Folder, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BUILD_WORKSPACE_DIRECTORY", str(folder.top))
    deb = folder.deb("a", postinst="true\n")
    options = ["--suite=tiny", "--arch=amd64", "--record=a.postinst", "--effects=", "--why=x"]
    assert review.main([*options, str(deb)]) == 2
    assert "in a checkout of it" in capsys.readouterr().err


def test_a_damaged_text_does_not_count(folder: Folder) -> None:
    deb = folder.deb("a", postinst=OLD)
    (script,) = scripts_of(tiny_debian_fixtures.package(deb), tiny_debian_fixtures.AMD64)
    path = reviewed.write(folder.texts, script)
    assert reviewed.nearest(folder.texts, script) == reviewed.ReviewedText(script.sha256, OLD)
    path.write_text(OLD + "rm -rf /\n")
    assert reviewed.nearest(folder.texts, script) is None


def test_every_review_has_its_text() -> None:
    kept = {path.name for path in reviewed.TEXTS.iterdir()}
    wanted = {
        reviewed.file_name(package, script, rule.sha256)
        for path in TABLES.glob("*.toml")
        for (package, script), rules in load_table(path, EFFECTS).rules.items()
        for rule in rules
    }
    assert wanted - kept == set(), "./bazelw run //tools/rootfs:review -- --record … writes them"
    assert kept - wanted == set(), "texts of no review: remove them"
    for name in kept:
        package, script, _ = name.rsplit(".", 2)
        assert name in {
            reviewed.file_name(package, script, text.sha256)
            for text in reviewed.texts_of(reviewed.TEXTS, package, script)
        }, f"{name} isn't the text that was reviewed"


def test_review_runs_as_a_program(tmp_path: Path) -> None:
    path = tiny_debian_fixtures.deb(tmp_path, "a")
    command = [sys.executable, "-m", "tools.rootfs.debian.review", "--suite", "bookworm"]
    done = subprocess.run(
        [*command, "--arch", "vax", str(path)],
        capture_output=True,
        text=True,
        env={"PYTHONPATH": ":".join(sys.path)},
    )
    assert done.returncode == 2
    assert "architecture 'vax'" in done.stderr
