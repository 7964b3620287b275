"""Locking with the real apt, from small signed archives that a server on the loopback has."""

from __future__ import annotations

import http.server
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tools.formats.debian.deb_fixtures import make_deb
from tools.packages.debian import lockfile
from tools.packages.debian.archive_fixtures import Listed, Signer, write_pocket
from tools.packages.ubuntu import keyring, lock_ubuntu

pytestmark = pytest.mark.skipif(
    not all(shutil.which(tool) for tool in ("apt-get", "gpg", "gpgv")),
    reason="needs apt, gpg and gpgv on the machine",
)
CATALOG = Path("catalog")
COMPONENTS = ("main", "universe")
SETS = """\
components: [main, universe]
archives: {archive: [amd64, i386], ports: [arm64, riscv64]}
suites:
  noble:
    release: "24.04"
    platforms: [amd64, arm64]
    eol: 2029-05-31
    build_flags: {cflags: -O2, ldflags: "-Wl,-z,relro"}
    package_sets:
      base: []
      slim: [netbase]
      libraries: [netbase]
    build_sets:
      sysroot: [libz-dev]
      cc_amd64: [gcc-13]
      cc_arm64: [gcc-13-aarch64]
"""


def deb(folder: Path, name: str, version: str, arch: str, fields: str = "") -> Path:
    """A package as Ubuntu's are: compressed by zstd."""
    control = f"Package: {name}\nVersion: {version}\nArchitecture: {arch}\n{fields}Description: x\n"
    # Archives leave the epoch out of names.
    path = folder / f"{name}_{version.rpartition(':')[2]}_{arch}.deb"
    path.write_bytes(make_deb(control, compression=".zst"))
    return path


def write_mirrors(top: Path, signer: Signer) -> None:
    """Both halves of the archive, below `top`: ubuntu and ubuntu-ports."""
    debs = top / "debs"
    debs.mkdir()
    netbase = deb(debs, "netbase", "6.4", "all", "Depends: universal\n")
    for root, arch in (("ubuntu", "amd64"), ("ubuntu-ports", "arm64")):
        base = [
            deb(debs, "base-files", "13ubuntu10", arch, "Essential: yes\n"),
            deb(debs, "apt", "2.8.0", arch),
            deb(debs, "libz-dev", "1:1.3-1ubuntu1", arch),
        ]
        if arch == "amd64":
            base += [deb(debs, "gcc-13", "13.3.0", arch)]
        universe = [
            deb(debs, "universal", "1.0", "all"),
            deb(debs, "essence", "1", arch, "Essential: yes\n"),
        ]
        if arch == "amd64":
            universe += [deb(debs, "gcc-13-aarch64", "13.3.0", arch)]
        pockets = {
            "noble": [Listed(path) for path in (*base, netbase)]
            + [Listed(path, "universe") for path in universe],
            # Not for every machine yet; a lock takes it all the same.
            "noble-updates": [
                Listed(
                    deb(debs, "libz-dev", "1:1.3-1ubuntu2", arch),
                    "main",
                    {"Phased-Update-Percentage": "0"},
                )
            ],
            "noble-security": [Listed(deb(debs, "apt", "2.8.1", arch))],
        }
        for pocket, listed in pockets.items():
            write_pocket(top / root, pocket, {arch: listed}, COMPONENTS, signer)


class Mirrors:
    """The archives' folder, where it is served, and who signed them."""

    def __init__(self, folder: Path, url: str, signer: Signer) -> None:
        self.folder, self.url, self.signer = folder, url, signer

    def options(self) -> list[str]:
        return [
            f"--mirror={self.url}/ubuntu",
            f"--ports-mirror={self.url}/ubuntu-ports/",
            f"--keyring={self.signer.keyring}",
        ]


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Signer]:
    """The archives as they are before a test spoils them."""
    top = tmp_path_factory.mktemp("a")
    signer = Signer(top / "g")
    (top / "m").mkdir()
    write_mirrors(top / "m", signer)
    return top / "m", signer


@pytest.fixture
def mirrors(tmp_path: Path, original: tuple[Path, Signer]) -> Iterator[Mirrors]:
    folder = tmp_path / "m"
    shutil.copytree(original[0], folder, symlinks=True)
    signer = original[1]
    handler = partial(QuietHandler, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield Mirrors(folder, f"http://127.0.0.1:{server.server_port}", signer)
    finally:
        server.shutdown()
        server.server_close()


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    """Says nothing of what it serves."""

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def top(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with a small catalog/ubuntu.yaml; the machine knows no mirror."""
    for variable in ("UBUNTU_MIRROR", "UBUNTU_PORTS_MIRROR", "http_proxy", "https_proxy"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr("tools.packages.ubuntu.mirrors.host_mirrors", lambda: ("amd64", []))
    made = tmp_path / "checkout"
    shutil.copytree(CATALOG, made / "catalog")
    (made / "catalog/ubuntu.yaml").write_text(SETS)
    return made


def locks(top: Path) -> dict[str, lockfile.Lock]:
    folder = top / lock_ubuntu.LOCKS
    return {
        str(path.relative_to(folder).with_suffix("")): lockfile.read(path)
        for path in sorted(folder.rglob("*.lock"))
    }


def test_both_halves(mirrors: Mirrors, top: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["noble", f"--root={top}", *mirrors.options()]
    assert lock_ubuntu.main(options) == 0
    said = capsys.readouterr()
    assert "third_party/ubuntu/noble_arm64.lock: written" in said.out
    assert re.search(r"^noble_amd64 +resolving base", said.err, re.M)
    made = locks(top)
    assert list(made) == [
        "build/noble_amd64",
        "build/noble_arm64",
        "noble_amd64",
        "noble_arm64",
    ]
    for arch in ("amd64", "arm64"):
        found = made[f"noble_{arch}"]
        assert found.pockets == lockfile.POCKETS
        packages = {package.name: package for package in found.packages}
        # Universe's essential packages aren't: minbase is main's.
        assert [p.name for p in found.in_set("base")] == ["apt", "base-files"]
        # Each from its pocket; one component needs another.
        assert (
            packages["base-files"].path
            == f"pool/main/b/base-files/base-files_13ubuntu10_{arch}.deb"
        )
        assert packages["apt"].version == "2.8.1"
        assert packages["universal"].path == "pool/universe/u/universal/universal_1.0_all.deb"
        assert packages["netbase"].sets == {"libraries": True, "slim": True}
        assert packages["universal"].sets == {"libraries": False, "slim": False}
        assert not [p for p in found.packages if p.path.startswith("security:")]
        assert found.set_names() == ("base", "libraries", "slim")
        build = {package.name: package for package in made[f"build/noble_{arch}"].packages}
        assert build["libz-dev"].version == "1:1.3-1ubuntu2"
    assert made["build/noble_amd64"].set_names() == ("cc_amd64", "cc_arm64", "sysroot")
    assert made["build/noble_arm64"].set_names() == ("sysroot",)
    # Images name what was asked.
    assert made["noble_arm64"].sources == lockfile.Sources(*[f"{mirrors.url}/ubuntu-ports"] * 2)
    # Again, nothing has changed.
    assert lock_ubuntu.main([*options, "--check"]) == 0
    assert "noble_amd64.lock: unchanged" in capsys.readouterr().out


def test_what_the_build_uses_is_renewed_on_purpose(
    mirrors: Mirrors, top: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["noble", f"--root={top}", "--arch=amd64", *mirrors.options()]
    assert lock_ubuntu.main(options) == 0
    path = top / lock_ubuntu.LOCKS / "build/noble_amd64.lock"
    older = path.read_text().replace("libz-dev 1:1.3-1ubuntu2", "libz-dev 1:1.3-1ubuntu1")
    path.write_text(older)
    capsys.readouterr()
    assert lock_ubuntu.main(options) == 0
    assert path.read_text() == older
    assert "/build/" not in capsys.readouterr().out
    assert lock_ubuntu.main([*options, "--build", "--check"]) == 1
    assert lock_ubuntu.main([*options, "--build"]) == 0
    assert "build/noble_amd64.lock: written" in capsys.readouterr().out
    assert "libz-dev 1:1.3-1ubuntu2" in path.read_text()


def test_what_images_name(mirrors: Mirrors, top: Path) -> None:
    image = ["--image-mirror=http://a.test/u/", "--image-security-mirror=http://s.test/u"]
    options = [
        "noble",
        f"--root={top}",
        *mirrors.options(),
        *image,
        "--image-ports-mirror=http://p.test/",
    ]
    assert lock_ubuntu.main(options) == 0
    made = locks(top)
    assert made["noble_amd64"].sources == lockfile.Sources("http://a.test/u", "http://s.test/u")
    assert made["noble_arm64"].sources == lockfile.Sources("http://p.test", "http://p.test")
    # Another one is another lock.
    assert lock_ubuntu.main(["noble", f"--root={top}", *mirrors.options(), "--check"]) == 1


def test_one_architecture(mirrors: Mirrors, top: Path) -> None:
    options = [option for option in mirrors.options() if "ports" not in option]
    assert lock_ubuntu.main(["noble", f"--root={top}", "--arch=amd64", *options]) == 0
    assert list(locks(top)) == ["build/noble_amd64", "noble_amd64"]


BOTH = ("build/noble_amd64", "build/noble_arm64", "noble_amd64", "noble_arm64")


def fails(
    top: Path, options: list[str], capsys: pytest.CaptureFixture[str], written: str = ""
) -> str:
    """The one error that locking ends with; no locks are written but those of that pattern."""
    assert lock_ubuntu.main(["noble", f"--root={top}", *options]) == 2
    error = capsys.readouterr().err.partition("lock: error: ")[2]
    assert error
    assert sorted(locks(top)) == sorted(name for name in BOTH if re.fullmatch(written, name))
    return error


def test_without_a_mirror_the_public_ones_are_tried(
    mirrors: Mirrors, top: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    roots = {"archive": "http://127.0.0.1:9/public", "ports": "http://127.0.0.1:9/public-ports"}
    monkeypatch.setattr(
        "tools.packages.ubuntu.mirrors.public_mirrors", lambda distribution, half: [roots[half]]
    )
    keyring = [option for option in mirrors.options() if option.startswith("--keyring=")]
    error = fails(top, ["--arch=amd64", *keyring], capsys)
    assert "http://127.0.0.1:9/public/dists/noble/InRelease" in error
    error = fails(top, [o for o in mirrors.options() if "ports" not in o], capsys, ".*noble_amd64")
    assert "http://127.0.0.1:9/public-ports/dists/noble/InRelease" in error
    assert error.rstrip().endswith("Another mirror: --ports-mirror=<URL>")


def test_a_mirror_that_does_not_answer(
    mirrors: Mirrors, top: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = [mirrors.options()[0], "--ports-mirror=http://127.0.0.1:9/x", mirrors.options()[2]]
    error = fails(top, options, capsys, ".*noble_amd64")
    assert "noble_arm64.lock: " in error
    assert "http://127.0.0.1:9/x/dists/noble/InRelease" in error
    assert error.rstrip().endswith("Another mirror: --ports-mirror=<URL>")


def test_the_next_mirror_takes_over(mirrors: Mirrors, top: Path) -> None:
    options = ["--ports-mirror=http://127.0.0.1:9/x", *mirrors.options()]
    assert lock_ubuntu.main(["noble", f"--root={top}", *options]) == 0


def test_the_halves_are_not_mixed_up(
    mirrors: Mirrors, top: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    both = f"--ports-mirror={mirrors.url}/ubuntu"
    error = fails(top, [mirrors.options()[0], both, mirrors.options()[2]], capsys, ".*noble_amd64")
    assert "arm64" in error


def test_another_key(
    mirrors: Mirrors, top: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = Signer(tmp_path / "o")
    error = fails(top, [*mirrors.options()[:2], f"--keyring={other.keyring}"], capsys)
    assert "NO_PUBKEY" in error


def test_not_ubuntus_own_keys(
    mirrors: Mirrors, top: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without --keyring, the pinned one counts, which didn't sign this."""
    error = fails(top, mirrors.options()[:2], capsys)
    assert "NO_PUBKEY" in error


@pytest.mark.parametrize("component", COMPONENTS)
def test_a_changed_index(
    mirrors: Mirrors, top: Path, component: str, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = mirrors.folder / "ubuntu-ports/dists/noble" / component / "binary-arm64"
    (folder / "Packages.gz").unlink()
    index = folder / "Packages"
    index.write_text(index.read_text().replace("SHA256: ", "SHA256: 0", 1))
    error = fails(top, mirrors.options(), capsys, ".*noble_amd64")
    assert f"/{component}/binary-arm64/Packages" in error
    assert f"{mirrors.url}/ubuntu-ports: Hash Sum mismatch" in error


def test_an_unsigned_pocket(
    mirrors: Mirrors, top: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (mirrors.folder / "ubuntu/dists/noble-security/InRelease").unlink()
    error = fails(top, mirrors.options(), capsys, ".*noble_arm64")
    assert f"{mirrors.url}/ubuntu/dists/noble-security/InRelease: 404" in error


@pytest.mark.parametrize("pocket", ["noble-updates", "noble-security"])
def test_a_pocket_the_mirror_lacks(
    mirrors: Mirrors, top: Path, pocket: str, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(mirrors.folder / "ubuntu/dists" / pocket)
    error = fails(top, mirrors.options(), capsys, ".*noble_arm64")
    assert f"{mirrors.url}/ubuntu/dists/{pocket}/InRelease: 404" in error


def test_universe_is_needed(
    mirrors: Mirrors, top: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = top / "catalog/ubuntu.yaml"
    file.write_text(file.read_text().replace("[main, universe]", "[main]"))
    error = fails(top, mirrors.options(), capsys, "build/noble_arm64")
    assert "apt-get failed (noble, amd64)" in error
    assert "broken packages" in error


def test_unknown_names(mirrors: Mirrors, top: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = top / "catalog/ubuntu.yaml"
    file.write_text(file.read_text().replace("[libz-dev]", "[libzz-dev]"))
    error = fails(top, mirrors.options(), capsys, "noble_.*")
    assert "catalog/ubuntu.yaml: suites.noble.build_sets.sysroot" in error
    assert "'libzz-dev'" in error
    assert "did you mean arm64 or amd64?" in fails(top, ["--arch=adm64"], capsys, "noble_.*")


def test_the_pinned_keys(tmp_path: Path) -> None:
    file = keyring.extract_keyring(keyring.pinned_package(), tmp_path)
    told = subprocess.run(
        ["gpg", "--show-keys", "--homedir", str(tmp_path), str(file)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "Ubuntu Archive Automatic Signing Key (2018)" in told.stdout
