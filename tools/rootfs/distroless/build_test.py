"""Distroless roots of a tiny Debian: what stays, what is refused, where libraries come from."""

from __future__ import annotations

import hashlib
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from tools.rootfs.debian import tiny_debian_fixtures as fixtures
from tools.rootfs.distroless import paths
from tools.rootfs.distroless.distroless_layer import main
from tools.rootfs.program_fixtures import elf, programs

EFFECTS = {"base-passwd.preinst": ["base-passwd"], "libc-bin.postinst": ["ldconfig"]}
PASSWD = """\
#!/bin/sh
cat > "$DPKG_ROOT/etc/passwd" <<'EOF'
root:*:0:0:root:/root:/bin/bash
EOF
cat > "$DPKG_ROOT/etc/group" <<'EOF'
root:*:0:
EOF
"""
APPLETS = b"[\0[[\0" + b"".join(b"a%03d\0" % n for n in range(150)) + b"ls\0sh\0"


def copyright_of(name: str) -> dict[str, bytes]:
    return {f"usr/share/doc/{name}/copyright": b"free"}


def base(folder: Path) -> list[Path]:
    """Packages with programs, data, libraries and documentation."""
    return [
        fixtures.deb(
            folder, "base-passwd", copyright_of("base-passwd"), scripts={"preinst": PASSWD}
        ),
        fixtures.deb(
            folder,
            "libc-bin",
            {
                **copyright_of("libc-bin"),
                "etc/ld.so.conf": b"/usr/local/lib\n",
                "usr/bin/ldd": b"#!",
                "usr/share/man/man1/ldd.1.gz": b"manual",
            },
            scripts={"postinst": "#!/bin/sh\nldconfig\n"},
        ),
        fixtures.deb(
            folder,
            "libc6",
            {
                **copyright_of("libc6"),
                "usr/lib/x86_64-linux-gnu/libc.so.6": elf("libc.so.6"),
                "usr/lib/x86_64-linux-gnu/gconv/KOI8-R.so": elf("KOI8-R.so"),
                "usr/share/doc/libc6/changelog.gz": b"long",
            },
            scripts={"shlibs": "libc 6 libc6\n"},
        ),
    ]


def extra(folder: Path) -> list[Path]:
    """Libraries to choose from; one depends on a package that nobody offers."""
    return [
        fixtures.deb(
            folder,
            f"lib{name}1",
            {
                **copyright_of(f"lib{name}1"),
                f"usr/lib/x86_64-linux-gnu/lib{name}.so.1": elf(f"lib{name}.so.1", needed),
            },
            scripts={"shlibs": f"lib{name} 1 lib{name}1\n"},
            Depends="perl, libc6",
        )
        for name, needed in (("a", ["libb.so.1"]), ("b", ["libc.so.6"]), ("unused", []))
    ]


class Tiny:
    """A folder with packages, and the program that makes layers of them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def set(self, name: str, debs: list[Path]) -> dict[str, Any]:
        """A package set of a spec; its scripts count as reviewed."""
        packages = [fixtures.package(path) for path in [*base(self.folder), *debs]]
        fixtures.table(self.folder, packages, EFFECTS)
        names = {path.name.split("_")[0] for path in debs}
        return fixtures.package_set(self.folder, name, debs, names)

    def layer(self, name: str, **spec: Any) -> dict[str, Any]:
        """Compute a layer; return what a spec says of the layers below."""
        file = fixtures.tiny_spec(self.folder, slim=False, **spec)
        outputs = {key: str(self.folder / f"{name}.{key}") for key in ("layer", "installed")}
        words = [str(file), "--tables", str(self.folder / "tables")]
        words += ["--listing", str(self.folder / f"{name}.listing")]
        words += ["--state", str(self.folder / f"{name}.state")]
        for key, path in outputs.items():
            words += [f"--{key}", path]
        if main(words) != 0:
            raise AssertionError(name)
        tars = [*(spec.get("below") or {"tars": []})["tars"], outputs["layer"]]
        return {"state": str(self.folder / f"{name}.state"), "tars": tars}


@pytest.fixture(name="tiny")
def _tiny(tmp_path: Path) -> Tiny:
    return Tiny(tmp_path)


def names(layer: dict[str, Any]) -> set[str]:
    with tarfile.open(layer["tars"][-1]) as tar:
        return {member.name for member in tar if not member.isdir()}


def read(layer: dict[str, Any], path: str) -> bytes:
    with tarfile.open(layer["tars"][-1]) as tar:
        stream = tar.extractfile(path)
        assert stream is not None
        return stream.read()


def test_a_root_has_libraries_and_data_and_says_what_it_is_made_of(tiny: Tiny) -> None:
    layer = tiny.layer("base", add=[tiny.set("base", base(tiny.folder))])
    assert names(layer) - {"bin", "lib", "lib64", "sbin"} == {
        "etc/group",
        "etc/ld.so.cache",
        "etc/ld.so.conf",
        "etc/passwd",
        "usr/lib/x86_64-linux-gnu/libc.so.6",
        *(
            path
            for name in ("base-passwd", "libc-bin", "libc6")
            for path in (
                f"usr/share/doc/{name}/copyright",
                f"var/lib/dpkg/status.d/{name}",
                f"var/lib/dpkg/status.d/{name}.md5sums",
            )
        ),
    }
    control = read(layer, "var/lib/dpkg/status.d/libc6").decode()
    assert "Package: libc6\nVersion: 1.0-1\n" in control
    assert control.endswith("Description: for tests\n")
    library = elf("libc.so.6")
    digests = [hashlib.md5(data).hexdigest() for data in (library, b"free")]
    assert read(layer, "var/lib/dpkg/status.d/libc6.md5sums").decode().splitlines() == [
        f"{digests[1]}  usr/share/doc/libc6/copyright",
        f"{digests[0]}  usr/lib/x86_64-linux-gnu/libc.so.6",
    ]


def test_libraries_come_by_need_without_what_their_packages_depend_on(tiny: Tiny) -> None:
    below = tiny.layer("base", add=[tiny.set("base", base(tiny.folder))])
    tar = programs(
        tiny.folder / "programs.tar",
        {
            "usr/local/bin/python3.11": elf(needed=["liba.so.1", "libpython3.so.1"]),
            "usr/local/lib/libpython3.so.1": elf("libpython3.so.1", ["libc.so.6"]),
        },
    )
    chosen = tiny.set("libraries", extra(tiny.folder))
    layer = tiny.layer("runtime", below=below, select=chosen | {"for": str(tar)})
    assert {path for path in names(layer) if path.startswith("usr/lib/")} == {
        "usr/lib/x86_64-linux-gnu/liba.so.1",
        "usr/lib/x86_64-linux-gnu/libb.so.1",
    }
    assert b"/usr/local/lib/libpython3.so.1\0" in read(layer, "etc/ld.so.cache")
    packages = json.loads((tiny.folder / "runtime.installed").read_text())
    assert [package["name"] for package in packages] == [
        "base-passwd",
        "liba1",
        "libb1",
        "libc-bin",
        "libc6",
    ]


def fails(tiny: Tiny, capsys: pytest.CaptureFixture[str], **spec: Any) -> str:
    """What the program says when it refuses a layer; it writes nothing then."""
    with pytest.raises(AssertionError, match="refused"):
        tiny.layer("refused", **spec)
    assert not list(tiny.folder.glob("refused.*"))
    return capsys.readouterr().err


def test_a_library_that_nobody_has(tiny: Tiny, capsys: pytest.CaptureFixture[str]) -> None:
    below = tiny.layer("base", add=[tiny.set("base", base(tiny.folder))])
    tar = programs(tiny.folder / "programs.tar", {"python3.14": elf(needed=["libx.so.1"])})
    chosen = tiny.set("libraries", extra(tiny.folder)) | {"for": str(tar)}
    said = fails(tiny, capsys, below=below, select=chosen)
    assert "libx.so.1: is needed by python3.14, and no package has it" in said
    assert "the set `libraries` of tiny in catalog/suites.yaml" in said


def test_a_library_of_the_root_that_lacks_another(
    tiny: Tiny, capsys: pytest.CaptureFixture[str]
) -> None:
    lone = extra(tiny.folder)[0]
    below = tiny.layer("base", add=[tiny.set("base", [*base(tiny.folder), lone])])
    tar = programs(tiny.folder / "programs.tar", {"python3.14": elf(needed=["libc.so.6"])})
    chosen = tiny.set("libraries", [extra(tiny.folder)[2]]) | {"for": str(tar)}
    said = fails(tiny, capsys, below=below, select=chosen)
    assert "libb.so.1: is needed by /usr/lib/x86_64-linux-gnu/liba.so.1" in said


@pytest.mark.parametrize(
    ("script", "what", "place"),
    [
        (
            "#!/bin/sh\nupdate-shells\n",
            "update-shells",
            "tools/rootfs/debian/scripts/tiny.toml:10",
        ),
        (
            "#!/bin/sh\n# Automatically added by dh_installinit/13\n"
            "update-rc.d demo defaults >/dev/null\n# End automatically added section\n",
            "services",
            "demo.postinst:3",
        ),
    ],
)
def test_a_package_whose_script_prepares_programs(
    tiny: Tiny, capsys: pytest.CaptureFixture[str], script: str, what: str, place: str
) -> None:
    demo = fixtures.deb(tiny.folder, "demo", copyright_of("demo"), scripts={"postinst": script})
    debs = [*base(tiny.folder), demo]
    add = [tiny.set("base", debs)]
    packages = [fixtures.package(path) for path in debs]
    wanted = EFFECTS | ({"demo.postinst": ["update-shells"]} if what == "update-shells" else {})
    fixtures.table(tiny.folder, packages, wanted)
    said = fails(tiny, capsys, add=add)
    assert (
        f"rootfs: {place}: postinst of demo prepares what a root without a shell and programs "
        f"can't use: {what}\n" in said
    )
    assert (
        "Take demo out of the sets `distroless` and `debug` of tiny in catalog/suites.yaml" in said
    )


def test_the_review_is_found_in_another_suite_s_table(
    tiny: Tiny, capsys: pytest.CaptureFixture[str]
) -> None:
    demo = fixtures.deb(
        tiny.folder, "demo", copyright_of("demo"), scripts={"postinst": "#!/bin/sh\nsetup\n"}
    )
    debs = [*base(tiny.folder), demo]
    add = [tiny.set("base", debs)]
    effects = EFFECTS | {"demo.postinst": ["update-shells"]}
    packages = [fixtures.package(path) for path in debs]
    own = fixtures.table(tiny.folder, packages, effects) / f"{fixtures.SUITE}.toml"
    own.rename(own.with_name("other.toml"))
    own.write_text('reviewed_in = ["other"]\n')
    said = fails(tiny, capsys, add=add)
    assert "rootfs: tools/rootfs/debian/scripts/other.toml:10: postinst of demo prepares" in said


def test_a_package_without_its_licence(tiny: Tiny, capsys: pytest.CaptureFixture[str]) -> None:
    demo = fixtures.deb(tiny.folder, "demo", {"usr/share/doc/demo": "demo-common"})
    said = fails(tiny, capsys, add=[tiny.set("base", [*base(tiny.folder), demo])])
    assert "demo 1.0-1: has no copyright file in the image: it is in demo-common" in said


def test_busybox_is_where_nothing_finds_it_but_path(tiny: Tiny) -> None:
    program = b"\x7fELFx" + b"\x01" + APPLETS + b"\x01"
    files = {
        **copyright_of("busybox-static"),
        "usr/bin/busybox": program,
        "usr/share/doc/busybox-static/examples/x": b"",
    }
    demo = fixtures.deb(tiny.folder, "busybox-static", files)
    below = tiny.layer("base", add=[tiny.set("base", base(tiny.folder))])
    layer = tiny.layer("debug", below=below, add=[tiny.set("debug", [demo])])
    found = names(layer)
    assert {"busybox/busybox", "busybox/sh", "busybox/[", "busybox/a149"} <= found
    assert "usr/bin/busybox" not in found
    assert read(layer, "busybox/busybox") == program


def test_a_busybox_that_does_not_tell_its_applets(
    tiny: Tiny, capsys: pytest.CaptureFixture[str]
) -> None:
    files = {**copyright_of("busybox-static"), "bin/busybox": b"\x7fELF"}
    demo = fixtures.deb(tiny.folder, "busybox-static", files)
    said = fails(tiny, capsys, add=[tiny.set("base", [*base(tiny.folder), demo])])
    assert "busybox-static 1.0-1: has a table of 0 applets" in said


def test_a_package_other_than_locked(tiny: Tiny, capsys: pytest.CaptureFixture[str]) -> None:
    debs = base(tiny.folder)
    add = [tiny.set("base", debs)]
    debs[0].write_bytes(debs[0].read_bytes() + b"\n")
    assert "as locked" in fails(tiny, capsys, add=add)


@pytest.mark.parametrize(
    "path",
    [
        "etc/passwd",
        "etc/shadow",
        "etc/ssl/certs/ca-certificates.crt",
        "usr/share/zoneinfo/Europe/Berlin",
        "usr/share/doc/x/copyright",
        "usr/share/terminfo/x/xterm",
        "usr/lib/x86_64-linux-gnu/libc.so.6",
        "usr/lib/locale/C.utf8/LC_CTYPE",
        "usr/bin",
        "var/tmp",
        "tmp",
    ],
)
def test_libraries_and_data_stay(path: str) -> None:
    assert paths.kept(path)


@pytest.mark.parametrize(
    "path",
    [
        "usr/bin/openssl",
        "usr/sbin/update-ca-certificates",
        "etc/ssl/certs/a.pem",
        "etc/ssl/private",
        "etc/init.d/x",
        "etc/cron.daily/dpkg",
        "usr/share/doc/x/changelog.gz",
        "usr/lib/x86_64-linux-gnu/gconv",
        "var/lib/dpkg/status",
        "var/mail",
        "root/.bashrc",
    ],
)
def test_programs_and_what_is_for_them_do_not(path: str) -> None:
    assert not paths.kept(path)
