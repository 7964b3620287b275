"""Tests of tools/oci/annotations.py."""

from pathlib import Path

import pytest

from tools.oci.annotations import lines, main

DIGEST = "sha256:" + "ab" * 32


def test_lines_are_sorted_and_name_the_base() -> None:
    key = "org.opencontainers.image."
    assert lines([key + "title=python", key + "created=2026-01-01T00:00:00Z"], DIGEST) == [
        f"{key}base.digest={DIGEST}",
        f"{key}created=2026-01-01T00:00:00Z",
        f"{key}title=python",
    ]


def test_an_image_without_a_base() -> None:
    assert lines(["b=2", "a=1"], None) == ["a=1", "b=2"]


@pytest.mark.parametrize(("pair", "digest"), [("title", DIGEST), ("a=b\nc", DIGEST), ("a=b", "x")])
def test_what_is_no_pair_or_no_digest_is_refused(pair: str, digest: str) -> None:
    with pytest.raises(ValueError, match="is not a"):
        lines([pair], digest)


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--pair=a=b\nc"], r"'a=b\nc' is not a key=value pair of one line"),
        (["--base-digest=digest"], "is not a sha256 digest"),
        (["--base-digest=none"], "No such file or directory: 'none'"),
    ],
)
def test_what_is_refused_is_one_line_and_writes_nothing(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    why: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("digest").write_text("x\n")
    assert main([*words, "--output=out"]) == 1
    err = capsys.readouterr().err
    assert err.startswith("annotations: ")
    assert why in err
    assert err.count("\n") == 1
    assert not Path("out").exists()
