"""What security policies ask of an image with a user, of its files and settings, by its layers."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from tests.hardened.image_tree import File, files_of, settings_of

LAYOUT = Path(os.environ["IMAGE"])

# Writable for all, with the sticky bit, as on every Debian system.
SHARED = {"run/lock", "tmp", "var/tmp"}
# One with content: libraries have the first line alone, to write it.
PRIVATE_KEY = re.compile(rb"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----\r?\n[A-Za-z0-9+/=:\- ]{16}")

# It checks its algorithms with published keys, which its code holds.
SELF_TESTS = re.compile(r"/libgnutls\.(a|so\.[0-9.]+)$")


@pytest.fixture(scope="module", name="files")
def _files() -> dict[str, File]:
    found = files_of(LAYOUT)
    assert "usr/lib/os-release" in found
    return found


def test_nothing_is_setuid_or_setgid(files: dict[str, File]) -> None:
    """Folders may be set-group-ID: what is made in Debian's /var/mail is of its group."""
    found = [path for path, file in files.items() if file.mode & 0o6000 and not file.is_folder]
    assert found == []


def test_only_folders_for_temporary_files_are_writable_for_all(files: dict[str, File]) -> None:
    writable = {
        path: file.mode for path, file in files.items() if file.mode & 0o002 and not file.is_link
    }
    assert writable == dict.fromkeys(SHARED, 0o1777)


def test_there_is_no_private_key(files: dict[str, File]) -> None:
    assert PRIVATE_KEY.search(b"-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEA")
    found = [path for path, file in files.items() if PRIVATE_KEY.search(file.content)]
    assert [path for path in found if not SELF_TESTS.search(path)] == []
    assert [path for path in files if re.search(r"etc/ssl/private/.|/id_[a-z0-9]+$", path)] == []


def test_nobody_has_a_password(files: dict[str, File]) -> None:
    names = ("etc/passwd", "etc/shadow", "etc/group", "etc/gshadow")
    lines = {name: files[name].content.decode().splitlines() for name in names if name in files}
    assert len(lines["etc/passwd"]) > 1
    fields = {name: {line.split(":")[1] for line in lines[name]} for name in lines}
    assert fields.pop("etc/passwd") <= {"*", "x"}
    assert fields.pop("etc/group") <= {"*", "x"}
    assert all(found <= {"", "*", "!", "!*"} for found in fields.values()), fields
    assert "" not in fields.get("etc/shadow", set())


def test_the_user_is_a_number_and_not_root() -> None:
    """As the kubelet's runAsNonRoot wants it, which doesn't read /etc/passwd."""
    user = settings_of(LAYOUT).get("User", "")
    assert re.fullmatch(r"[1-9][0-9]*(:[1-9][0-9]*)?", user), user
