from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest

from tools.rootfs import fixtures as make_programs
from tools.rootfs.debian import fixtures
from tools.rootfs.debian.main import main
from tools.rootfs.debian.spec import read_spec
from tools.rootfs.errors import RootfsError


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """A folder with the debs of a tiny base and an upper layer, their lists and the table."""
    base = fixtures.tiny_base(tmp_path / "debs")
    upper = [
        fixtures.deb(
            tmp_path / "debs",
            "extra",
            {
                "lib/x86_64-linux-gnu/libx.so.1": make_programs.elf("libx.so.1"),
                "usr/share/doc/extra/copyright": b"free",
                "usr/share/doc/extra/README": b"words",
                "usr/share/man/man1/extra.1.gz": b"manual",
            },
        )
    ]
    packages = [fixtures.package(path) for path in base + upper]
    fixtures.table(tmp_path, packages, fixtures.TINY_EFFECTS)
    return tmp_path


def sets(folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    debs = sorted((folder / "debs").glob("*.deb"))
    upper = [path for path in debs if path.name.startswith("extra")]
    base = fixtures.package_set(folder, "base", [p for p in debs if p not in upper], set())
    return base, fixtures.package_set(folder, "extra", upper, {"extra"})


def outputs(folder: Path, name: str) -> dict[str, Path]:
    return {
        "layer": folder / f"{name}.tar",
        "installed": folder / f"{name}.installed",
        "listing": folder / f"{name}.txt",
        "state": folder / f"{name}.state",
    }


def arguments(folder: Path, spec: Path, name: str) -> list[str]:
    found = [str(spec), "--tables", str(folder / "tables")]
    for option, path in outputs(folder, name).items():
        found += [f"--{option}", str(path)]
    return found


def base_layer(folder: Path) -> dict[str, Any]:
    """Computes the base; returns what a spec says of the layers below."""
    base, _ = sets(folder)
    assert main(arguments(folder, fixtures.tiny_spec(folder, add=[base]), "base")) == 0
    return {"state": str(folder / "base.state"), "tars": [str(folder / "base.tar")]}


def names_of(tar: Path) -> set[str]:
    with tarfile.open(tar) as archive:
        return {name.removeprefix("./") for name in archive.getnames()}


def test_base_and_upper_layer(tiny: Path) -> None:
    _, extra = sets(tiny)
    spec = fixtures.tiny_spec(tiny, below=base_layer(tiny), add=[extra])
    assert main(arguments(tiny, spec, "upper")) == 0
    below, upper = names_of(tiny / "base.tar"), names_of(tiny / "upper.tar")
    assert {
        "bin",
        "etc/apt/sources.list.d/debian.sources",
        "etc/dpkg/dpkg.cfg.d/docker",
        "etc/ld.so.cache",
        "usr/lib/x86_64-linux-gnu/libc.so.6",
        "usr/sbin/policy-rc.d",
        "usr/share/doc/libc6/copyright",
        "var/lib/dpkg/status",
    } <= below
    assert not {"usr/share/doc/libc6/changelog.gz", "var/cache/apt/archives"} & below
    assert upper == {
        "etc/ld.so.cache",
        "usr/lib/x86_64-linux-gnu/libx.so.1",
        "usr/share/doc/extra",
        "usr/share/doc/extra/copyright",
        "var/lib/dpkg/info/extra.list",
        "var/lib/dpkg/status",
    }
    packages = {p["name"]: p for p in json.loads((tiny / "upper.installed").read_text())}
    assert packages["extra"]["requested"]
    assert not packages["libc6"]["requested"]
    assert len((tiny / "upper.txt").read_text().splitlines()) == len(upper)


UBUNTU = ["http://mirror.invalid/u", "http://security.invalid/u"]
KEYRING = "usr/share/keyrings/ubuntu-archive-keyring.gpg"


def ubuntu_sources(folder: Path, suite: str) -> dict[str, str]:
    """What a base of an Ubuntu suite says of sources, by path."""
    keyring = fixtures.deb(folder / "debs", "ubuntu-keyring", {KEYRING: b"keys"})
    base, _ = sets(folder)
    assert str(keyring) in base["debs"]
    (folder / "tables" / f"{suite}.toml").write_text(f'reviewed_in = ["{fixtures.SUITE}"]\n')
    spec = fixtures.tiny_spec(folder, add=[base], suite=suite, sources=UBUNTU)
    assert main(arguments(folder, spec, suite)) == 0
    with tarfile.open(folder / f"{suite}.tar") as tar:
        found = {
            member.name: tar.extractfile(member)
            for member in tar
            if member.isreg() and "etc/apt/sources" in member.name
        }
        return {name: file.read().decode() for name, file in found.items() if file}


def test_sources_of_ubuntu_since_noble(tiny: Path) -> None:
    found = ubuntu_sources(tiny, "noble")
    assert set(found) == {"etc/apt/sources.list", "etc/apt/sources.list.d/ubuntu.sources"}
    assert not [line for line in found["etc/apt/sources.list"].splitlines() if line[0] != "#"]
    assert (
        found["etc/apt/sources.list.d/ubuntu.sources"]
        == f"""\
Types: deb
URIs: http://mirror.invalid/u/
Suites: noble noble-updates noble-backports
Components: main universe restricted multiverse
Signed-By: /{KEYRING}

Types: deb
URIs: http://security.invalid/u/
Suites: noble-security
Components: main universe restricted multiverse
Signed-By: /{KEYRING}
"""
    )


def test_sources_of_ubuntu_before(tiny: Path) -> None:
    found = ubuntu_sources(tiny, "jammy")
    (lines,) = [text.splitlines() for text in found.values()]
    assert list(found) == ["etc/apt/sources.list"]
    assert len(lines) == 10
    assert lines[:2] == [
        "deb http://mirror.invalid/u/ jammy main restricted",
        "deb http://mirror.invalid/u/ jammy-updates main restricted",
    ]
    assert lines[6:8] == [
        "deb http://mirror.invalid/u/ jammy-backports main restricted universe multiverse",
        "deb http://security.invalid/u/ jammy-security main restricted",
    ]


def test_ubuntu_without_its_keys(tiny: Path, capsys: pytest.CaptureFixture[str]) -> None:
    base, _ = sets(tiny)
    spec = fixtures.tiny_spec(tiny, add=[base], sources=UBUNTU)
    assert main(arguments(tiny, spec, "base")) == 2
    assert "Add ubuntu-keyring to the base set" in capsys.readouterr().err
    spec = fixtures.tiny_spec(tiny, add=[base], sources=UBUNTU[:1])
    assert main(arguments(tiny, spec, "base")) == 2
    assert "not two URLs" in capsys.readouterr().err


def test_selected_packages(tiny: Path) -> None:
    _, extra = sets(tiny)
    programs = make_programs.programs(
        tiny / "p.tar", {"bin/p": make_programs.elf(None, ["libc.so.6"])}
    )
    below = base_layer(tiny)
    spec = fixtures.tiny_spec(tiny, below=below, select=extra | {"for": str(programs)})
    assert main(arguments(tiny, spec, "selected")) == 0
    # Nothing to install, but apt has to know that libc6 is needed.
    assert names_of(tiny / "selected.tar") == {"var/lib/apt/extended_states"}


def test_libraries_of_the_programs_are_in_the_cache(tiny: Path) -> None:
    _, extra = sets(tiny)
    libraries = {
        "usr/lib/libp.so.1": make_programs.elf("libp.so.1", ["libc.so.6"]),
        "usr/lib/p/inner.so": make_programs.elf("inner.so", []),
    }
    programs = make_programs.programs(tiny / "p.tar", libraries)
    below = base_layer(tiny)
    spec = fixtures.tiny_spec(tiny, below=below, select=extra | {"for": str(programs)})
    assert main(arguments(tiny, spec, "selected")) == 0
    # Listed, but not part of the layer.
    assert names_of(tiny / "selected.tar") == {"etc/ld.so.cache", "var/lib/apt/extended_states"}
    with tarfile.open(tiny / "selected.tar") as archive:
        cache = archive.extractfile("etc/ld.so.cache")
        assert cache is not None
        content = cache.read()
    assert b"/lib/libp.so.1\0" in content
    assert b"libc.so.6\0" in content
    assert b"inner.so" not in content


def test_asking_again_for_a_package_below_marks_it(tiny: Path) -> None:
    base, _ = sets(tiny)
    libc6 = next(path for path in base["debs"] if "libc6" in path)
    again = fixtures.package_set(tiny, "again", [Path(libc6)], {"libc6"})
    spec = fixtures.tiny_spec(tiny, below=base_layer(tiny), add=[again])
    assert main(arguments(tiny, spec, "again")) == 0
    assert names_of(tiny / "again.tar") == {"var/lib/apt/extended_states"}


def test_bytes_depend_on_nothing_else(tiny: Path) -> None:
    """Other order of inputs, time zone, locale, umask, working directory and hash seed."""
    base, extra = sets(tiny)
    digests = set()
    for run, (zone, locale, umask) in enumerate(
        [("UTC", "C", 0o022), ("Asia/Tokyo", "C.UTF-8", 0o077)]
    ):
        for package_set in (base, extra):
            random.Random(run).shuffle(package_set["debs"])
            listing = Path(package_set["packages"])
            entries = json.loads(listing.read_text())
            random.Random(run).shuffle(entries)
            listing.write_text(json.dumps(entries))
        elsewhere = tiny / f"run{run}"
        elsewhere.mkdir()
        found: list[Path] = []
        below = None
        for name, package_set in (("base", base), ("upper", extra)):
            spec = fixtures.tiny_spec(tiny, below=below, add=[package_set])
            subprocess.run(
                [
                    *[sys.executable, "-m", "tools.rootfs.debian.main"],
                    *arguments(elsewhere, spec, name),
                    *["--tables", str(tiny / "tables")],
                ],
                check=True,
                cwd=elsewhere,
                umask=umask,
                env={
                    "TZ": zone,
                    "LC_ALL": locale,
                    "PYTHONHASHSEED": str(run),
                    "PYTHONPATH": os.pathsep.join(str(Path(p).absolute()) for p in sys.path),
                },
            )
            files = outputs(elsewhere, name)
            found += files.values()
            below = {"state": str(files["state"]), "tars": [str(files["layer"])]}
        digests.add(tuple(make_programs.digest(path) for path in found))
        assert {path.stat().st_mode & 0o777 for path in found} == {0o644}
    assert len(digests) == 1


def test_a_fault_leaves_nothing_behind(tiny: Path, capsys: pytest.CaptureFixture[str]) -> None:
    base, _ = sets(tiny)
    (tiny / "tables" / "tiny.toml").write_text("")
    before = sorted(tiny.iterdir())
    spec = fixtures.tiny_spec(tiny, add=[base])
    assert main(arguments(tiny, spec, "base")) == 2
    assert sorted(tiny.iterdir()) == sorted({*before, spec})
    said = capsys.readouterr().err
    assert said.startswith("rootfs: review these maintainer scripts")
    assert "preinst of base-passwd 1.0-1" in said


def test_an_output_that_cannot_be_written(tiny: Path, capsys: pytest.CaptureFixture[str]) -> None:
    base, _ = sets(tiny)
    spec = fixtures.tiny_spec(tiny, add=[base])
    options = arguments(tiny, spec, "base")
    options[-1] = str(tiny / "nowhere" / "state")
    assert main(options) == 2
    assert "nowhere" in capsys.readouterr().err
    assert not (tiny / "base.tar").exists()
    assert not list(tiny.glob(".*"))


def test_an_unknown_suite(tiny: Path, capsys: pytest.CaptureFixture[str]) -> None:
    base, _ = sets(tiny)
    spec = fixtures.tiny_spec(tiny, add=[base], suite="forky")
    assert main(arguments(tiny, spec, "base")) == 2
    assert "new suite needs a table" in capsys.readouterr().err


def mangle(entries: list[dict[str, Any]], what: str) -> None:
    if what == "file":
        entries[0]["file"] = "none.deb"
    elif what == "missing":
        del entries[0]
    else:
        del entries[0]["requested"]


@pytest.mark.parametrize(
    ("what", "problem"),
    [
        ("file", r"names none\.deb, which is not among the packages"),
        ("missing", "doesn't name"),
        ("key", "has a package without 'requested'"),
    ],
)
def test_lists_and_debs_must_agree(tiny: Path, what: str, problem: str) -> None:
    base, _ = sets(tiny)
    listing = Path(base["packages"])
    entries = json.loads(listing.read_text())
    mangle(entries, what)
    listing.write_text(json.dumps(entries))
    with pytest.raises(RootfsError, match=problem) as error:
        read_spec(fixtures.tiny_spec(tiny, add=[base]))
    assert error.value.subject == str(listing)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"epoch": "now"}, "epoch is 'now'"),
        ({"epoch": -1}, "epoch is -1"),
        ({"arch": "vax"}, "architecture 'vax'"),
        ({"more": 1}, "unknown or missing keys: more"),
        ({"add": [{}]}, "without packages or debs"),
        ({"add": [1]}, "has 1 where an object belongs"),
        ({"below": []}, r"has \[\] where an object belongs"),
        ({"below": {"state": "/s"}}, "has layers below without 'tars'"),
        ({"add": [{"packages": "/none.json", "debs": []}]}, "can't be read"),
    ],
)
def test_bad_specs(tmp_path: Path, changes: dict[str, Any], problem: str) -> None:
    with pytest.raises(RootfsError, match=problem):
        read_spec(fixtures.tiny_spec(tmp_path, **changes))


def test_a_spec_that_is_no_json(tmp_path: Path) -> None:
    (tmp_path / "spec.json").write_text("{")
    with pytest.raises(RootfsError, match="is no JSON"):
        read_spec(tmp_path / "spec.json")


def test_a_deb_changed_since_it_was_fetched_is_refused(
    tiny: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    base, _ = sets(tiny)
    deb = Path(base["debs"][0])
    data = bytearray(deb.read_bytes())
    data[-1] ^= 1
    deb.write_bytes(data)
    assert main(arguments(tiny, fixtures.tiny_spec(tiny, add=[base]), "base")) == 2
    message = capsys.readouterr().err
    assert deb.name in message
    assert "not" in message and "as locked" in message
    assert not (tiny / "base.tar").exists()
