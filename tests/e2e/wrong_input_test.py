"""Wrong input gives one clear error, leaves nothing half-written, and the next run recovers.

Each test breaks one thing in a scratch copy of the checkout and reads what Bazel says. The copy
has a repository cache of its own where the cache itself is what gets damaged.
"""

from __future__ import annotations

import hashlib
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.roles import MINOR, OTHER_SUITE, RELEASE, SUITE
from tools.testing.checkout import Checkout, scratch

BASE_LAYER = f"//python_images/rootfs:{OTHER_SUITE}_amd64_base"
LOCK = f"third_party/debian/{OTHER_SUITE}_amd64.lock"


@pytest.fixture(scope="module")
def checkout() -> Iterator[Checkout]:
    with scratch("wrong_input") as copy:
        yield copy


def lock_line(checkout: Checkout, package: str) -> str:
    """Return the lock's line of a package."""
    (line,) = [
        line
        for line in (checkout.path / LOCK).read_text().splitlines()
        if line.startswith(package + " ")
    ]
    return line


def test_the_copy_itself_builds(checkout: Checkout) -> None:
    result = checkout.bazel("build", BASE_LAYER)
    assert result.status == 0, result.output


def test_an_unknown_tag_is_no_target(checkout: Checkout) -> None:
    result = checkout.bazel("build", "//images:3.99-slim")
    assert result.status != 0
    assert "no such target '//images:3.99-slim'" in result.errors
    # Bazel's own hint: the tags that look like it.
    assert "did you mean" in result.errors


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        (
            "catalog/versions.yaml",
            "    sha256: ",
            "    sha265: ",
            ("catalog/versions.yaml:", "sha256"),
        ),
        ("catalog/versions.yaml", "versions:\n", "versions: [\n", ("catalog/versions.yaml",)),
        (
            "catalog/suites.yaml",
            "    platforms: [",
            "    platforms: [sparc, ",
            ("catalog/suites.yaml", "sparc"),
        ),
    ],
    ids=["missing sha256", "malformed YAML", "unknown platform"],
)
def test_a_bad_catalog_stops_the_build(
    checkout: Checkout, file: str, old: str, new: str, said: tuple[str, ...]
) -> None:
    with checkout.changed(file, old, new):
        result = checkout.bazel("query", "//images:all")
    assert result.status != 0
    for word in said:
        assert word in result.errors, result.output
    assert "crashed" not in result.output


def test_a_pin_that_left_the_archive_names_package_lock_and_remedy(checkout: Checkout) -> None:
    line = lock_line(checkout, "netbase")
    words = line.split(" ")
    # Another file name, and bytes nobody has: neither the cache nor a mirror can serve it.
    words[3] = words[3].replace("netbase_", "netbase_0gone")
    words[4] = "0" * 64
    number = (checkout.path / LOCK).read_text().splitlines().index(line) + 1
    with checkout.changed(LOCK, line, " ".join(words)):
        result = checkout.bazel("build", f"//python_images/rootfs:{OTHER_SUITE}_amd64_slim")
    assert result.status != 0
    assert f"{OTHER_SUITE}_amd64.lock:{number}" in result.errors, result.output
    assert "netbase" in result.errors
    assert "./bazelw --bazelw-lock --keep --suite=bookworm --arch=amd64" in result.errors


def test_what_is_printed_cures_a_package_of_the_tools_interpreter_that_is_gone(
    checkout: Checkout,
) -> None:
    """//tools:lock can't run then: its interpreter is made of that package."""
    (lock,) = (
        path
        for path in (checkout.path / "third_party/debian").rglob("*_amd64.lock")
        if re.search(r"^libexpat1 .*\bpython=", path.read_text(), re.MULTILINE)
    )
    before = lock.read_text()
    line = next(line for line in before.splitlines() if line.startswith("libexpat1 "))
    words = line.split(" ")
    # As if the archive had dropped the locked version, and offered the one that was locked really.
    gone = [words[0], "0.1-1", words[2], words[3].replace(words[1], "0.1-1"), "0" * 64, *words[5:]]
    lock.write_text(before.replace(line, " ".join(gone)))
    try:
        result = checkout.bazel("build", "//tools:lock")
        assert result.status != 0
        assert "libexpat1 0.1-1" in result.errors, result.output
        found = re.search(r": (\./bazelw --bazelw-lock .*)$", result.errors, re.MULTILINE)
        assert found, result.errors
        run = subprocess.run(
            found[1], shell=True, cwd=checkout.path, capture_output=True, text=True, check=False
        )
        assert run.returncode == 0, run.stderr
        assert "libexpat1 0.1-1 -> " in run.stdout
        result = checkout.bazel("build", "//tools:lock")
        assert result.status == 0, result.output
    finally:
        lock.write_text(before)


def test_a_source_that_nobody_has_names_release_places_and_remedy(checkout: Checkout) -> None:
    gone = f"{MINOR}.99"
    target = f"//images:{MINOR}-slim-{SUITE}_amd64"
    row = f"- version: {RELEASE}\n"
    with checkout.changed("catalog/versions.yaml", row, f"- version: {gone}\n"):
        listed = checkout.bazel("query", target)
        result = checkout.bazel("build", "--nobuild", target)
    assert listed.status == 0, listed.output
    assert result.status != 0
    assert f"the source of CPython {gone}" in result.errors, result.output
    assert "can't be fetched with the sha256 of catalog/versions.yaml" in result.errors
    assert f"  https://www.python.org/ftp/python/{gone}" in result.errors
    assert "--repo_env=PYTHON_MIRROR=" in result.errors
    assert "crashed" not in result.output


def test_a_changed_maintainer_script_asks_for_review(checkout: Checkout) -> None:
    table = f"tools/rootfs/debian/scripts/{OTHER_SUITE}.toml"
    entry = "[[base-files.postinst]]\nsha256 = "
    text = (checkout.path / table).read_text()
    line = entry + text.partition(entry)[2].partition("\n")[0]
    with checkout.changed(table, line, f'{entry}"{"0" * 64}"'):
        result = checkout.bazel("build", BASE_LAYER)
    assert result.status != 0
    assert "base-files" in result.errors, result.output
    assert "review" in result.errors
    assert checkout.bazel("build", BASE_LAYER).status == 0


def flip_a_byte(path: Path) -> None:
    """Change one byte in the middle of a file, keeping its size and time."""
    status = path.stat()
    path.chmod(0o644)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def test_a_damaged_repository_cache_is_not_used(checkout: Checkout) -> None:
    cache = checkout.path.parent / "repository_cache"
    flag = f"--repository_cache={cache}"
    target = f"@debian//{OTHER_SUITE}/amd64:slim"
    assert checkout.bazel("build", flag, target).status == 0
    digest = lock_line(checkout, "netbase").split(" ")[4]
    cached = cache / "content_addressable/sha256" / digest / "file"
    flip_a_byte(cached)
    assert checkout.bazel("shutdown").status == 0
    # Fetched anew: the cache entry is refused, the mirror asked, the bytes checked again.
    subprocess.run(["chmod", "-R", "u+w", str(checkout.output_base / "external")], check=True)
    for repository in (checkout.output_base / "external").glob(
        f"*debian*{OTHER_SUITE}_amd64_slim*"
    ):
        subprocess.run(["rm", "-rf", str(repository)], check=True)
    result = checkout.bazel("build", flag, target)
    assert result.status == 0, result.output
    (deb,) = (checkout.output_base / "external").glob(f"*{OTHER_SUITE}_amd64_slim/netbase_*.deb")
    assert hashlib.sha256(deb.read_bytes()).hexdigest() == digest


def test_a_damaged_deb_stops_the_action(checkout: Checkout) -> None:
    (deb,) = (checkout.output_base / "external").glob(f"*{OTHER_SUITE}_amd64_base/base-files_*.deb")
    good = deb.read_bytes()
    flip_a_byte(deb)
    try:
        checkout.bazel("clean")
        result = checkout.bazel("build", "--nouse_action_cache", "--disk_cache=", BASE_LAYER)
    finally:
        deb.write_bytes(good)
    assert result.status != 0
    assert "base-files" in result.errors, result.output
    assert "sha256" in result.errors
    assert checkout.bazel("build", BASE_LAYER).status == 0


def test_a_killed_build_leaves_nothing_and_the_next_one_succeeds(checkout: Checkout) -> None:
    checkout.bazel("clean")
    (output,) = checkout.output(BASE_LAYER)
    assert not output.exists()
    build = subprocess.Popen(
        [
            str(checkout.path / "bazelw"),
            f"--output_base={checkout.output_base}",
            "build",
            "--disk_cache=",
            BASE_LAYER,
        ],
        cwd=checkout.path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    sandboxes = checkout.output_base / "sandbox/linux-sandbox"
    deadline = time.monotonic() + 60
    while not (sandboxes.is_dir() and any(sandboxes.iterdir())):
        assert time.monotonic() < deadline and build.poll() is None, "the action never started"
        time.sleep(0.02)
    server = int((checkout.output_base / "server/server.pid.txt").read_text())
    os.kill(server, signal.SIGKILL)
    build.wait()
    assert not output.exists()
    result = checkout.bazel("build", BASE_LAYER)
    assert result.status == 0, result.output
    assert output.exists()
