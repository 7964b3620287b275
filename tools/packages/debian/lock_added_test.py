"""Locking packages that images of this module get besides, from a mirror on disk."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from tools.formats.debian.deb_fixtures import make_deb
from tools.packages.debian import lock_added, lockfile
from tools.packages.debian.archive_fixtures import Listed, Signer, write_pocket
from tools.packages.debian.lockfile import Lock

needs_apt = pytest.mark.skipif(
    not all(shutil.which(tool) for tool in ("apt-get", "gpg", "gpgv")),
    reason="needs apt, gpg and gpgv on the machine",
)
ARCHS = ("amd64", "arm64")
COMMAND = "bazel run @acme_debs//:lock"


class Workspace:
    """A mirror, this module's locks, and a workspace in which packages are locked."""

    def __init__(self, top: Path, signer: Signer) -> None:
        self.top, self.signer = top, signer
        (top / "debs").mkdir()
        (top / "images").mkdir()

    def archive(self, packages: Mapping[str, str]) -> None:
        """Fill the mirror: name_version -> further fields."""
        debs: dict[str, list[Listed]] = {arch: [] for arch in ARCHS}
        for arch in ARCHS:
            for one, fields in [*packages.items(), ("zone_1", "")]:
                name, _, version = one.partition("_")
                path = self.top / f"debs/{one}_{arch}.deb"
                control = f"Package: {name}\nVersion: {version}\nArchitecture: {arch}\n{fields}"
                path.write_bytes(make_deb(f"{control}Description: x\n"))
                debs[arch].append(Listed(path))
        nothing: dict[str, list[Listed]] = {arch: [] for arch in ARCHS}
        for pocket, root, listed in (
            ("trixie", "m", debs),
            ("trixie-updates", "m", nothing),
            ("trixie-security", "m-security", nothing),
        ):
            write_pocket(self.top / root, pocket, listed, ["main"], self.signer)

    def images(self, sets: Mapping[str, list[str]]) -> None:
        """Write this module's locks: set -> name_version of its packages."""
        for arch in ARCHS:
            packages: dict[str, lockfile.Package] = {}
            for set_name, names in sets.items():
                for one in names:
                    name, _, version = one.partition("_")
                    path = f"pool/main/{name[0]}/{name}/{one}_{arch}.deb"
                    deb = self.top / f"debs/{one}_{arch}.deb"
                    packages[name] = lockfile.Package(
                        name,
                        version,
                        arch,
                        path,
                        sha256(deb),
                        deb.stat().st_size,
                        {set_name: True},
                    )
            rows = tuple(packages[name] for name in sorted(packages))
            lock = Lock("trixie", arch, "20261101T000000Z", rows)
            lockfile.write(self.top / f"images/trixie_{arch}.lock", lock)

    def lock(self, *words: str) -> int:
        images = [f"--images={self.top}/images/trixie_{arch}.lock" for arch in ARCHS]
        where = [f"--mirror=file://{self.top}/m", f"--keyring={self.signer.keyring}"]
        return lock_added.main(
            [f"--command={COMMAND}", "--lock=acme.lock", *images, *where, *words]
        )

    @property
    def text(self) -> str:
        return (self.top / "acme.lock").read_text()

    def versions(self, arch: str = "arm64") -> dict[str, str]:
        found = lock_added.read_old(self.top / "acme.lock")[arch].packages
        return {package.name: package.version for package in found}


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture(scope="module")
def signer(tmp_path_factory: pytest.TempPathFactory) -> Signer:
    return Signer(tmp_path_factory.mktemp("s") / "g")


@pytest.fixture
def workspace(tmp_path: Path, signer: Signer, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.setenv("BUILD_WORKSPACE_DIRECTORY", str(tmp_path))
    made = Workspace(tmp_path, signer)
    made.archive(
        {
            "libc_1": "",
            "libssl_1": "Depends: libc (= 1)\n",
            "tool_1": "Depends: libssl (>= 1), libextra\n",
            "libextra_1": "",
            "other_1": "Depends: libc\n",
        }
    )
    made.images({"base": ["libc_1"], "libraries": ["libssl_1"]})
    return made


@needs_apt
def test_what_not_every_image_has_is_locked_as_images_have_it(workspace: Workspace) -> None:
    assert workspace.lock("tool") == 0
    assert workspace.versions() == {"libextra": "1", "libssl": "1", "tool": "1"}
    text = workspace.text
    assert f"\n# `{COMMAND}`\n" in text
    assert [line for line in text.splitlines() if line.startswith("arch ")] == [
        "arch amd64",
        "arch arm64",
    ]
    assert workspace.lock("tool") == 0
    assert workspace.text == text


@needs_apt
def test_only_what_is_asked_for_is_added(workspace: Workspace) -> None:
    """The archive has newer ones of everything; neither images' nor user's packages change."""
    assert workspace.lock("tool") == 0
    before = workspace.text.splitlines()
    workspace.archive(
        {
            "libc_2": "",
            "libssl_2": "Depends: libc (= 2)\n",
            "tool_2": "Depends: libssl (>= 1), libextra\n",
            "libextra_2": "Breaks: tool (<< 2)\n",
            "other_2": "Depends: libc\n",
        }
    )
    assert workspace.lock("tool", "other") == 0
    assert workspace.versions() == {"libextra": "1", "libssl": "1", "other": "2", "tool": "1"}
    rows = [line for line in before if " own=" in line]
    assert [row for row in rows if row not in workspace.text.splitlines()] == []
    # Where the snapshot archive has what is superseded.
    assert "\nearlier 20261101T000000Z\n" in workspace.text
    assert workspace.lock("tool", "other", "--upgrade") == 0
    # The images' stay also then.
    assert workspace.versions() == {"libextra": "2", "libssl": "1", "other": "2", "tool": "2"}


@needs_apt
def test_what_every_image_has_can_be_asked_for(workspace: Workspace) -> None:
    assert workspace.lock("libc", "other") == 0
    assert workspace.versions() == {"libc": "1", "other": "1"}


@needs_apt
@pytest.mark.parametrize(
    ("words", "fields", "message"),
    [
        (["tol"], "", "trixie has no package 'tol' for amd64"),
        (["other"], "Depends: libc (>= 2)\n", "take a newer python_images, or leave out what"),
    ],
)
def test_an_error_leaves_the_lock_alone(
    workspace: Workspace,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    fields: str,
    message: str,
) -> None:
    assert workspace.lock("tool") == 0
    before = workspace.text
    workspace.archive(
        {"libc_2": "", "libssl_2": "", "libextra_1": "", "tool_1": "", "other_2": fields}
    )
    assert workspace.lock("tool", *words) == 2
    said = capsys.readouterr().err
    assert "lock: error: acme.lock: " in said
    assert message in said
    assert workspace.text == before


@needs_apt
def test_other_content_of_a_version(
    workspace: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    assert workspace.lock("tool") == 0
    before = workspace.text
    workspace.archive({"libc_1": "", "libssl_1": "", "tool_1": "Depends: libc\n", "libextra_1": ""})
    assert workspace.lock("tool") == 2
    assert "content of tool 1 changed" in capsys.readouterr().err
    assert workspace.text == before


def test_a_damaged_lock_is_replaced(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "acme.lock"
    path.write_text("suite trixie\narch amd64\nx\n")
    assert lock_added.read_old(path) == {}
    assert "replacing a damaged lock: acme.lock:" in capsys.readouterr().err
