from __future__ import annotations

import io
import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.rootfs.rootfs_error import RootfsError
from tools.rootfs.tarout import write_tar
from tools.rootfs.tree import Entry, Tree, newest

EPOCH = 1000


def tree() -> Tree:
    return Tree(EPOCH, {"bin": "usr/bin", "lib": "usr/lib"})


def a_file(source: str = "a", **fields: object) -> Entry:
    return Entry("file", 0o644, content=b"x", source=source, **fields)  # type: ignore[arg-type]


def test_a_path_of_two_packages_is_a_conflict_naming_both() -> None:
    t = tree()
    t.add("usr/bin/x", a_file("one"))
    with pytest.raises(RootfsError, match=r"one .* and two") as error:
        t.add("usr/bin/x", a_file("two"))
    assert error.value.subject == "/usr/bin/x"


def test_merged_usr_makes_two_names_one_path() -> None:
    t = tree()
    t.add("bin/sh", a_file("dash"))
    assert "usr/bin/sh" in t
    assert "bin/sh" in t
    assert "bin/sh" not in t.entries
    with pytest.raises(RootfsError, match="shipped by both"):
        t.add("usr/bin/sh", a_file("bash"))


def test_directories_may_be_shared_when_equal() -> None:
    t = tree()
    t.add("etc", Entry("dir", 0o755, mtime=1, source="one"))
    t.add("etc", Entry("dir", 0o755, mtime=2, source="two"))
    with pytest.raises(RootfsError, match="mode 0700"):
        t.add("etc", Entry("dir", 0o700, source="three"))


def test_a_merged_directory_stays_a_link() -> None:
    t = tree()
    t.symlink("lib", "usr/lib", source="merged /usr")
    t.add("lib", Entry("dir", 0o755, source="libfoo"))
    assert t.entries["lib"].kind == "symlink"


def test_nothing_is_newer_than_the_epoch() -> None:
    t = tree()
    t.add("old", a_file(mtime=1))
    t.add("new", a_file(mtime=EPOCH + 1))
    t.put("computed", b"", source="effect")
    assert [t.entries[p].mtime for p in ("old", "new", "computed")] == [1, EPOCH, EPOCH]


def test_what_a_layer_writes_again_as_it_was_keeps_its_time() -> None:
    t = tree()
    t.put("same", b"x", source="effect")
    t.put("other", b"x", source="effect")
    t.symlink("link", "same", source="effect")
    t.mkdir("etc", source="effect")
    before = {"": t.root, **t.entries}
    t.begin(EPOCH + 5)
    t.add("", Entry("dir", 0o755, source="one"))
    t.add("etc", Entry("dir", 0o755, source="one"))
    t.remove("link")
    t.symlink("link", "same", source="effect")
    t.put("same", b"x", source="effect")
    t.put("other", b"y", source="effect")
    t.put("new", b"y", source="effect")
    t.keep_times(before)
    assert {path: entry.mtime - EPOCH for path, entry in t.entries.items()} == {
        "same": 0, "other": 5, "link": 0, "etc": 0, "new": 5,
    }  # fmt: skip
    assert t.root.mtime == EPOCH


def test_the_root_of_an_empty_tree_is_as_new_as_its_layer() -> None:
    t = tree()
    t.begin(EPOCH + 5)
    assert t.root.mtime == EPOCH + 5


@pytest.mark.parametrize(
    ("given", "own", "expected"), [(None, [1, 3, 2], 3), (None, [], 9), (5, [1, 7], 5), (5, [], 5)]
)
def test_the_epoch_of_a_layer(given: int | None, own: list[int], expected: int) -> None:
    assert newest(given, own, below=9) == expected


def test_files_below_a_file_are_refused() -> None:
    t = tree()
    t.add("etc", a_file("odd"))
    with pytest.raises(RootfsError, match="lies below /etc, which is a file of odd"):
        t.put("etc/passwd", b"", source="effect")
    t.add("etc/group", a_file())
    with pytest.raises(RootfsError, match="lies below"):
        t.finish()


def test_effects_do_not_replace_directories_by_files_or_back() -> None:
    t = tree()
    t.mkdir("etc/x", source="a")
    with pytest.raises(RootfsError, match="would replace a dir"):
        t.put("etc/x", b"", source="b")
    t.put("etc/y", b"", source="a")
    with pytest.raises(RootfsError, match="needs a directory"):
        t.mkdir("etc/y", source="b")


def test_a_hard_link_without_its_file_is_refused() -> None:
    t = tree()
    t.add("usr/bin/perl5", Entry("hardlink", 0o755, target="usr/bin/perl", source="perl-base"))
    with pytest.raises(RootfsError, match="perl-base ships it as a hard link"):
        t.finish()


def test_links_are_followed_as_the_kernel_does() -> None:
    t = tree()
    t.symlink("lib", "usr/lib", source="x")
    t.put("usr/lib/a/real", b"content", source="x")
    t.symlink("usr/lib/a/relative", "real", source="x")
    t.symlink("usr/lib/b/up", "../a/relative", source="x")
    t.symlink("etc/absolute", "/lib/b/up", source="x")
    t.symlink("etc/loop", "loop", source="x")
    t.symlink("etc/broken", "nowhere", source="x")
    t.finish()
    assert t.resolve("etc/absolute") == "usr/lib/a/real"
    assert t.read("/etc/absolute") == b"content"
    assert t.resolve("etc/loop") is None
    assert t.resolve("etc/broken") is None
    with pytest.raises(RootfsError, match="is needed"):
        t.read("etc/broken")


def test_missing_parents_are_made() -> None:
    t = tree()
    t.add("a/b/c", a_file())
    t.finish()
    assert t.entries["a"].kind == t.entries["a/b"].kind == "dir"


def test_remove_and_children() -> None:
    t = tree()
    for path in ("etc/d/one", "etc/d/two", "etc/d/sub/three", "etc/dx"):
        t.put(path, b"", source="x")
    assert t.children("etc/d") == ["one", "sub", "two"]
    t.remove("etc/d")
    assert sorted(t) == ["etc", "etc/dx"]


names = st.text("abcdefghijklmnopqrstuvwxyzéß", min_size=1, max_size=120)
paths = st.lists(names, min_size=1, max_size=4).map("/".join)


@given(st.dictionaries(paths, st.binary(max_size=1100), max_size=8), st.randoms())
def test_a_tar_depends_on_the_entries_only(files: dict[str, bytes], random: object) -> None:
    entries = [(p, Entry("file", 0o640, 3, 4, 5, content=c)) for p, c in files.items()]
    entries += [("Z", Entry("symlink", 0o777, target="t" * 150)), ("D", Entry("dir", 0o2775))]
    first, second = io.BytesIO(), io.BytesIO()
    write_tar(first, entries)
    random.shuffle(entries)  # type: ignore[attr-defined]
    write_tar(second, entries)
    assert first.getvalue() == second.getvalue()
    first.seek(0)
    with tarfile.open(fileobj=first) as tar:
        for path, content in files.items():
            info = tar.getmember(path)
            stream = tar.extractfile(info)
            assert stream is not None
            assert stream.read() == content
            assert (info.mode, info.uid, info.gid, info.mtime) == (0o640, 3, 4, 5)
        assert tar.getmember("Z").linkname == "t" * 150


def test_hard_links_come_after_their_files() -> None:
    out = io.BytesIO()
    entries = {
        "": Entry("dir", 0o755),
        "a": Entry("hardlink", 0o755, target="b"),
        "b": Entry("file", 0o755, content=b"x"),
    }
    write_tar(out, entries.items())
    out.seek(0)
    with tarfile.open(fileobj=out) as tar:
        assert tar.getnames() == [".", "b", "a"]
