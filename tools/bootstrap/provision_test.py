"""Provisioning with a fake apt-get and dpkg-deb: that it is done once, and wholly."""

import hashlib
import io
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from tools.bootstrap import launch, provision
from tools.bootstrap.common import BootstrapError

# A process that provisions, but for what needs real packages.
DRIVER = """\
import os
import sys
sys.path[:0] = {path!r}
from tools.bootstrap import apt_sources, provision, relocate, smoke
apt_sources.KEYRINGS = ({keyring!r},)
provision.check_host = lambda: None
def relocated(root):
    for folder in ("usr/bin", "usr/share/bazel", "jvm"):
        os.makedirs(os.path.join(root, folder), exist_ok=True)
    os.close(os.open(os.path.join(root, "usr/bin/bazel"), os.O_CREAT | os.O_WRONLY, 0o755))
relocate.relocate = relocated
relocate.java_home = lambda root: "jvm"
smoke.check = lambda home, root, version: None
provision.provision(sys.argv[1], "7.7.1")
"""

# "download" takes as long as there is a file `slow`; every call is logged.
APT_GET = """\
#!/bin/sh
here={tmp}
case "$*" in
*--print-uris*) echo "'http://a.example/a_1_all.deb' a_1_all.deb {size} SHA256:{sha256}" ;;
*--download-only*)
    echo begin >> $here/downloads
    while [ -e $here/slow ]; do sleep 0.05; done
    cp $here/a_1_all.deb $here/cache/key/apt/cache/archives/
    echo end >> $here/downloads ;;
esac
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as archive:
        member = tarfile.TarInfo("./usr/share/a/file")
        member.size = 4
        archive.addfile(member, io.BytesIO(b"text"))
        documentation = tarfile.TarInfo("./usr/share/doc/a/copyright")
        archive.addfile(documentation, io.BytesIO())
    deb = tmp_path / "a_1_all.deb"  # the fake dpkg-deb takes a .deb to be its data archive
    deb.write_bytes(data.getvalue())
    sha256 = hashlib.sha256(data.getvalue()).hexdigest()
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, text in (
        ("apt-get", APT_GET.format(tmp=tmp_path, size=len(data.getvalue()), sha256=sha256)),
        ("apt-config", "#!/bin/sh\n"),
        ("dpkg-deb", '#!/bin/sh\nexec cat "$2"\n'),
    ):
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    keyring = tmp_path / "keyring.gpg"
    keyring.write_bytes(b"")
    driver = DRIVER.format(path=[str(Path(provision.__file__).parents[2])], keyring=str(keyring))
    (tmp_path / "driver.py").write_text(driver)
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")
    monkeypatch.setenv("DEBIAN_MIRROR", "http://a.example")
    return tmp_path / "cache" / "key"


def start(home: Path) -> "subprocess.Popen[str]":
    command = [sys.executable, str(home.parents[1] / "driver.py"), str(home)]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True)


def finish(process: "subprocess.Popen[str]") -> str:
    _, said = process.communicate(timeout=60)
    assert process.returncode == 0, said
    return said


def downloads(home: Path) -> list[str]:
    log = home.parents[1] / "downloads"
    return log.read_text().split() if log.exists() else []


def wait_for_download(home: Path, process: "subprocess.Popen[str]") -> None:
    deadline = time.monotonic() + 30
    while not downloads(home):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_provisioned_once(home: Path) -> None:
    assert "is ready" in finish(start(home))
    assert (home / "root/usr/share/a/file").read_bytes() == b"text"
    assert not (home / "root/usr/share/doc").exists()
    assert (home / "root/lib").readlink() == Path("usr/lib")
    complete = (home / "complete").read_text().splitlines()
    assert "package: a_1_all.deb" in complete
    assert "mirror: http://a.example" in complete
    facts = launch.installed(str(home))
    assert facts is not None
    assert facts["java_home"] == "jvm"
    assert not (home / "apt").exists()
    assert finish(start(home)) == ""
    assert downloads(home) == ["begin", "end"]


def test_two_at_once(home: Path) -> None:
    slow = home.parents[1] / "slow"
    slow.touch()
    first = start(home)
    wait_for_download(home, first)
    second = start(home)
    assert second.stderr is not None
    assert "waiting for another" in second.stderr.readline()
    slow.unlink()
    finish(first)
    finish(second)
    assert downloads(home) == ["begin", "end"]


def test_killed_half_way(home: Path) -> None:
    """Its apt-get lives on for a while: the next one waits for it, and begins anew."""
    slow = home.parents[1] / "slow"
    slow.touch()
    first = start(home)
    wait_for_download(home, first)
    first.send_signal(signal.SIGKILL)
    first.communicate()
    (home / "root" / "half").write_text("unpacked")
    second = start(home)
    assert second.stderr is not None
    assert "waiting for another" in second.stderr.readline()
    assert not (home / "complete").exists()
    slow.unlink()
    said = finish(second)
    assert "downloading" not in said  # what the orphan had fetched was of use
    assert downloads(home) == ["begin", "end"]
    assert not (home / "root" / "half").exists()
    assert (home / "root/usr/share/a/file").read_bytes() == b"text"


def test_damaged_package(home: Path) -> None:
    (home.parents[1] / "bin" / "dpkg-deb").write_text("#!/bin/sh\necho 'bad archive' >&2; exit 2\n")
    process = start(home)
    _, said = process.communicate(timeout=60)
    assert process.returncode != 0
    assert "a_1_all.deb" in said
    assert "bad archive" in said
    assert not (home / "complete").exists()


def test_full_disk(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provision, "check_host", lambda: None)
    monkeypatch.setattr(provision, "_UNPACKED_BYTES", 1e18)
    with pytest.raises(BootstrapError, match="MB free"):
        provision.provision(str(home), "7.7.1")
    assert downloads(home) == []


def test_hosts_that_offer_neither_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BootstrapError, match=r"apt and dpkg and tar.*install bazelisk"):
        provision.check_host()
    machine = os.uname_result(("Linux", "host", "6", "1", "aarch64"))
    monkeypatch.setattr(os, "uname", lambda: machine)
    with pytest.raises(BootstrapError, match=r"aarch64.*install bazelisk"):
        provision.check_host()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_cache_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "cache").mkdir(mode=0o555)
    with (
        pytest.raises(BootstrapError, match="XDG_CACHE_HOME"),
        provision.lock(str(tmp_path / "cache" / "x" / "key")),
    ):
        pass


@pytest.mark.parametrize(
    "damage",
    [
        lambda home: (home / "complete").write_text("garbled"),
        lambda home: (home / "complete").write_bytes(b"\xff\xfe"),
        lambda home: (home / "complete").write_text("bazel: 7.7.1\n"),
        lambda home: (home / "root/usr/bin/bazel").unlink(),
        lambda home: (home / "root/usr/bin/bazel").chmod(0o644),
        lambda home: shutil.rmtree(home / "root/jvm"),
        lambda home: shutil.rmtree(home / "root/usr/share/bazel"),
    ],
)
def test_a_damaged_cache_is_healed(home: Path, damage: Callable[[Path], object]) -> None:
    assert start(home).wait() == 0
    whole = launch.installed(str(home))
    assert whole is not None
    damage(home)
    assert launch.installed(str(home)) is None
    again = start(home)
    assert again.wait() == 0
    assert launch.installed(str(home)) == whole


@pytest.mark.parametrize("name", ["a b", 'a"b', "a'b", "caf\u00e9", "a\nb", "a#b", "a?b"])
def test_a_cache_that_paths_can_not_name(tmp_path: Path, name: str) -> None:
    with pytest.raises(BootstrapError, match="set XDG_CACHE_HOME to a directory"):
        provision.check_place(str(tmp_path / name / "key"))
    provision.check_place("/home/some.one/.cache/python-images/bazel/7.7.1-trixie_x")


def test_downloads_that_are_there_need_no_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "apt").mkdir()
    (tmp_path / "apt/a.deb").write_bytes(os.urandom(1_000_000))
    disk = SimpleNamespace(free=899.5e6)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: disk)
    provision._check_space(str(tmp_path))
    disk.free = 898e6
    with pytest.raises(BootstrapError, match=f"899 MB needed; free some, remove {tmp_path}"):
        provision._check_space(str(tmp_path))
