"""Windows images from end to end, without Windows: lock, build, push, pull, run.

The base image is a small one with documents like Microsoft's, in Debian's docker-registry on the
loopback; Python is a zip archive like python.org's with a stand-in for python.exe, made by
mingw-w64, and the real pip of a release. What is in the pushed image's layer runs under wine.
"""

from __future__ import annotations

import gzip
import hashlib
import http.server
import io
import json
import os
import re
import shutil
import subprocess
import tarfile
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.roles import SUITE
from tools.oci.registry.client import Client
from tools.oci.registry.real_registry import RealRegistry
from tools.oci.registry.reference import Repository
from tools.oci.registry.transport import Transport
from tools.oci.registry.upload import upload
from tools.oci.validate import Validator
from tools.testing.checkout import Checkout, Result, scratch
from tools.windows.windows_fixtures import Base, digest, python_files, write_zip

VERSION = os.environ["VERSION"]
SOURCE = Path(os.environ["SOURCE"]).resolve()
COMPILER = "x86_64-w64-mingw32-gcc"
BASES = {
    "ltsc2025": Base(os_version="10.0.26100.4652"),
    "ltsc2022": Base(os_version="10.0.20348.5499"),
}
IMAGE = f"{VERSION}-windowsservercore-ltsc2025"
INDEX = f"{VERSION}-windowsservercore"


def need(*programs: str) -> None:
    for program in programs:
        if not shutil.which(program):
            pytest.skip(f"SKIPPED: {program} is not installed here")


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealRegistry]:
    """A registry with the base images."""
    need("docker-registry")
    running = RealRegistry(tmp_path_factory.mktemp("registry"))
    try:
        client = client_of(running, "windows/servercore")
        for release, base in BASES.items():
            for blob in (*base.layers, base.configuration):
                file = running.folder / "blob"
                file.write_bytes(blob)
                upload(client, digest(blob), file, len(blob))
            entry = base.entry()
            client.put_manifest(release, entry["mediaType"], base.manifest)
        yield running
    finally:
        running.stop()


def client_of(registry: RealRegistry, path: str) -> Client:
    transport = Transport(Repository(registry.host, path))
    transport.connect()
    return Client(transport)


def get(registry: RealRegistry, path: str, what: str) -> bytes:
    """A manifest or blob, read back with nothing but HTTP; its digest is checked."""
    transport = Transport(Repository(registry.host, path))
    transport.connect()
    accept = "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json"
    answer = transport.request("GET", f"/v2/{path}/{what}", {"Accept": accept}, limit=1 << 30)
    assert answer.status == 200, what
    if "sha256:" in what:
        assert digest(answer.body) == what.rpartition("/")[2]
    return answer.body


def pip_wheel() -> bytes:
    """pip as it comes with the release: out of CPython's own source."""
    with tarfile.open(SOURCE) as tar:
        for member in tar:
            if "/Lib/ensurepip/_bundled/pip-" in member.name:
                file = tar.extractfile(member)
                assert file is not None
                return file.read()
    raise AssertionError("CPython's source has no pip")


@pytest.fixture(scope="module")
def python_mirror(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """(URL, SHA-256) of a mirror of python.org that has a zip archive, and of that archive."""
    need(COMPILER)
    folder = tmp_path_factory.mktemp("mirror")
    program = folder / "python.exe"
    source = Path(__file__).with_name("windows_python.c")
    subprocess.run(
        [COMPILER, "-O2", "-s", f'-DVERSION="{VERSION}"', "-o", program, source], check=True
    )
    files = {
        name: data
        for name, data in python_files(VERSION, program.read_bytes()).items()
        if "site-packages" not in name
    }
    files["Lib/ensurepip/_bundled/pip-0-py3-none-any.whl"] = pip_wheel()
    (folder / VERSION).mkdir()
    archive = write_zip(folder / VERSION / f"python-{VERSION}-amd64.zip", files)
    handler = partial(http.server.SimpleHTTPRequestHandler, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        sha256 = hashlib.sha256(archive.read_bytes()).hexdigest()
        yield f"http://127.0.0.1:{server.server_port}", sha256
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="module")
def checkout(python_mirror: tuple[str, str]) -> Iterator[Checkout]:
    """A checkout whose catalog has the archive's checksum; nothing is locked."""
    url, sha256 = python_mirror
    with scratch("windows", [f"--repo_env=PYTHON_MIRROR={url}"]) as copy:
        catalog = copy.path / "catalog/windows.yaml"
        before, found, _ = catalog.read_text().partition("\nsha256:\n")
        assert found, "catalog/windows.yaml has no sha256"
        catalog.write_text(f"{before}{found}  {VERSION}:\n    archive: {sha256}\n")
        for lock in (copy.path / "third_party/windows").glob("*.lock"):
            lock.unlink()
        yield copy


@pytest.fixture(scope="module")
def locked(checkout: Checkout, registry: RealRegistry) -> Checkout:
    """The same with the base images locked."""
    done = checkout.bazel("run", "//tools:lock", "--", *BASES, f"--registry={registry.host}")
    assert done.status == 0, done.output
    assert "third_party/windows/ltsc2022.lock: written" in done.output
    return checkout


def test_without_a_lock(checkout: Checkout) -> None:
    done = checkout.bazel("build", f"//images:{IMAGE}")
    assert done.status != 0
    assert "./bazelw run //tools:lock -- ltsc2025 --registry=HOST" in done.errors
    # A wildcard skips it, and says so.
    done = checkout.bazel("test", "//python_images/windows:all")
    assert done.status == 0, done.errors
    assert "1 was skipped" in done.output.replace("2 were skipped", "1 was skipped")
    for release in BASES:
        line = rf"^//python_images/windows:{release}_lock_test +SKIPPED"
        assert re.search(line, done.output, re.M), done.output
    # By name it names the remedy again.
    done = checkout.bazel("test", "//python_images/windows:ltsc2025_lock_test")
    assert done.status != 0
    assert "locked_by_tools_lock" in done.errors
    # Tags shared with Linux are Linux' alone.
    done = checkout.bazel("query", f"deps(//images:{VERSION}, 1)")
    assert f"//images:{VERSION}-{SUITE}\n" in done.output
    assert "windowsservercore" not in done.output


def documents(
    registry: RealRegistry, path: str, name: str
) -> tuple[dict[str, Any], dict[str, Any]]:
    """(manifest, config) of an image in the registry."""
    manifest = json.loads(get(registry, path, f"manifests/{name}"))
    config = json.loads(get(registry, path, f"blobs/{manifest['config']['digest']}"))
    return manifest, config


def pushed(checkout: Checkout, registry: RealRegistry, name: str) -> Result:
    """Push an image or index to team/python, with its name as the tag."""
    to = f"--repository={registry.host}/team/python"
    return checkout.bazel("run", f"//images:{name}.push", "--", to, f"--tag={name}")


def test_pushed_and_read_back(locked: Checkout, registry: RealRegistry) -> None:
    done = pushed(locked, registry, IMAGE)
    assert done.status == 0, done.output
    # The configuration and Python; the base's two layers are mounted.
    assert "sent 2 blobs" in done.output
    assert "mounted 2," in done.output
    manifest, config = documents(registry, "team/python", IMAGE)
    base = BASES["ltsc2025"]
    assert (config["os"], config["os.version"]) == ("windows", base.os_version)
    assert config["config"]["Cmd"] == ["python"]
    assert config["config"]["Shell"][0] == "powershell"
    variables = dict(item.split("=", 1) for item in config["config"]["Env"])
    assert variables["PYTHON_VERSION"] == VERSION
    assert variables["PYTHONIOENCODING"] == "UTF-8"
    assert variables["PATH"].startswith("C:\\Python\\Scripts\\;C:\\Python\\;C:\\Windows\\system32")
    # Every layer is there, and the tar in it is what the configuration says.
    for entry, diff_id in zip(manifest["layers"], config["rootfs"]["diff_ids"], strict=True):
        blob = get(registry, "team/python", f"blobs/{entry['digest']}")
        with gzip.open(io.BytesIO(blob)) as stream:
            assert digest(stream.read()) == diff_id
    assert [entry["digest"] for entry in manifest["layers"][:2]] == [digest(b) for b in base.layers]


def test_other_tools_take_it(locked: Checkout, registry: RealRegistry, tmp_path: Path) -> None:
    need("skopeo")
    name = f"docker://{registry.host}/team/python:{IMAGE}"
    # Without one, skopeo looks into /run/containers, which root's podman leaves closed.
    (tmp_path / "auth.json").write_text("{}")
    environment = {**os.environ, "REGISTRY_AUTH_FILE": str(tmp_path / "auth.json")}
    told = subprocess.run(
        ["skopeo", "--override-os=windows", "inspect", "--tls-verify=false", name],
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    )
    found = json.loads(told.stdout)
    assert (found["Os"], found["Architecture"]) == ("windows", "amd64")
    assert len(found["Layers"]) == 3
    # skopeo checks each digest on its way.
    copy = ["skopeo", "--insecure-policy", "--override-os=windows", "copy", "--quiet"]
    subprocess.run(
        [*copy, "--src-tls-verify=false", name, f"oci:{tmp_path / 'x'}:x"],
        env=environment,
        check=True,
    )


def test_the_index_of_both_releases(locked: Checkout, registry: RealRegistry) -> None:
    done = pushed(locked, registry, INDEX)
    assert done.status == 0, done.output
    index = json.loads(get(registry, "team/python", f"manifests/{INDEX}"))
    platforms = [entry["platform"] for entry in index["manifests"]]
    assert platforms == [
        {"architecture": "amd64", "os": "windows", "os.version": base.os_version}
        for base in BASES.values()
    ]
    # Not `.test`: the structure tests take a real Python, as //tests/windows has.
    tests = [f"//images:{INDEX}.validation", f"//images:{IMAGE}.validation"]
    done = locked.bazel("test", *tests, "//images:windowsservercore-ltsc2025.lock_test")
    assert done.status == 0, done.output
    assert re.search(r"^//python_images/windows:ltsc2025_lock_test +PASSED", done.output, re.M)


def test_the_documents_name_the_base(locked: Checkout) -> None:
    targets = [f"//images:{IMAGE}.sbom", f"//images:{IMAGE}.provenance"]
    done = locked.bazel("build", *targets, f"//images:{INDEX}.sbom")
    assert done.status == 0, done.errors
    done = locked.bazel("build", "--nobuild", f"//images:{IMAGE}.sign", f"//images:{INDEX}.sign")
    assert done.status == 0, done.errors
    files = [file for target in targets for file in locked.output(target)]
    (bill,) = (json.loads(file.read_text()) for file in files if file.name.endswith(".cdx.json"))
    (statement,) = (json.loads(file.read_text()) for file in files if "intoto" in file.name)
    found = {component["bom-ref"]: component for component in bill["components"]}
    base = BASES["ltsc2025"]
    assert found["base"]["version"] == digest(base.manifest)
    layers = [digest(blob) for blob in base.layers]
    assert [found[f"base/{number}"]["version"] for number in (1, 2)] == layers
    assert found["os"]["version"] == base.os_version
    assert found["cpython"]["version"] == VERSION
    # Linked into python.org's build, by CPython's own bill of externals.
    assert "cpython/xz" in found
    named = {
        f"sha256:{item['digest']['sha256']}": item["annotations"]["roles"]
        for item in statement["predicate"]["buildDefinition"]["resolvedDependencies"]
    }
    assert [named[layer] for layer in layers] == [["base", "foreign-layer"]] * 2


def test_shared_tags_are_linux_and_windows(locked: Checkout) -> None:
    done = locked.bazel("query", f"deps(//images:{VERSION}, 1)")
    assert f"//images:{IMAGE}\n" in done.output
    assert f"//images:{VERSION}-{SUITE}_arm64\n" in done.output


def test_the_same_bytes_again(locked: Checkout) -> None:
    target = f"//images:{IMAGE}.digest"
    assert locked.bazel("build", target).status == 0
    (file,) = locked.output(target)
    before = file.read_text()
    assert locked.bazel("clean").status == 0
    assert locked.bazel("build", "--disk_cache=", target).status == 0
    assert file.read_text() == before


def extracted(layer: bytes, folder: Path) -> Path:
    """Unpack Python's layer as Windows would below C:; return that folder."""
    with tarfile.open(fileobj=io.BytesIO(layer)) as tar:
        for member in tar:
            assert member.name.split("/")[0] in ("Files", "Hives")
            assert "MSWINDOWS.fileattr" in member.pax_headers
            tar.extract(member, folder, filter="data")
    return folder / "Files"


def test_it_runs_under_wine(locked: Checkout, registry: RealRegistry, tmp_path: Path) -> None:
    need("wine")
    manifest, config = documents(registry, "team/python", IMAGE)
    layer = get(registry, "team/python", f"blobs/{manifest['layers'][2]['digest']}")
    drive = extracted(layer, tmp_path)
    prefix = tmp_path / "prefix"
    path = dict(item.split("=", 1) for item in config["config"]["Env"])["PATH"]
    environment = {
        "HOME": str(tmp_path),
        "PATH": os.environ["PATH"],
        "WINEARCH": "win64",
        "WINEDEBUG": "-all",
        "WINEPATH": path,
        "WINEPREFIX": str(prefix),
    }

    def wine(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["wine", *words],
            env=environment,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )

    try:
        started = wine("wineboot", "--init")
        if not (prefix / "drive_c").is_dir():
            pytest.skip(f"SKIPPED: wine doesn't start here: {started.stderr.strip()[-200:]}")
        shutil.copytree(drive / "Python", prefix / "drive_c/Python")
        # What a container does: its command, found by PATH.
        version = wine(*config["config"]["Cmd"], "--version")
        assert version.stdout.strip() == f"Python {VERSION}", version.stderr
        # pip's own launcher finds the interpreter that its last bytes name.
        for program in ("pip", "pip3", "pip" + ".".join(VERSION.split(".")[:2])):
            ran = wine(program, "install", "a b")
            said = ran.stdout.strip().lower()
            assert said.startswith("[c:\\python\\python.exe]"), ran.stderr
            assert said.endswith(f"scripts\\{program}.exe][install][a b]"), said
            assert ran.returncode == 3
    finally:
        subprocess.run(["wineserver", "-k"], env=environment, check=False)


def test_the_layout_is_valid(locked: Checkout) -> None:
    done = locked.bazel("build", f"//images:{IMAGE}")
    assert done.status == 0, done.errors
    validator = Validator(locked.path / f"bazel-bin/images/{IMAGE}")
    assert validator.run() == []
    assert validator.unused == []
