from __future__ import annotations

import marshal
from pathlib import Path
from typing import cast

import pytest

from tools.formats.certificate_fixtures import HASH, PEM
from tools.rootfs.debian import tiny_debian_fixtures as fixtures
from tools.rootfs.debian.apt_sources import debian_sources
from tools.rootfs.debian.effects import EFFECTS, compiled, generated
from tools.rootfs.debian.effects.alternatives import register
from tools.rootfs.debian.effects.ca_certificates import ca_certificates
from tools.rootfs.debian.effects.pam import pam_auth_update
from tools.rootfs.debian.effects.services import enable_unit, register_init_script
from tools.rootfs.debian.effects.shells import update_shells
from tools.rootfs.debian.effects.users import apt_user, group_id
from tools.rootfs.debian.programs import Programs
from tools.rootfs.debian.scripts import ReviewedScript, load_table, scripts_of
from tools.rootfs.debian.shell import Alternative
from tools.rootfs.debian.system import Module, install
from tools.rootfs.rootfs_error import RootfsError


def script(folder: Path, name: str, text: str, **scripts: str) -> ReviewedScript:
    package = fixtures.package(fixtures.deb(folder, name, scripts={"postinst": text, **scripts}))
    found = {s.name: s for s in scripts_of(package, fixtures.AMD64)}
    return ReviewedScript(found["postinst"], None)


def test_users(tmp_path: Path) -> None:
    system = fixtures.system()
    packages = [fixtures.package(path) for path in fixtures.tiny_base(tmp_path)[:2]]
    tables = fixtures.table(tmp_path, packages, fixtures.TINY_EFFECTS)
    table = load_table(tables / "tiny.toml", EFFECTS)
    install(system, packages, table, EFFECTS, generated)
    read = system.tree.read_text
    day = fixtures.EPOCH // 86400
    assert read("etc/passwd").splitlines()[0] == "root:x:0:0:root:/root:/bin/bash"
    assert read("etc/passwd-").splitlines()[0] == "root:*:0:0:root:/root:/bin/bash"
    assert read("etc/shadow") == f"root:*:{day}:0:99999:7:::\n_apt:*:{day}:0:99999:7:::\n"
    assert read("etc/group") == "root:x:0:\nshadow:x:42:\n"
    assert read("etc/gshadow") == "root:*::\nshadow:*::\n"
    shadow = system.tree.entries["etc/shadow"]
    assert (shadow.mode, shadow.uid, shadow.gid) == (0o640, 0, 42)
    assert system.tree.entries["etc/passwd-"].mode == 0o600
    with pytest.raises(RootfsError, match="group video"):
        group_id(system, "video")


def test_apt_needs_its_user(tmp_path: Path) -> None:
    system = fixtures.system()
    system.tree.put("etc/passwd", "root:x:0:0:root:/root:/bin/bash\n", source="x")
    with pytest.raises(RootfsError, match="user _apt"):
        apt_user(system, script(tmp_path, "apt", "adduser _apt"))


def test_the_alternative_of_highest_priority_is_linked() -> None:
    system = fixtures.system()
    tree = system.tree
    for path in ("usr/bin/mawk", "usr/bin/gawk", "usr/share/man/man1/gawk.1.gz"):
        tree.put(path, b"x", source="x")
    slave = ("/usr/share/man/man1/awk.1.gz", "awk.1.gz", "/usr/share/man/man1/mawk.1.gz")
    register(system, [Alternative("/usr/bin/awk", "awk", "/usr/bin/mawk", 5, (slave,))])
    assert tree.entries["etc/alternatives/awk"].target == "/usr/bin/mawk"
    assert "etc/alternatives/awk.1.gz" not in tree  # there is no such manual page
    slave = (slave[0], slave[1], "/usr/share/man/man1/gawk.1.gz")
    register(system, [Alternative("/usr/bin/awk", "awk", "/usr/bin/gawk", 10, (slave,))])
    assert tree.entries["usr/bin/awk"].target == "/etc/alternatives/awk"
    assert tree.entries["etc/alternatives/awk"].target == "/usr/bin/gawk"
    assert tree.entries["usr/share/man/man1/awk.1.gz"].target == "/etc/alternatives/awk.1.gz"
    assert tree.read_text("var/lib/dpkg/alternatives/awk") == (
        "auto\n/usr/bin/awk\nawk.1.gz\n/usr/share/man/man1/awk.1.gz\n\n"
        "/usr/bin/gawk\n10\n/usr/share/man/man1/gawk.1.gz\n"
        "/usr/bin/mawk\n5\n/usr/share/man/man1/mawk.1.gz\n\n"
    )


UNIX = """\
Name: Unix
Default: yes
Priority: 256
Auth-Type: Primary
Auth:
\t[success=end default=ignore]\tpam_unix.so nullok try_first_pass
Auth-Initial:
\t[success=end default=ignore]\tpam_unix.so nullok
Session-Type: Additional
Session:
\trequired\tpam_unix.so
"""
FIRST = """\
Name: Another
Default: yes
Priority: 300
Auth-Type: Primary
Auth:
\t[success=end]\tpam_a.so
\trequisite\tpam_b.so
Session-Type: Additional
Session-Interactive-Only: yes
Session:
\toptional\tpam_home.so
"""
TEMPLATE = """\
# here are the per-package modules (the "Primary" block)
$X_primary
# here's the fallback if no module succeeds
X	requisite			pam_deny.so
# and here are more per-package modules (the "Additional" block)
$X_additional
# end of pam-auth-update config
"""


def test_pam_stacks(tmp_path: Path) -> None:
    system = fixtures.system()
    tree = system.tree
    for stack in ("account", "auth", "password", "session", "session-noninteractive"):
        text = TEMPLATE.replace("X", stack.partition("-")[0])
        tree.put(f"usr/share/pam/common-{stack}", text, source="x")
    for name, text in (("unix", UNIX), ("a", FIRST), ("off", UNIX.replace("yes", "no"))):
        tree.put(f"usr/share/pam-configs/{name}", text, source="x")
    pam_auth_update(system, script(tmp_path, "libpam-runtime", "pam-auth-update"))
    auth = [x for x in tree.read_text("etc/pam.d/common-auth").splitlines() if x[0] != "#"]
    # Jumps count the lines left in the block; only the first profile uses its initial lines.
    assert auth == [
        "auth\t[success=3]\tpam_a.so ",
        "auth\trequisite\tpam_b.so ",
        "auth\t[success=1 default=ignore]\tpam_unix.so nullok try_first_pass",
        "auth\trequisite\t\t\tpam_deny.so",
    ]
    session = tree.read_text("etc/pam.d/common-session")
    assert "session\t[default=1]\t\t\tpam_permit.so\n" in session
    assert "pam_home.so" in session
    assert "pam_home.so" not in tree.read_text("etc/pam.d/common-session-noninteractive")
    assert tree.read_text("var/lib/pam/seen") == "a\noff\nunix\n"
    assert tree.read_text("var/lib/pam/session").startswith("Module: null\n[default=1]")
    tree.put("usr/share/pam/common-auth", "# nothing\n", source="x")
    with pytest.raises(RootfsError, match="has no Primary block"):
        pam_auth_update(system, script(tmp_path, "libpam-runtime", "pam-auth-update"))


def test_shells_are_listed_by_both_paths_once(tmp_path: Path) -> None:
    system = fixtures.system()
    tree = system.tree
    tree.symlink("bin", "usr/bin", source="x")
    tree.mkdir("usr/bin", source="x")
    tree.put("usr/share/debianutils/shells", "# words\n/bin/sh\n", source="x")
    tree.put("usr/share/debianutils/shells.d/bash", "/bin/bash\n/usr/bin/bash\n", source="x")
    update_shells(system, script(tmp_path, "debianutils", "update-shells"))
    shells = "/bin/sh\n/usr/bin/sh\n/bin/bash\n/usr/bin/bash\n"
    assert tree.read_text("etc/shells") == f"# words\n{shells}"
    assert tree.read_text("var/lib/shells.state") == shells


def test_units_and_init_scripts(tmp_path: Path) -> None:
    system = fixtures.system()
    tree = system.tree
    reviewed = script(tmp_path, "a", "x")
    unit = "[Install]\nWantedBy=timers.target multi.target\nRequiredBy=b.target\n"
    tree.put("usr/lib/systemd/system/a.timer", unit, source="a")
    enable_unit(system, "a.timer", reviewed)
    for link in ("timers.target.wants", "multi.target.wants", "b.target.requires"):
        entry = tree.entries[f"etc/systemd/system/{link}/a.timer"]
        assert entry.target == "/lib/systemd/system/a.timer"
    state = "var/lib/systemd/deb-systemd-helper-enabled"
    assert len(tree.read_text(f"{state}/a.timer.dsh-also").splitlines()) == 3
    tree.put("usr/lib/systemd/system/b.service", "[Install]\nAlias=c.service\n", source="a")
    with pytest.raises(RootfsError, match="other than WantedBy"):
        enable_unit(system, "b.service", reviewed)
    header = "### BEGIN INIT INFO\n# Default-Start: 2 S\n# Default-Stop:\n### END INIT INFO\n"
    tree.put("etc/init.d/a", header, source="a")
    register_init_script(system, "a", reviewed)
    links = {p: e.target for p, e in tree.entries.items() if p.startswith("etc/rc") and e.target}
    assert links == {"etc/rc2.d/S01a": "../init.d/a", "etc/rcS.d/S01a": "../init.d/a"}


def test_certificates(tmp_path: Path) -> None:
    postinst = "cat > /etc/ca-certificates.conf <<EOF\n# head\nEOF\nupdate-ca-certificates\n"
    files = {
        "usr/share/ca-certificates/m/b c(1).crt": PEM.encode().rstrip(b"\n"),
        "usr/share/ca-certificates/m/a.crt": PEM.encode(),
    }
    listed = 'CERTS_LIST="m/b c(1).crt, m/a.crt"\n'
    system = fixtures.system()
    system.tree.mkdir("usr/local", source="x")

    def add(config: str) -> None:
        path = fixtures.deb(
            tmp_path, "ca-certificates", files, scripts={"postinst": postinst, "config": config}
        )
        package = fixtures.package(path)
        system.packages["ca-certificates"] = package
        for file in package.files:
            if file.path not in system.tree:
                system.tree.add(file.path, file.entry)
        (found,) = [s for s in scripts_of(package, fixtures.AMD64) if s.name == "postinst"]
        ca_certificates(system, ReviewedScript(found, None))

    add(listed)
    tree = system.tree
    assert tree.read_text("etc/ca-certificates.conf") == "# head\nm/a.crt\nm/b c(1).crt\n"
    assert tree.read("etc/ssl/certs/ca-certificates.crt") == PEM.encode() * 2
    assert tree.entries[f"etc/ssl/certs/{HASH}.0"].target == "a.pem"
    assert tree.entries[f"etc/ssl/certs/{HASH}.1"].target == "b_c=1=.pem"
    with pytest.raises(RootfsError, match=r"other certificates than it ships: m/a\.crt"):
        add(listed.replace(", m/a.crt", ""))


def test_sources_are_the_examples() -> None:
    system = fixtures.system()
    tree = system.tree
    examples = "usr/share/doc/apt/examples"
    tree.put(
        f"{examples}/debian.sources",
        "# Words: here\nTypes: deb\nURIs: http://m.invalid/debian\nSuites: tiny tiny-updates\n"
        "Components: main contrib\n\n## more\nTypes: deb\nURIs: http://s.invalid\n"
        "Suites: tiny-security\nComponents: main\n",
        source="apt",
    )
    with pytest.raises(RootfsError, match="debian-archive-keyring"):
        debian_sources(system)
    tree.put("usr/share/keyrings/debian-archive-keyring.gpg", b"x", source="x")
    assert debian_sources(system) == (
        "Types: deb\nURIs: http://m.invalid/debian\nSuites: tiny tiny-updates\nComponents: main\n"
        "Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg\n\n"
        "Types: deb\nURIs: http://s.invalid\nSuites: tiny-security\nComponents: main\n"
        "Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg\n"
    )
    tree.put("usr/share/keyrings/debian-archive-keyring.pgp", b"x", source="x")
    assert "keyring.pgp" in debian_sources(system)
    system.suite = "huge"
    with pytest.raises(RootfsError, match="names the suites"):
        debian_sources(system)


class Compiler:
    """Stands in for programs: byte code that says what it was made of."""

    top = Path("/programs")

    def __init__(self) -> None:
        self.runs = 0

    def run(self, program: str, *arguments: str, stdin: bytes) -> bytes:
        assert program == "usr/bin/python3.13"
        assert "/programs/usr/lib/python3.13" in arguments[-1]
        self.runs += 1
        jobs = marshal.loads(stdin)
        return marshal.dumps([f"{path} {mtime} ".encode() + code for path, mtime, code in jobs])


@pytest.mark.parametrize("count", [0, 1, 2, 5])
def test_each_module_gets_its_own_byte_code(tmp_path: Path, count: int) -> None:
    made = fixtures.system()
    minimal = fixtures.package(fixtures.deb(tmp_path, "python3.13-minimal"))
    made.packages[minimal.name] = minimal
    programs = Compiler()
    made.programs = cast(Programs, programs)
    made.modules.update(
        (f"usr/lib/__pycache__/{n}.pyc", Module(f"/usr/lib/{n}.py", 100 + n, 0o640, bytes([n])))
        for n in reversed(range(count))
    )
    with compiled(made):
        made.tree.put("usr/share/meanwhile", b"", source="test")
    assert programs.runs == min(count, 2)
    for n in range(count):
        entry = made.tree.entries[f"usr/lib/__pycache__/{n}.pyc"]
        assert entry.content == f"/usr/lib/{n}.py {100 + n} ".encode() + bytes([n])
        assert entry.mode == 0o640
    assert not made.modules
