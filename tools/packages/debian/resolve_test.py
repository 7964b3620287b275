"""Resolving: the parsers alone, and real apt against a small signed archive on disk."""

import gzip
import hashlib
import shutil
from pathlib import Path

import pytest

from tools.formats.debian.deb_fixtures import make_deb
from tools.packages.debian import lock_debian, lockfile, resolve
from tools.packages.debian.archive_fixtures import Signer
from tools.packages.debian.lockfile import Package
from tools.packages.debian.mirrors import Mirror
from tools.packages.debian.resolve import AptRoot, ResolveError, UnknownPackageError

MIRROR = Mirror("http://a.test/debian", "http://a.test/debian-security")


def test_parse_uris() -> None:
    text = (
        "'http://a.test/debian/pool/main/g/g%2b%2b/g%2b%2b_4%253a1_amd64.deb' "
        f"g++_4%3a1~x_amd64.deb 12 SHA256:{'a' * 64}\n"
        "'http://a.test/debian-security/pool/updates/main/a/apt/apt_2_all.deb' "
        f"apt_2_all.deb 3 SHA256:{'b' * 64}\n"
    )
    gpp, apt = resolve.parse_uris(text, MIRROR)
    assert (gpp.name, gpp.version, gpp.arch) == ("g++", "4:1~x", "amd64")
    assert gpp.path == "pool/main/g/g++/g++_4%3a1_amd64.deb"
    assert apt == Package(
        "apt", "2", "all", "security:pool/updates/main/a/apt/apt_2_all.deb", "b" * 64, 3, {}
    )


@pytest.mark.parametrize(
    "text",
    [
        f"'http://other.test/pool/a.deb' a_1_all.deb 3 SHA256:{'b' * 64}",
        "'http://a.test/debian/pool/a.deb' a_1_all.deb 3 MD5Sum:abc",
        "W: something",
    ],
)
def test_parse_uris_refuses(text: str) -> None:
    with pytest.raises(ResolveError):
        resolve.parse_uris(text, MIRROR)


def test_minbase_names() -> None:
    index = (
        "Package: bash\nEssential: yes\nPriority: optional\nVersion: 1\n\n"
        "Package: tzdata\nPriority: required\nVersion: 1\n\n"
        "Package: vim\nPriority: optional\nDescription: x\n Essential: yes\n\n"
    )
    assert resolve.minbase_names(index) == ["apt", "bash", "tzdata"]


def test_snapshot_is_after_the_newest_release_file() -> None:
    texts = ["Date: Thu, 19 Nov 2026 20:12:54 UTC\n", "X: y\nDate: Sat, 07 Nov 2026 09:00:00 UTC\n"]
    assert resolve.snapshot_after(texts) == "20261120T021254Z"
    with pytest.raises(ResolveError):
        resolve.snapshot_after(["nothing"])


def test_keyring(tmp_path: Path) -> None:
    with pytest.raises(ResolveError, match="--keyring"):
        resolve.find_keyring(str(tmp_path / "absent"))


def package(name: str, version: str = "1") -> Package:
    path = f"pool/main/{name[0]}/{name}/{name}_{version}_all.deb"
    return Package(name, version, "all", path, "a" * 64, 1, {})


def test_merge_says_what_was_requested_for_which_set() -> None:
    a, b = package("a1"), package("b1")
    merged = lock_debian.merge({"base": ([a, b], frozenset()), "slim": ([a], frozenset({"a1"}))})
    assert [(p.name, dict(p.sets)) for p in merged] == [
        ("a1", {"base": False, "slim": True}),
        ("b1", {"base": False}),
    ]
    with pytest.raises(ResolveError, match="a1 resolved to 1 and 2"):
        lock_debian.merge({"x": ([a], frozenset()), "y": ([package("a1", "2")], frozenset())})


def test_differences() -> None:
    old = lockfile.Lock("trixie", "amd64", "", (package("a1"), package("b1"), package("c1")))
    new = lockfile.Lock("trixie", "amd64", "", (package("b1", "2"), package("c1"), package("d1")))
    assert lock_debian.differences(old, new) == ["- a1 1", "  b1 1 -> 2", "+ d1 1"]


# --- with apt ------------------------------------------------------------------------------------

needs_apt = pytest.mark.skipif(
    not all(shutil.which(tool) for tool in ("apt-get", "gpg", "gpgv")),
    reason="needs apt, gpg and gpgv on the machine",
)
PACKAGES = {
    "tree": "Depends: root-node (>= 1), leaf | branch\nPriority: optional\n",
    "root-node": "Essential: yes\nPriority: optional\n",
    "leaf": "Priority: optional\nRecommends: branch\nProvides: foliage\n",
    "branch": "Priority: optional\n",
    "apt": "Priority: important\n",
}


def write_archive(root: Path, suite: str, names: dict[str, str]) -> None:
    """An unsigned archive: pool, Packages and Release of one suite."""
    folder = root / "dists" / suite / "main/binary-amd64"
    folder.mkdir(parents=True)
    stanzas = []
    for name, fields in names.items():
        control = f"Package: {name}\nVersion: 1:1.0\nArchitecture: amd64\n{fields}"
        deb = make_deb(control + "Description: x\n")
        path = root / f"pool/main/{name}_1.0_amd64.deb"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(deb)
        stanzas.append(
            f"{control}Filename: pool/main/{path.name}\nSize: {len(deb)}\n"
            f"SHA256: {hashlib.sha256(deb).hexdigest()}\nDescription: x\n"
        )
    packages = "\n".join(stanzas).encode()
    (folder / "Packages").write_bytes(packages)
    (folder / "Packages.gz").write_bytes(gzip.compress(packages, mtime=0))
    sums = "".join(
        f" {hashlib.sha256(path.read_bytes()).hexdigest()} {path.stat().st_size} "
        f"main/binary-amd64/{path.name}\n"
        for path in sorted(folder.iterdir())
    )
    (root / "dists" / suite / "Release").write_text(
        f"Suite: {suite}\nCodename: {suite}\nArchitectures: amd64\nComponents: main\n"
        f"Date: Thu, 19 Nov 2026 00:00:00 UTC\nSHA256:\n{sums}"
    )


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> tuple[Mirror, Signer]:
    # gpg's sockets need a short path; apt reads as another user when this runs as root
    top = tmp_path_factory.mktemp("a")
    signer = Signer(top / "gpg")
    main, security = top / "debian", top / "debian-security"
    write_archive(main, "trixie", PACKAGES)
    write_archive(main, "trixie-updates", {})
    write_archive(security, "trixie-security", {})
    for folder in (main / "dists/trixie", main / "dists/trixie-updates"):
        signer.sign(folder)
    signer.sign(security / "dists/trixie-security")
    return Mirror(f"file://{main}", f"file://{security}"), signer


@pytest.fixture
def apt(tmp_path: Path, archive: tuple[Mirror, Signer]) -> AptRoot:
    root = AptRoot(tmp_path / "root", "trixie", "amd64", archive[0], archive[1].keyring)
    root.update()
    return root


@needs_apt
def test_closure_without_recommended_packages(apt: AptRoot) -> None:
    packages = apt.install(["tree"])
    assert [p.name for p in packages] == ["leaf", "root-node", "tree"]
    assert {p.version for p in packages} == {"1:1.0"}
    assert packages[0].path == "pool/main/leaf_1.0_amd64.deb"


@needs_apt
def test_the_next_mirror_takes_over(tmp_path: Path, archive: tuple[Mirror, Signer]) -> None:
    good, signer = archive
    bad = Mirror(f"file://{tmp_path}/absent", f"file://{tmp_path}/absent-security")
    root = tmp_path / "root"
    apt = resolve.updated_root(root, "trixie", "amd64", [bad, good], signer.keyring)
    assert apt.install(["leaf"])
    with pytest.raises(ResolveError, match="absent"):
        resolve.updated_root(root, "trixie", "amd64", [bad], signer.keyring)


@needs_apt
def test_minbase_and_a_set_above_it(apt: AptRoot) -> None:
    assert apt.minbase() == ["apt", "root-node"]
    base = apt.install(apt.minbase())
    above = apt.install(["tree", "apt"], base)
    assert [p.name for p in above] == ["leaf", "tree"]
    assert apt.snapshot() == "20261119T060000Z"


@needs_apt
@pytest.mark.parametrize("name", ["nonsense", "foliage"])
def test_unknown_and_virtual_names(apt: AptRoot, name: str) -> None:
    with pytest.raises(UnknownPackageError) as caught:
        apt.install(["tree", name])
    assert caught.value.package == name


@needs_apt
def test_foreign_signature_is_refused(tmp_path: Path, archive: tuple[Mirror, Signer]) -> None:
    other = Signer(tmp_path / "g")
    root = AptRoot(tmp_path / "root", "trixie", "amd64", archive[0], other.keyring)
    with pytest.raises(ResolveError, match=r"signature|NO_PUBKEY|not signed"):
        root.update()


@needs_apt
def test_changed_index_is_refused(tmp_path: Path, archive: tuple[Mirror, Signer]) -> None:
    mirror, signer = archive
    copy = tmp_path / "copy"
    shutil.copytree(Path(mirror.main.removeprefix("file://")), copy)
    folder = copy / "dists/trixie/main/binary-amd64"
    (folder / "Packages.gz").unlink()
    text = (folder / "Packages").read_text()
    (folder / "Packages").write_text(text.replace("root-node (>= 1)", "root-node (>= 2)"))
    changed = Mirror(f"file://{copy}", mirror.security)
    root = AptRoot(tmp_path / "root", "trixie", "amd64", changed, signer.keyring)
    with pytest.raises(ResolveError, match=r"Hash Sum mismatch|unexpected size"):
        root.update()


@needs_apt
def test_unsigned_archive_is_refused(tmp_path: Path, archive: tuple[Mirror, Signer]) -> None:
    mirror, signer = archive
    copy = tmp_path / "copy"
    shutil.copytree(Path(mirror.main.removeprefix("file://")), copy)
    (copy / "dists/trixie/InRelease").unlink()
    unsigned = Mirror(f"file://{copy}", mirror.security)
    root = AptRoot(tmp_path / "root", "trixie", "amd64", unsigned, signer.keyring)
    with pytest.raises(ResolveError, match="not signed"):
        root.update()
    with pytest.raises(ResolveError, match="InRelease"):
        resolve.updated_root(tmp_path / "own", "trixie", "amd64", [unsigned], signer.keyring)
