from __future__ import annotations

import pytest

from tools.rootfs.debian import slim, tiny_debian_fixtures
from tools.rootfs.tree import Kind


@pytest.mark.parametrize(
    ("path", "kind", "skipped"),
    [
        ("usr/share/doc/a/copyright", "file", False),
        ("usr/share/doc/a/changelog.gz", "file", True),
        ("usr/share/doc/a", "dir", False),  # may hold a copyright file
        ("usr/share/doc/b", "symlink", False),
        ("usr/share/man/man1/a.1.gz", "file", True),
        ("usr/share/man/man1", "dir", True),
        ("usr/share/man", "dir", False),
        ("usr/share/locale/de/LC_MESSAGES/a.mo", "file", True),
        ("usr/share/locale/de", "dir", True),
        ("usr/share/locale/locale.alias", "file", False),
        ("usr/share/lintian/overrides/a", "file", True),
        ("usr/bin/a", "file", False),
    ],
)
def test_what_dpkg_skips(path: str, kind: Kind, skipped: bool) -> None:
    assert slim.dpkg_skips(path, kind) is skipped


def test_deleting_leaves_copyrights_and_what_leads_somewhere() -> None:
    tree = tiny_debian_fixtures.system().tree
    for path in (
        "usr/share/doc/a/copyright",
        "usr/share/doc/a/examples/deep/one",
        "usr/share/man/man1/a.1.gz",
        "usr/share/man/de/man1/a.1.gz",
        "usr/share/locale/de/a.mo",
        "usr/share/other/file",
    ):
        tree.put(path, b"x", source="a")
    tree.put("usr/share/doc/empty/copyright", b"", source="a")  # find -empty takes it
    tree.symlink("usr/share/doc/b", "a", source="b")
    tree.symlink("usr/share/doc/c/copyright", "../gone/copyright", source="c")
    tree.symlink("usr/share/man/man1/b.1.gz", "a.1.gz", source="b")
    slim.delete(tree)
    assert sorted(path for path in tree if path.startswith("usr/share/")) == [
        "usr/share/doc",
        "usr/share/doc/a",
        "usr/share/doc/a/copyright",
        "usr/share/doc/b",
        "usr/share/locale",
        "usr/share/man",
        "usr/share/man/man1",
        "usr/share/other",
        "usr/share/other/file",
    ]
    assert tree.entries["usr/share/man/man1"].mode == 0o775


def test_the_configuration_names_every_pattern() -> None:
    lines = slim.dpkg_config().splitlines()
    assert [x.split()[1] for x in lines if x.startswith("path-exclude ")] == [*slim.EXCLUDES]
    assert [x.split()[1] for x in lines if x.startswith("path-include ")] == [*slim.INCLUDES]
