from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tools.rootfs import fixtures, review
from tools.rootfs.arch import ARCHES
from tools.rootfs.debhelper import split_script
from tools.rootfs.effects import EFFECTS
from tools.rootfs.errors import RootfsError
from tools.rootfs.main import TABLES
from tools.rootfs.scripts import load_table, scripts_of
from tools.rootfs.shell import alternatives_in, heredocs_in

SYSTEMD = """\
# Automatically added by dh_installsystemd/13.11.4
if [ "$1" = "configure" ] || [ "$1" = "abort-upgrade" ] ; then
	# The following line should be removed in trixie or trixie+1
	deb-systemd-helper unmask 'a.timer' >/dev/null || true

	if deb-systemd-helper --quiet was-enabled 'a.timer'; then
		deb-systemd-helper enable 'a.timer' >/dev/null || true
	else
		deb-systemd-helper update-state 'a.timer' >/dev/null || true
	fi
fi
# End automatically added section
"""


def section(generator: str, body: str) -> str:
    return f"# Automatically added by {generator}/1\n{body}\n# End automatically added section\n"


def test_generated_parts_are_taken_out_and_understood() -> None:
    rest, found = split_script(f"#!/bin/sh\nset -e\n{SYSTEMD}true\n", "x")
    assert rest == "#!/bin/sh\nset -e\ntrue\n"
    assert found.units == ["a.timer"]
    _, found = split_script(section("dh_installinit", "update-rc.d x defaults >/dev/null"), "x")
    assert found.init_scripts == ["x"]


@pytest.mark.parametrize(
    "script",
    [
        section("dh_new", "true"),
        section("dh_installsystemd", "rm -rf /etc"),
        section("dh_installsystemd", "deb-systemd-helper enable $unit"),
        section("dh_installdeb", 'dpkg-maintscript-helper new_thing /x -- "$@"'),
        section("dh_installinit", "update-rc.d x defaults; rm -rf /etc"),
        "# Automatically added by dh_installdeb/13\ntrue\n",
    ],
)
def test_new_generated_parts_are_refused(script: str) -> None:
    with pytest.raises(RootfsError, match="postinst of a"):
        split_script(script, "postinst of a")


def test_alternatives_are_read_from_literal_calls_only() -> None:
    (found,) = alternatives_in(
        "  update-alternatives --install /l n \\\n  /p 10 --slave /sl sn /sp || true\n", "x"
    )
    assert (found.link, found.name, found.path, found.priority) == ("/l", "n", "/p", 10)
    assert found.slaves == (("/sl", "sn", "/sp"),)
    assert alternatives_in("# update-alternatives --install x\n", "x") == []
    for call in ("/l n $p 10", "/l n /p ten", "/l n", "/l n /p 10 --master x y z"):
        with pytest.raises(RootfsError, match="can't tell"):
            alternatives_in(f"update-alternatives --install {call}\n", "x")


def test_heredocs() -> None:
    found = heredocs_in(
        "cat > /etc/a <<EOF\none\n\nEOF\n\tcat > \"$DPKG_ROOT/etc/b\" <<-'END'\n\tx\ty\nEND\n"
    )
    assert found == {"/etc/a": "one\n\n", "/etc/b": "x\ty\n"}


def test_new_and_changed_scripts_stop_the_build(tmp_path: Path) -> None:
    old = fixtures.package(fixtures.deb(tmp_path, "a", scripts={"postinst": "touch /etc/a\n"}))
    table = fixtures.loaded_table(tmp_path, [old])
    assert len(table.review([old], fixtures.AMD64)) == 1
    new = fixtures.package(fixtures.deb(tmp_path, "a", scripts={"postinst": "touch /etc/b\n"}))
    other = fixtures.package(fixtures.deb(tmp_path, "b", scripts={"preinst": "rm /etc/b\n"}))
    with pytest.raises(RootfsError) as error:
        table.review([new, other], fixtures.AMD64)
    message = str(error.value)
    assert "postinst of a 1.0-1 (amd64) has changed: sha256 " in message
    assert "preinst of b 1.0-1 (amd64) is new: sha256 " in message
    command = f"bazel run //tools/rootfs:review -- --suite tiny --arch amd64 {tmp_path}/a_1.0"
    assert command in message
    assert "tiny.toml" in message


def test_trivial_scripts_need_no_review(tmp_path: Path) -> None:
    script = f"#!/bin/sh\n\n# nothing\nset -e\n{SYSTEMD}\nexit 0\n"
    found = fixtures.package(
        fixtures.deb(tmp_path, "a", scripts={"postinst": script, "prerm": "rm -rf /\n"})
    )
    (reviewed,) = fixtures.empty_table().review([found], fixtures.AMD64)
    assert reviewed.rule is None
    assert reviewed.script.snippets.units == ["a.timer"]


def test_the_architecture_does_not_change_a_script(tmp_path: Path) -> None:
    hashes = set()
    for name in ("amd64", "arm64", "s390x"):
        arch = ARCHES[name]
        path = fixtures.deb(
            tmp_path,
            "a",
            scripts={"postinst": f"ls /lib/{arch.triplet}\nfiles=$(dpkg -L a:{name} | sort)\n"},
            architecture=name,
        )
        (script,) = scripts_of(fixtures.package(path, arch=name), arch)
        hashes.add(script.sha256)
        assert "dpkg -L a:@ARCH@ |" in script.text
    assert len(hashes) == 1


GOOD = f'[[a.postinst]]\nsha256 = "{"0" * 64}"\neffects = []\nwhy = "x"\n'


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a = [", "is no TOML"),
        ("a = 1", "is no table of scripts"),
        (GOOD.replace("postinst", "prerm"), "is none of"),
        (GOOD.replace("[[a.postinst]]", "[a.postinst]"), "double brackets"),
        ("[a]\npostinst = [1]", "is no table"),
        (GOOD.replace("0" * 64, "00"), "not a SHA-256"),
        (GOOD.replace("[]", '["no-such-effect"]'), "effects that don't exist: no-such-effect"),
        (GOOD.replace("[]", "1"), "effects must be"),
        (GOOD.replace('"x"', '" "'), "says nothing under `why`"),
        (GOOD + "extra = 1\n", "unknown keys: extra"),
        (GOOD + 'diversions = ["x"]\n', "pairs of paths"),
    ],
)
def test_bad_tables(tmp_path: Path, text: str, problem: str) -> None:
    path = tmp_path / "tiny.toml"
    path.write_text(text)
    with pytest.raises(RootfsError, match=problem) as error:
        load_table(path, EFFECTS)
    assert str(path) in str(error.value)


def test_a_suite_without_table(tmp_path: Path) -> None:
    with pytest.raises(RootfsError, match="new suite needs a table"):
        load_table(tmp_path / "forky.toml", EFFECTS)


@pytest.mark.parametrize("path", sorted(TABLES.glob("*.toml")), ids=lambda path: path.name)
def test_the_tables_are_valid_and_sorted(path: Path) -> None:
    table = load_table(path, EFFECTS)
    assert list(table.rules) == sorted(table.rules)
    assert len(table.rules) > 30


def test_review_shows_a_script_and_its_entry(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = fixtures.deb(tmp_path, "lib++", scripts={"postinst": f"{SYSTEMD}ln -s a /etc/b\n"})
    tables = tmp_path / "tables"
    tables.mkdir()
    common = ["--suite", "tiny", "--arch", "amd64", "--tables", str(tables), str(path)]
    assert review.main(common) == 1
    shown = capsys.readouterr()
    assert "ln -s a /etc/b" in shown.out
    assert "# changes something? ln" in shown.out
    assert "# enables: a.timer" in shown.out
    entry = shown.out[shown.out.index("[[") :]
    (tables / "tiny.toml").write_text(entry)
    assert review.main(common) == 2  # no reason given yet
    assert "says nothing under `why`" in capsys.readouterr().err
    (tables / "tiny.toml").write_text(entry.replace('why = ""', 'why = "a link"'))
    assert review.main(common) == 0
    assert review.main([*common, "--all"]) == 0
    assert "earlier review: a link" in capsys.readouterr().out


def test_review_runs_as_a_program(tmp_path: Path) -> None:
    path = fixtures.deb(tmp_path, "a")
    command = [sys.executable, "-m", "tools.rootfs.review", "--suite", "bookworm"]
    done = subprocess.run(
        [*command, "--arch", "vax", str(path)],
        capture_output=True,
        text=True,
        env={"PYTHONPATH": ":".join(sys.path)},
    )
    assert done.returncode == 2
    assert "architecture 'vax'" in done.stderr


def test_a_list_of_certificates_is_no_change(tmp_path: Path) -> None:
    def sha256(text: str) -> str:
        package = fixtures.package(fixtures.deb(tmp_path, "a", scripts={"config": text}))
        return scripts_of(package, fixtures.AMD64)[0].sha256

    one = sha256('CERTS_LIST="a.crt, b.crt"\ndb_go\n')
    assert sha256('CERTS_LIST="c.crt"\ndb_go\n') == one
    assert sha256('CERTS_LIST="$(rm -rf /)"\ndb_go\n') != one
    assert sha256('CERTS_LIST="`rm -rf /`"\ndb_go\n') != one
    assert sha256('CERTS_LIST="a.crt"; rm\ndb_go\n') != one
