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

from tools.rootfs import command
from tools.rootfs import program_fixtures as make_programs
from tools.rootfs.debian import tiny_debian_fixtures as fixtures
from tools.rootfs.debian.debian_layer import main
from tools.rootfs.debian.spec import read_spec
from tools.rootfs.rootfs_error import RootfsError


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
    """Compute the base; return what a spec says of the layers below."""
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


@pytest.mark.parametrize(
    ("ours", "remedy"),
    [
        (True, "./bazelw run //tools:lock -- --add-only"),
        (False, "bazel run their debian_lock"),
    ],
)
def test_a_library_that_is_missing_has_a_remedy_where_it_is_read(
    tiny: Path,
    ours: bool,
    remedy: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _, extra = sets(tiny)
    programs = make_programs.programs(
        tiny / "p.tar", {"bin/p": make_programs.elf(None, ["libgone.so.1"])}
    )
    spec = fixtures.tiny_spec(tiny, below=base_layer(tiny), select=extra | {"for": str(programs)})
    monkeypatch.setattr(command, "in_checkout", lambda _file: ours)
    assert main(arguments(tiny, spec, "selected")) == 2
    said = capsys.readouterr().err
    assert "libgone.so.1: is needed by" in said
    assert remedy in said
    assert ("./bazelw" in said) == ours


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


DAY = 24 * 60 * 60
OLD, NEW, NEWEST = (fixtures.EPOCH + days * DAY for days in (0, 10, 20))


def timed(folder: Path, base: dict[str, int], extra: int) -> None:
    """Pack the debs of `tiny` anew: those named in `base`, and the upper layer's, at these times.

    All others are from the day OLD.
    """
    for path in (folder / "debs").iterdir():
        packed = bytearray(path.read_bytes())
        name = path.name.partition("_")[0]
        time = extra if name == "extra" else base.get(name, OLD)
        start = len("!<arch>\n")
        while start < len(packed):
            packed[start + 16 : start + 28] = f"{time:<12}".encode()
            size = int(packed[start + 48 : start + 58])
            start += 60 + size + size % 2
        path.write_bytes(packed)


def layers(folder: Path) -> tuple[dict[str, int], dict[str, int]]:
    """Compute base and upper layer without an epoch given; the times of what is in them."""
    base, extra = sets(folder)
    below = None
    for name, package_set in (("base", base), ("upper", extra)):
        spec = fixtures.tiny_spec(folder, below=below, add=[package_set], epoch=None)
        assert main(arguments(folder, spec, name)) == 0
        below = {"state": str(folder / f"{name}.state"), "tars": [str(folder / f"{name}.tar")]}
    return times(folder / "base.tar"), times(folder / "upper.tar")


def times(layer: Path) -> dict[str, int]:
    with tarfile.open(layer) as tar:
        return {member.name.removeprefix("./"): int(member.mtime) for member in tar}


def shadow_day(layer: Path) -> int:
    with tarfile.open(layer) as tar:
        file = tar.extractfile("etc/shadow")
        assert file
        return int(file.read().split(b":")[2])


def test_a_layer_is_as_new_as_its_newest_package(tiny: Path) -> None:
    timed(tiny, {"mawk": NEW}, OLD)
    base, upper = layers(tiny)
    assert base["var/lib/dpkg/status"] == base["etc"] == base["."] == NEW
    assert shadow_day(tiny / "base.tar") == NEW // DAY
    # Files have their own time.
    assert base["usr/bin/mawk"] == fixtures.EPOCH - 1000
    # Nothing of the base is there again, though its directories have another time.
    assert upper == {
        "etc/ld.so.cache": OLD,
        "usr/lib/x86_64-linux-gnu/libx.so.1": fixtures.EPOCH - 1000,
        "usr/share/doc/extra": OLD,
        "usr/share/doc/extra/copyright": fixtures.EPOCH - 1000,
        "var/lib/dpkg/info/extra.list": OLD,
        "var/lib/dpkg/status": OLD,
    }


def test_a_newer_package_makes_only_its_own_layer_newer(tiny: Path) -> None:
    timed(tiny, {"mawk": NEW}, OLD)
    base, upper = layers(tiny)
    digests = [make_programs.digest(tiny / f"{name}.tar") for name in ("base", "upper")]
    timed(tiny, {"mawk": NEWEST}, OLD)
    newer = layers(tiny)
    assert newer[0]["etc"] == NEWEST > base["etc"]
    assert newer[1] == upper
    assert make_programs.digest(tiny / "upper.tar") == digests[1]
    timed(tiny, {"mawk": NEW}, NEWEST)
    assert layers(tiny)[1]["etc/ld.so.cache"] == NEWEST
    assert make_programs.digest(tiny / "base.tar") == digests[0]


def test_what_is_no_packages_time_changes_nothing(tiny: Path) -> None:
    """Older packages change no time, as long as the newest is the same."""
    timed(tiny, {"mawk": NEW}, OLD)
    first = layers(tiny)
    timed(tiny, {"mawk": NEW, "passwd": OLD + 5}, OLD)
    assert layers(tiny) == first


def test_a_layer_without_packages_of_its_own_is_as_new_as_the_one_below(tiny: Path) -> None:
    timed(tiny, {"mawk": NEW}, NEWEST)
    layers(tiny)
    base, extra = sets(tiny)
    below = {"state": str(tiny / "base.state"), "tars": [str(tiny / "base.tar")]}
    programs = make_programs.programs(
        tiny / "p.tar", {"bin/p": make_programs.elf(None, ["libc.so.6"])}
    )
    libc6 = next(path for path in base["debs"] if "libc6" in path)
    again = fixtures.package_set(tiny, "again", [Path(libc6)], {"libc6"})
    for changes in ({"select": extra | {"for": str(programs)}}, {"add": [again]}):
        spec = fixtures.tiny_spec(tiny, below=below, epoch=None, **changes)
        assert main(arguments(tiny, spec, "none")) == 0
        assert times(tiny / "none.tar") == {"var/lib/apt/extended_states": NEW}


def test_packages_chosen_by_need_decide_on_the_time(tiny: Path) -> None:
    timed(tiny, {"mawk": NEW}, NEWEST)
    layers(tiny)
    listing = fixtures.deb(
        tiny / "debs",
        "libneeded",
        {"lib/x86_64-linux-gnu/libneeded.so.1": make_programs.elf("libneeded.so.1")},
        scripts={"shlibs": "libneeded 1 libneeded\n"},
        time=OLD + 7,
    )
    candidates = fixtures.package_set(
        tiny, "both", [listing, tiny / "debs/extra_1.0-1_amd64.deb"], set()
    )
    programs = make_programs.programs(
        tiny / "p.tar", {"bin/p": make_programs.elf(None, ["libneeded.so.1"])}
    )
    below = {"state": str(tiny / "base.state"), "tars": [str(tiny / "base.tar")]}
    select = candidates | {"for": str(programs)}
    spec = fixtures.tiny_spec(tiny, below=below, epoch=None, select=select)
    assert main(arguments(tiny, spec, "selected")) == 0
    assert times(tiny / "selected.tar")["etc/ld.so.cache"] == OLD + 7


def test_an_epoch_that_is_given_goes_before(tiny: Path) -> None:
    timed(tiny, {"mawk": NEW}, OLD)
    base, _ = sets(tiny)
    given = fixtures.EPOCH - 5000
    spec = fixtures.tiny_spec(tiny, add=[base], epoch=given)
    assert main(arguments(tiny, spec, "base")) == 0
    found = times(tiny / "base.tar")
    assert found["var/lib/dpkg/status"] == max(found.values()) == given
    assert shadow_day(tiny / "base.tar") == given // DAY


def test_packages_without_a_time_have_their_newest_files(tiny: Path) -> None:
    timed(tiny, {path.name.partition("_")[0]: 0 for path in (tiny / "debs").iterdir()}, 0)
    base, upper = layers(tiny)
    assert base["etc"] == upper["etc/ld.so.cache"] == fixtures.EPOCH - 1000


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
                    *[sys.executable, "-m", "tools.rootfs.debian.debian_layer"],
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
        ({"epoch": 10**12}, "epoch is 1000000000000, not seconds since 1970"),
        ({"arch": "vax"}, "ld_so_cache: 'vax'"),
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
