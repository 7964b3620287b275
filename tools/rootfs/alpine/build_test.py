"""Layers of a tiny Alpine: what apk's database says, and what is refused."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from tools.formats.alpine import apk_fixtures as make
from tools.formats.alpine.apk import read_apk
from tools.formats.certificate_fixtures import HASH, PEM
from tools.rootfs import program_fixtures as make_programs
from tools.rootfs.alpine import tiny_alpine_fixtures as fixtures
from tools.rootfs.alpine.alpine_layer import main
from tools.rootfs.alpine.build import TABLE, Result, build, installed
from tools.rootfs.alpine.effects import EFFECTS
from tools.rootfs.alpine.scripts import load_table
from tools.rootfs.alpine.spec import Spec, read_spec
from tools.rootfs.rootfs_error import RootfsError
from tools.testing.programs import as_root

# /lib/apk/db/installed of apk-tools 3.0.6 after `apk add --no-scripts baselayout busybox`, save
# identities and sizes of packages, which depend on how gzip was written.
INSTALLED = """\
C:{baselayout}
P:baselayout
V:3.6-r0
A:x86_64
S:{baselayout_size}
I:100
T:dirs
U:
L:
t:1700000001
D:so:libc.musl-x86_64.so.1
r:other
q:1000
F:dev
F:etc
R:aa
Z:Q1OV3498UfAHAZyzAgHEnohLRrkvo=
R:group
Z:Q1OsEVbwMs1+DIzFEXcQSBysCsjQ8=
R:motd
Z:Q1VcpihuPk9Pul0ESDM/qZ/FpASnM=
R:passwd
Z:Q1Jr5xMGeFo6ZsKk5jAU1sMNxpkXg=
R:shadow
a:0:42:640
Z:Q1dRkxZVR4KX6C+5FYcp0vEUxnFjI=
R:zz
Z:Q1OV3498UfAHAZyzAgHEnohLRrkvo=
F:etc/apk
F:etc/apk/keys
R:k.rsa.pub
Z:Q1E/vXnD05Dl1lhaIeEf9ewZcM/ww=
F:root
M:0:0:700
F:tmp
M:0:0:1777
F:var
F:var/tmp
M:0:0:1777
F:var/cache

C:{busybox}
P:busybox
V:1.37.0-r1
A:x86_64
S:{busybox_size}
I:900
T:
U:
L:
t:1700000002
k:100
D:so:libc.musl-x86_64.so.1
p:cmd:busybox=1.37.0-r1 /bin/sh
F:bin
R:busybox
a:0:0:755
Z:Q1B2EzDAaB3Pfe3B5s43+39qWtpS0=
R:sh
a:0:0:777
Z:Q1pcfTfDNEbNKQc2s1tia7da05M8Q=
F:etc
F:etc/busybox-paths.d
R:busybox
Z:Q1mFAl2j8/snzXyk6Kl31S/9MwwOo=
F:lib
F:usr
F:usr/sbin
F:usr/bin
R:B
Z:Q16dcfXufJLW3J6S/9rRe4vUlBj5g=
R:a
Z:Q1hvfkN/qlp/zhXR3cuerq6jd2Z7g=

C:{musl}
P:musl
V:1.2.5-r1
A:x86_64
S:{musl_size}
I:4096
T:the C library
U:https://musl.example
L:MIT
o:musl
m:A B <a@b.example>
t:1700000000
c:0123456789abcdef
p:so:libc.musl-x86_64.so.1=1
F:lib
R:ld-musl-x86_64.so.1
a:0:0:755
Z:Q1B2EzDAaB3Pfe3B5s43+39qWtpS0=
R:libc.musl-x86_64.so.1
a:0:0:777
Z:Q17yJ3JFNypA4mxhJJr0ou6CzsJVI=

"""
TRIGGERS = "{busybox} /bin /usr/bin /sbin /usr/sbin /lib/modules/*\n"


class Tiny:
    """A folder with the tiny Alpine in it, and its table."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.apks = fixtures.tiny_base(folder / "apks")
        self.extra: list[Path] = []
        self.effects = {"busybox": ["busybox_links"], "ca-certificates": ["ca_certificates"]}

    def package(self, info: str, members: make.Members = (), **scripts: bytes) -> Path:
        arch = "" if "arch = " in info else "arch = x86_64\n"
        text = f"{arch}pkgver = 1-r0\n{info}"
        named = {name.replace("_", "-"): content for name, content in scripts.items()}
        data = make.make_apk(text, members, scripts=named)
        (path,) = fixtures.write(self.folder / "apks", [data])
        self.extra.append(path)
        return path

    def base(self) -> dict[str, Any]:
        return fixtures.package_set(self.folder, "base", self.apks, ["baselayout", "busybox"])

    def upper(self, *requested: str) -> dict[str, Any]:
        return fixtures.package_set(self.folder, "upper", self.extra, requested)

    def table(self) -> Path:
        return fixtures.table(self.folder / "table.toml", [*self.apks, *self.extra], self.effects)

    def build(self, **changes: Any) -> Result:
        return build(read_spec(fixtures.spec(self.folder, **changes)), self.table())


@pytest.fixture
def tiny(tmp_path: Path) -> Tiny:
    return Tiny(tmp_path)


def text(result: Result, path: str) -> str:
    return bytes(result.layer[path].content).decode()


def test_the_database_is_the_one_apk_writes(tiny: Tiny) -> None:
    result = tiny.build(add=[tiny.base()])
    packages = {path.name.rsplit("-", 2)[0]: path for path in tiny.apks}
    facts: dict[str, object] = {}
    for name, path in packages.items():
        facts |= {name: read_apk(path).identity, f"{name}_size": path.stat().st_size}
    assert text(result, "lib/apk/db/installed") == INSTALLED.format_map(facts)
    assert text(result, "lib/apk/db/triggers") == TRIGGERS.format_map(facts)
    assert text(result, "etc/apk/world") == "baselayout\nbusybox\n"
    assert text(result, "etc/apk/arch") == "x86_64\n"
    assert text(result, "etc/apk/repositories") == "https://mirror.example/v3.24/main\n"
    with tarfile.open(fileobj=BytesIO(result.layer["lib/apk/db/scripts.tar.gz"].content)) as tar:
        names = [member.name for member in tar]
    first = f"baselayout-3.6-r0.X1{read_apk(packages['baselayout']).control_sha1.hex()}"
    second = f"busybox-1.37.0-r1.X1{read_apk(packages['busybox']).control_sha1.hex()}"
    assert names == [
        f"{first}.pre-install",
        f"{first}.post-install",
        f"{first}.post-upgrade",
        f"{second}.post-install",
        f"{second}.trigger",
    ]


def test_packages_for_any_architecture_are_called_after_their_index_s(tiny: Tiny) -> None:
    tiny.package("pkgname = any\narch = noarch", [(make.file("usr/any"), b"x")])
    result = tiny.build(below=[tiny.base()], add=[tiny.upper("any")])
    assert "P:any\nV:1-r0\nA:x86_64\n" in text(result, "lib/apk/db/installed")


def test_a_version_in_a_comment_asks_for_no_review(tiny: Tiny) -> None:
    def spec(script: bytes) -> Spec:
        tiny.extra.clear()
        tiny.package("pkgname = one", post_install=b"#!/bin/sh\n" + script)
        return read_spec(fixtures.spec(tiny.folder, below=[tiny.base()], add=[tiny.upper()]))

    before = spec(b"# one 1.0\ntrue\n")
    table = tiny.table()
    build(before, table)
    build(spec(b"\n# one 1.1\ntrue\n"), table)
    with pytest.raises(RootfsError, match="post-install of one 1-r0 has changed"):
        build(spec(b"# one 1.0\nfalse\n"), table)


def test_apk_itself_agrees(tiny: Tiny) -> None:
    root_words = as_root()
    if shutil.which("apk") is None or root_words is None:
        pytest.skip("needs apk-tools 3, and root or user namespaces")
    repository = tiny.folder / "mirror/v3.24/main/x86_64"
    make.write_repository(repository, [path.read_bytes() for path in tiny.apks], [fixtures.KEY])
    keys = tiny.folder / "keys"
    keys.mkdir()
    (keys / fixtures.KEY.name).write_bytes(fixtures.KEY.public())
    root = tiny.folder / "root"
    subprocess.run(
        [*root_words, "apk", "add", "--root", root, "--initdb", "--arch", "x86_64", "--no-cache",
         "--no-scripts", "--keys-dir", keys, "-X", repository.parent, "baselayout", "busybox"],
        check=True,
    )  # fmt: skip
    tiny.effects = {}  # no script has run
    layer = tiny.build(add=[tiny.base()]).layer
    for path in ("lib/apk/db/installed", "lib/apk/db/triggers", "lib/apk/db/scripts.tar.gz",
                 "etc/apk/world", "etc/apk/arch"):  # fmt: skip
        assert (root / path).read_bytes() == bytes(layer[path].content), path
    own = {"", "etc/apk/repositories"}
    theirs = {"var/log", "var/log/apk.log", "lib/apk/db/lock"}
    found = {str(path.relative_to(root)) for path in root.rglob("*")}
    assert set(layer) - own == found - theirs


def test_busybox_is_linked_where_no_package_has_the_program(tiny: Tiny) -> None:
    tiny.package("pkgname = coreutils", [(make.file("usr/bin/yes", 0o755), b"\x7fELF yes")])
    every = fixtures.package_set(tiny.folder, "all", [*tiny.apks, *tiny.extra], ["busybox"])
    layer = tiny.build(add=[every]).layer
    assert (layer["bin/ls"].kind, layer["bin/ls"].target) == ("symlink", "/bin/busybox")
    assert layer["bin/sh"].source == "busybox"
    assert layer["usr/bin/yes"].kind == "file"


def test_a_program_added_later_takes_the_place_of_its_link(tiny: Tiny) -> None:
    tiny.package("pkgname = coreutils", [(make.file("usr/bin/yes", 0o755), b"\x7fELF yes")])
    layer = tiny.build(below=[tiny.base()], add=[tiny.upper("coreutils")]).layer
    assert layer["usr/bin/yes"].kind == "file"
    assert "bin/ls" not in layer
    assert text(Result(tiny.build().system, layer), "etc/apk/world") == (
        "baselayout\nbusybox\ncoreutils\n"
    )


def test_a_computed_setting_gives_way_to_no_package(tiny: Tiny) -> None:
    tiny.package("pkgname = settings", [(make.file("etc/apk/repositories"), b"x")])
    with pytest.raises(RootfsError, match="is shipped by both container settings"):
        tiny.build(below=[tiny.base()], add=[tiny.upper()])


def test_a_layer_has_only_what_it_adds(tiny: Tiny) -> None:
    tiny.package("pkgname = tool\norigin = tools", [(make.file("usr/tool"), b"x")])
    result = tiny.build(below=[tiny.base()], add=[tiny.upper("tool")])
    assert set(result.layer) == {
        "usr/tool", "etc/apk/world", "lib/apk/db/installed",
    }  # fmt: skip
    assert [(p["name"], p["requested"], p["source"]) for p in json.loads(installed(result.system))][
        1:
    ] == [("busybox", True, "busybox"), ("musl", False, "musl"), ("tool", True, "tools")]


def test_a_layer_is_as_new_as_its_newest_package(tiny: Tiny) -> None:
    newest = 1_700_000_002  # busybox's builddate
    base = tiny.build(add=[tiny.base()], epoch=None).layer
    assert {base[path].mtime for path in ("", "etc", "bin/ls", "etc/apk/world")} == {newest}
    tiny.package(
        "pkgname = tool\nbuilddate = 1600000000",
        [(make.directory("etc"), b""), (make.file("etc/tool"), b"x")],
    )
    result = tiny.build(below=[tiny.base()], add=[tiny.upper("tool")], epoch=None)
    # The directories of the base have another time, and aren't there again.
    assert {path: entry.mtime for path, entry in result.layer.items()} == {
        "etc/apk/world": 1_600_000_000, "etc/tool": 0, "lib/apk/db/installed": 1_600_000_000,
    }  # fmt: skip
    assert result.system.tree.entries["etc"].mtime == newest


def test_a_layer_without_packages_of_its_own_is_as_new_as_the_one_below(tiny: Tiny) -> None:
    again = fixtures.package_set(tiny.folder, "again", tiny.apks, ["musl"])
    for given, expected in ((None, 1_700_000_002), (1_500_000_000, 1_500_000_000)):
        layer = tiny.build(below=[tiny.base() | {"epoch": given}], add=[again], epoch=None).layer
        assert {path: entry.mtime for path, entry in layer.items()} == {"etc/apk/world": expected}


def test_a_package_without_a_builddate_is_as_new_as_its_newest_file(tiny: Tiny) -> None:
    file = make.file("usr/tool")
    file.mtime = 1_400_000_000
    tiny.package("pkgname = tool", [(file, b"x")])
    layer = tiny.build(below=[tiny.base()], add=[tiny.upper("tool")], epoch=None).layer
    assert layer["etc/apk/world"].mtime == 1_400_000_000


def test_root_has_no_empty_password(tiny: Tiny) -> None:
    layer = tiny.build(add=[tiny.base()]).layer
    assert text(Result(tiny.build().system, layer), "etc/shadow") == "root:*::\n"
    entry = layer["etc/shadow"]
    assert (entry.mode, entry.uid, entry.gid) == (0o640, 0, 42)


def test_certificates_are_linked_and_bundled(tiny: Tiny) -> None:
    listed = "# ours\nown/Test Root (CA).crt\n!own/off.crt\n"
    folder = "usr/share/ca-certificates/own"
    tiny.package(
        "pkgname = ca-certificates\ntriggers = /usr/share/ca-certificates",
        [
            (make.file("etc/ca-certificates.conf"), listed.encode()),
            (make.file(f"{folder}/Test Root (CA).crt"), PEM.encode()),
            (make.file(f"{folder}/off.crt"), b"none"),
        ],
        trigger=b"#!/bin/sh\nupdate\n",
    )
    layer = tiny.build(below=[tiny.base()], add=[tiny.upper("ca-certificates")]).layer
    assert bytes(layer["etc/ssl/certs/ca-certificates.crt"].content) == f"{PEM}\n".encode()
    link = layer["etc/ssl/certs/ca-cert-Test_Root_=CA=.pem"]
    assert link.target == f"/{folder}/Test Root (CA).crt"
    assert layer[f"etc/ssl/certs/{HASH}.0"].target == "ca-cert-Test_Root_=CA=.pem"


def test_scripts_nobody_reviewed_stop_the_build(tiny: Tiny, tmp_path: Path) -> None:
    table = tiny.table()
    changed = table.read_text().replace("[[busybox.trigger]]", "[[other.trigger]]")
    table.write_text(changed.replace("[[baselayout.pre-install]]", "[[other.pre-install]]"))
    with pytest.raises(RootfsError, match="review these scripts") as error:
        build(read_spec(fixtures.spec(tmp_path, add=[tiny.base()])), table)
    message = str(error.value)
    assert "pre-install of baselayout 3.6-r0 is new: sha256 " in message
    assert "trigger of busybox 1.37.0-r1 is new" in message
    assert "post-install of busybox" not in message
    table.write_text(
        '[[busybox.trigger]]\nsha256 = "' + "0" * 64 + '"\neffects = []\nlines = ""\nwhy = "old"\n'
    )
    with pytest.raises(RootfsError, match=r"trigger of busybox 1\.37\.0-r1 has changed"):
        build(read_spec(fixtures.spec(tmp_path, add=[tiny.base()])), table)


def rule(**changes: object) -> str:
    fields = {"sha256": "0" * 64, "effects": [], "lines": "", "why": "x", **changes}
    lines = (f"{name} = {json.dumps(value)}\n" for name, value in fields.items())
    return "[[busybox.trigger]]\n" + "".join(lines)


@pytest.mark.parametrize(
    ("toml", "problem"),
    [
        ("[[busybox.post-upgrade]]", "is no script"),
        (rule(sha256="1"), "not a SHA-256"),
        ('[[busybox.trigger]]\nwhy = "x"', "no table of effects, lines, sha256, why"),
        (rule(effects=["magic"]), "Write a list out of busybox_links, ca_certificates"),
        (rule(why=" "), "says not why"),
        (rule(lines="12345678 123"), "Write eight hex digits of each line"),
        ("[[", "can't be read"),
    ],
)
def test_malformed_tables(tmp_path: Path, toml: str, problem: str) -> None:
    (tmp_path / "t.toml").write_text(toml)
    with pytest.raises(RootfsError, match=problem):
        load_table(tmp_path / "t.toml", EFFECTS)


def test_our_own_table_is_well_formed() -> None:
    assert ("busybox", "trigger") in load_table(TABLE, EFFECTS)


def test_two_packages_with_one_path(tiny: Tiny) -> None:
    tiny.package("pkgname = one", [(make.file("usr/x"), b"one")])
    tiny.package("pkgname = two", [(make.file("usr/x"), b"two")])
    with pytest.raises(RootfsError, match=r"/usr/x: is shipped by both one and two"):
        tiny.build(add=[tiny.base(), tiny.upper()])


@pytest.mark.parametrize(
    ("one", "two", "winner"),
    [
        ("replaces = two", "", "one"),
        ("", "replaces = one", "two"),
        ("", "replaces = one<2", "two"),
        ("replaces = two\nreplaces_priority = 5", "replaces = one", "one"),
    ],
)
def test_a_package_that_replaces_another_ones_file(
    tiny: Tiny, one: str, two: str, winner: str
) -> None:
    tiny.package(f"pkgname = one\n{one}", [(make.file("usr/x"), b"one")])
    tiny.package(f"pkgname = two\n{two}", [(make.file("usr/x"), b"two")])
    result = tiny.build(add=[tiny.base(), tiny.upper()])
    assert text(result, "usr/x") == winner
    paragraphs = text(result, "lib/apk/db/installed").split("\n\n")
    owners = [p.split("\nP:")[1].split("\n")[0] for p in paragraphs if "\nR:x\n" in p]
    assert owners == [winner]


def test_programs_choose_packages_by_the_libraries_they_need(tiny: Tiny) -> None:
    tiny.package(
        "pkgname = libfoo\nprovides = so:libfoo.so.1=1.2\ndepend = so:libbar.so.2 !evil",
        [(make.file("usr/lib/libfoo.so.1"), b"x")],
    )
    tiny.package("pkgname = libbar\nprovides = so:libbar.so.2=2", [(make.file("usr/bar"), b"x")])
    tiny.package("pkgname = libunused\nprovides = so:libunused.so.3=3", [(make.file("u"), b"x")])
    needed = ["libfoo.so.1", "libc.musl-x86_64.so.1", "libpython.so"]
    programs = make_programs.programs(
        tiny.folder / "programs.tar",
        {
            "usr/local/bin/python": make_programs.elf(None, needed),
            "usr/local/lib/libpython.so": make_programs.elf("libpython.so", []),
            "usr/local/lib/_tkinter.cpython.so": make_programs.elf(None, ["libtk.so"]),
        },
    )
    select = tiny.upper() | {"for": str(programs)}
    result = tiny.build(below=[tiny.base()], select=select)
    assert {"usr/lib/libfoo.so.1", "usr/bar"} <= set(result.layer)
    assert "u" not in result.layer
    assert text(result, "etc/apk/world") == "baselayout\nbusybox\nlibfoo\nmusl\n"


def test_a_library_that_nobody_provides(tiny: Tiny) -> None:
    tiny.package("pkgname = libfoo\nprovides = so:libfoo.so.1=1\ndepend = so:libgone.so.1")
    for soname, problem in (
        ("libnone.so.1", "is needed by bin/p, and no package provides so:libnone.so.1"),
        ("libfoo.so.1", "depends on so:libgone.so.1, which is neither installed nor a candidate"),
    ):
        programs = make_programs.programs(
            tiny.folder / "p.tar", {"bin/p": make_programs.elf(None, [soname])}
        )
        with pytest.raises(RootfsError, match=problem):
            tiny.build(below=[tiny.base()], select=tiny.upper() | {"for": str(programs)})


def test_programs_of_another_architecture(tiny: Tiny) -> None:
    elf = make_programs.elf(None, ["libfoo.so.1"], arch=make_programs.ARCHES["arm64"])
    programs = make_programs.programs(tiny.folder / "p.tar", {"bin/p": elf})
    with pytest.raises(RootfsError, match="is not made for x86_64"):
        tiny.build(below=[tiny.base()], select=tiny.upper() | {"for": str(programs)})


@pytest.mark.parametrize(
    ("members", "problem"),
    [
        ([(make.file("x"), b"")], None),
        ([(make.hardlink("x", "nowhere"), b"")], "hard link to 'nowhere', no earlier file"),
        ([(make.symlink("etc/motd", "x"), b"")], "is shipped by both"),
    ],
)
def test_odd_members(
    tiny: Tiny, members: list[tuple[tarfile.TarInfo, bytes]], problem: str | None
) -> None:
    tiny.package("pkgname = odd", members)
    if problem is None:
        assert "x" in tiny.build(add=[tiny.base(), tiny.upper()]).layer
        return
    with pytest.raises((RootfsError, KeyError), match=problem):
        tiny.build(add=[tiny.base(), tiny.upper()])


def test_devices_and_attributes_are_refused(tiny: Tiny) -> None:
    device = make.file("dev/null")
    device.type = tarfile.CHRTYPE
    tiny.package("pkgname = devices", [(device, b"")])
    with pytest.raises(RootfsError, match="neither file, directory nor link"):
        tiny.build(add=[tiny.upper()])


def test_packages_are_as_locked_and_for_the_architecture(tiny: Tiny) -> None:
    base = tiny.base()
    arm64 = make_programs.in_spec(make_programs.ARCHES["arm64"], "aarch64")
    with pytest.raises(RootfsError, match="is for x86_64, not aarch64"):
        tiny.build(add=[base], arch=arm64)
    path = tiny.apks[0]
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    with pytest.raises(RootfsError, match="as locked"):
        build(
            read_spec(fixtures.spec(tiny.folder, add=[base])),
            tiny.folder / "table.toml",
        )


def test_a_version_that_differs_between_layers(tiny: Tiny) -> None:
    tiny.package("pkgname = musl")
    with pytest.raises(RootfsError, match=r"musl: is 1-r0 here and 1\.2\.5-r1 in a layer below"):
        tiny.build(below=[tiny.base()], add=[tiny.upper()])


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"epoch": -1}, "epoch is -1"),
        ({"more": 1}, "is no object of"),
        ({"below": [{"packages": "x", "apks": [], "epoch": "now"}]}, "epoch is 'now'"),
        ({"add": [{"packages": "x"}]}, "isn't packages and apks"),
        ({"select": {"packages": "x", "apks": []}}, "select has no 'for'"),
        ({"select": 1}, "select is 1"),
    ],
)
def test_malformed_specs(tmp_path: Path, changes: dict[str, Any], problem: str) -> None:
    with pytest.raises(RootfsError, match=problem):
        read_spec(fixtures.spec(tmp_path, **changes))


def outputs(folder: Path, table: Path) -> list[str]:
    return [
        str(fixtures.spec(folder)), f"--layer={folder}/layer.tar",
        f"--installed={folder}/installed.json", f"--listing={folder}/listing.txt",
        f"--table={table}",
    ]  # fmt: skip


def test_bytes_depend_on_nothing_but_the_inputs(tiny: Tiny) -> None:
    digests = set()
    arguments = outputs(tiny.folder, tiny.table())
    for seed, umask in (("0", 0o022), ("1", 0o077)):
        fixtures.spec(tiny.folder, add=[tiny.base()])
        subprocess.run(
            [sys.executable, "-m", "tools.rootfs.alpine.alpine_layer", *arguments],
            check=True,
            umask=umask,
            env={
                "PYTHONHASHSEED": seed,
                "PYTHONPATH": os.pathsep.join(str(Path(p).absolute()) for p in sys.path),
            },
        )
        digests.add(make_programs.digest(tiny.folder / "layer.tar"))
        assert (tiny.folder / "layer.tar").stat().st_mode & 0o777 == 0o644
        tiny.apks.reverse()
    assert len(digests) == 1
    assert "/bin/ls\n" in (tiny.folder / "listing.txt").read_text()


def test_a_fault_leaves_nothing_behind(tiny: Tiny, capsys: pytest.CaptureFixture[str]) -> None:
    (tiny.folder / "empty.toml").touch()
    arguments = outputs(tiny.folder, tiny.folder / "empty.toml")
    fixtures.spec(tiny.folder, add=[tiny.base()])
    assert main(arguments) == 2
    assert capsys.readouterr().err.startswith("rootfs: review these scripts")
    assert not (tiny.folder / "layer.tar").exists()
