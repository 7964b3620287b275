from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.packages.debian import lockfile
from tools.packages.debian.lockfile import Lock, LockError, Package

LINE = f"zlib1g 1:1.2-1 arm64 pool/main/z/zlib/zlib1g_1.2-1_arm64.deb {'a' * 64} 12 base=dependency"
TEXT = f"# comment\nsuite bookworm\narch arm64\nsnapshot 20261120T000000Z\n{LINE}\n"

letters = "abcxyz09"
names = st.text(letters, min_size=2, max_size=8).map("p{}".format)
versions = st.text("0129.+~aZ-", max_size=8).map("1{}".format)
sets = st.dictionaries(
    st.sampled_from(["base", "slim", "cc_arm64", "x"]), st.booleans(), min_size=1, max_size=4
)


@st.composite
def packages(draw: st.DrawFn) -> Package:
    name, version = draw(names), draw(versions)
    arch, prefix = draw(st.sampled_from(["all", "arm64"])), draw(st.sampled_from(["", "security:"]))
    epoch = draw(st.sampled_from(["", "1:"]))
    path = f"{prefix}pool/main/x/{name}/{name}_{version}_{arch}.deb"
    sha256 = draw(st.binary(min_size=32, max_size=32)).hex()
    size = draw(st.integers(1, 10**9))
    return Package(name, epoch + version, arch, path, sha256, size, draw(sets))


@settings(deadline=None)
@given(st.lists(packages(), unique_by=lambda package: package.name))
def test_round_trip(found: list[Package]) -> None:
    lock = Lock("bookworm", "arm64", "20261120T000000Z", tuple(found))
    text = lock.text()
    again = lockfile.parse(text, "x")
    assert again == replace(lock, packages=tuple(sorted(found, key=lambda p: p.name)))
    assert again.text() == text
    names = sorted({name for package in found for name in package.sets})
    assert list(again.set_names()) == names
    for name in names:
        assert [p.name for p in again.in_set(name)] == sorted(
            p.name for p in found if name in p.sets
        )


def test_a_build_lock_is_told_by_its_folder(tmp_path: Path) -> None:
    lock = Lock("bookworm", "arm64", "20261120T000000Z", lockfile.parse(TEXT, "x").packages)
    for made in (lock, replace(lock, build=True)):
        path = tmp_path / made.path
        path.parent.mkdir(exist_ok=True)
        lockfile.write(path, made)
        assert lockfile.read(path) == made
        assert ("//tools:lock -- --build" in path.read_text()) == made.build


def test_reads_columns() -> None:
    (package,) = lockfile.parse(TEXT, "x").packages
    assert package == Package(
        "zlib1g",
        "1:1.2-1",
        "arm64",
        "pool/main/z/zlib/zlib1g_1.2-1_arm64.deb",
        "a" * 64,
        12,
        {"base": False},
    )


@pytest.mark.parametrize(
    ("old", "new", "line", "why"),
    [
        ("suite bookworm\n", "", 4, "'suite' must come before"),
        ("suite bookworm", "suite Bookworm", 2, "bad suite 'Bookworm'"),
        ("arch arm64\n", "arch arm64\narch arm64\n", 4, "second 'arch'"),
        ("20261120T", "20261120", 4, "bad snapshot"),
        (LINE, LINE + " more", 5, "8 columns"),
        (LINE, LINE.replace(" 12 ", "  12 "), 5, "8 columns"),
        (LINE, LINE.replace("zlib1g ", "Zlib "), 5, "bad package name 'Zlib'"),
        (LINE, LINE.replace("1:1.2-1", "v1"), 5, "bad version 'v1'"),
        (LINE, LINE.replace(" arm64 ", " amd64 "), 5, "'amd64' in a lock for 'arm64'"),
        (LINE, LINE.replace("pool/main", "pool/../etc"), 5, "bad path"),
        (LINE, LINE.replace("pool/main", "http://pool"), 5, "bad path"),
        (LINE, LINE.replace("pool/main", "/pool/main"), 5, "bad path"),
        (LINE, LINE.replace("pool/main", "pool/./main"), 5, "bad path"),
        (LINE, LINE.replace("arm64.deb", "arm64.deb#x.deb"), 5, "bad path"),
        (LINE, LINE.replace("arm64.deb", "arm64.deb?x=.deb"), 5, "bad path"),
        (LINE, LINE.replace("zlib1g_1", "%2e%2e%2fx"), 5, "bad path"),
        (LINE, LINE.replace("1:1.2-1", "1:1.2-1\u0661"), 5, "bad version"),
        (LINE, LINE.replace(" 12 ", f" {'9' * 20} "), 5, "bad size"),
        (LINE, LINE.replace("aaaa ", "aaa "), 5, "bad SHA-256"),
        (LINE, LINE.replace(" 12 ", " 012 "), 5, "bad size '012'"),
        (LINE, LINE.replace("=dependency", ""), 5, "bad package set 'base'"),
        (LINE, LINE + ",base=requested", 5, "'base' given twice"),
        (LINE, f"{LINE}\n{LINE}", 6, "listed twice"),
        (LINE, f"{LINE}\n{LINE.replace('zlib1g ', 'adduser ')}", 6, "out of order"),
    ],
)
def test_errors_name_the_line(old: str, new: str, line: int, why: str) -> None:
    assert old in TEXT
    with pytest.raises(LockError) as caught:
        lockfile.parse(TEXT.replace(old, new, 1), "bookworm_arm64.lock")
    assert f"bookworm_arm64.lock:{line}: " in str(caught.value)
    assert why in str(caught.value)
    assert "run `./bazelw --bazelw-lock`" in str(caught.value)


def test_unknown_set() -> None:
    with pytest.raises(KeyError):
        lockfile.parse(TEXT, "x").in_set("slim")


def test_write_is_all_or_nothing(tmp_path: Path) -> None:
    path = tmp_path / "bookworm_arm64.lock"
    lock = lockfile.parse(TEXT, "x")
    lockfile.write(path, lock)
    assert lockfile.read(path) == lock
    before = path.read_bytes()
    bad = replace(lock.packages[0], sha256="nothash")
    with pytest.raises(LockError, match="bad SHA-256"):
        lockfile.write(path, replace(lock, packages=(bad,)))
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_file_name_must_agree(tmp_path: Path) -> None:
    path = tmp_path / "trixie_arm64.lock"
    path.write_text(TEXT)
    with pytest.raises(LockError, match=r"named bookworm_arm64\.lock"):
        lockfile.read(path)
    with pytest.raises(LockError, match="can't be read"):
        lockfile.read(tmp_path / "absent.lock")
