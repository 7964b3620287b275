"""What is said of the size of a small image."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from tools.oci.assembler import image, layer
from tools.size import size

BASE = {
    "usr/lib/liba.so.1": b"a" * 2_000_000,
    "usr/bin/tool": b"t",
    "etc/hosts": b"h",
    "var/lib/dpkg/status.d/liba1": b"Package: liba1\n",
    "var/lib/dpkg/status.d/liba1.md5sums": b"0  usr/lib/liba.so.1\n",
    "var/lib/dpkg/info/tool:amd64.list": b"/.\n/bin/tool\n",
}
ABOVE = {"usr/local/bin/python3": b"p" * 9, "usr/bin/.wh.tool": b"", "etc/hosts": b"hh"}


def blob(path: Path, files: dict[str, bytes]) -> image.LayerSource:
    with tarfile.open(path, "w") as tar:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    layer.write(path, path.with_suffix(".json"))
    return image.LayerSource(path, path.with_suffix(".json"), path.name)


@pytest.fixture(name="layout")
def _layout(tmp_path: Path) -> Path:
    spec = image.ImageSpec(
        platform={"architecture": "amd64", "os": "linux"},
        layers=[blob(tmp_path / "one.tar", BASE), blob(tmp_path / "two.tar", ABOVE)],
        created="2026-01-02T03:04:05Z",
    )
    image.build(spec, tmp_path / "layout")
    return tmp_path / "layout"


def test_files_count_once_for_who_owns_them(layout: Path) -> None:
    sizes = size.measure(layout)
    assert {name: (share.files, share.size) for name, share in sizes.packages.items()} == {
        "liba1": (1, 2_000_000),
        "CPython": (1, 9),
        "computed, of no package": (
            4,
            2 + sum(len(data) for path, data in BASE.items() if path.startswith("var/")),
        ),
    }
    assert sizes.folders["/etc"].size == 2
    assert set(sizes.folders) == {"/usr/lib", "/usr/local/bin", "/etc", "/var"}
    assert len(sizes.layers) == 2


def test_both_forms_of_the_database_tell_whose_a_file_is() -> None:
    found = size.owners(BASE)
    assert found["usr/lib/liba.so.1"] == "liba1"
    assert (found["bin/tool"], found["usr/bin/tool"]) == ("tool", "tool")


def test_the_report_has_a_row_for_what_is_large(
    layout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert size.main([f"--image={layout}", "--folder=/x", "--least", "1"]) == 0
    text = capsys.readouterr().out
    assert text.splitlines()[0].split() == [
        "layer",
        "MB",
        "MB",
        "in",
        "the",
        "image",
        "MB",
        "by",
        "zstd",
        "-19",
    ]
    assert "liba1" in text
    assert "2 smaller ones" in text
    assert size.main([f"--image={layout}", "--markdown"]) == 0
    assert "| CPython | 1 | 0.00 | 0.00 |" in capsys.readouterr().out


def test_an_image_that_is_too_large(layout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert size.main([f"--image={layout}", "--limit", "20"]) == 0
    assert size.main([f"--image={layout}", "--limit", "0.001"]) == 1
    assert "more than 0.001" in capsys.readouterr().err


def test_what_is_no_layout(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert size.main([f"--image={tmp_path}"]) == 2
    assert "not an OCI layout" in capsys.readouterr().err
