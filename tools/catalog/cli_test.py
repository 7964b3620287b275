"""The catalog's command line: what it prints, and how it fails."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tools.catalog import fixture
from tools.catalog.cli import main
from tools.cli import command
from tools.pages import library, versions

TESTDATA = Path(__file__).parent / "testdata"
CATALOG = Path(__file__).parents[2] / "catalog"


@pytest.fixture(autouse=True)
def _checkout(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = fixture.checkout(tmp_path_factory.mktemp("checkout"))
    monkeypatch.setenv("BUILD_WORKSPACE_DIRECTORY", str(folder))


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(list(arguments)) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    return captured.out


def fails(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(list(arguments)) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    return captured.err


def test_list_names_every_family(capsys: pytest.CaptureFixture[str]) -> None:
    text = run(capsys, "families")
    assert [line.split()[0] for line in text.splitlines()[1:]] == [
        "2019-01",
        "2022-09",
        "2025-10",
        "2026-02",
        "archive",
        "current",
        "infra7",
        "infra7-2024-10",
    ]
    assert "\033" not in text
    rows = json.loads(run(capsys, "families", "--format", "json"))
    assert {row["family"]: row["images"] for row in rows}["2022-09"] == 34


@pytest.mark.parametrize("words", [[], ["infra7"], ["archive"], ["2019-01"], ["3.1*", "slim"]])
def test_the_list_fits_a_terminal(capsys: pytest.CaptureFixture[str], words: list[str]) -> None:
    text = run(capsys, "list", *words)
    assert max(map(len, text.splitlines())) <= 80
    assert "\033" not in text


def listed(text: str) -> list[str]:
    return [line.split()[0] for line in text.splitlines()[1:] if not line.startswith(" ")]


def test_list_filters(capsys: pytest.CaptureFixture[str]) -> None:
    everything = run(capsys, "list")
    found = listed(everything)
    rows = json.loads(run(capsys, "list", "current", "--format", "json"))
    assert found == [row["name"] for row in rows]
    # As targets name them.
    assert "arm64" in everything
    assert "arm64v8" not in everything
    slim = listed(run(capsys, "list", "*-slim", "slim"))
    assert slim
    assert slim != found
    assert all("slim" in name for name in slim)
    riscv64 = listed(run(capsys, "list", "--platform", "riscv64"))
    assert riscv64
    assert set(riscv64) < set(found)
    assert not [name for name in riscv64 if "bookworm" in name]
    error = fails(capsys, "list", "3.99*", "--platform", "arm64")
    assert "nothing fits 3.99* --platform arm64" in error
    assert "./bazelw run //tools:catalog -- list current" in error


def test_show_finds_simple_and_shared_tags(capsys: pytest.CaptureFixture[str]) -> None:
    shown = json.loads(run(capsys, "show", "3", "--family", "2026-02", "--format", "json"))
    assert [row["name"] for row in shown] == [
        "3.14.3-trixie",
        "3.14.3-windowsservercore-ltsc2025",
        "3.14.3-windowsservercore-ltsc2022",
    ]
    assert "slim-bookworm" in run(capsys, "show", "3.13-slim-bookworm")


def test_an_unknown_tag_lists_near_ones(capsys: pytest.CaptureFixture[str]) -> None:
    assert "unknown tag '3.31-slim'; did you mean 3.14-slim or 3.13-slim" in fails(
        capsys, "show", "3.31-slim"
    )
    assert "list them with" in fails(capsys, "show", "zzz")


def test_tags_completes(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "tags", "3.13-slim-b") == "3.13-slim-bookworm\n"


def test_check_reads_everything(capsys: pytest.CaptureFixture[str]) -> None:
    text = run(capsys, "check")
    assert text.count("ok ") == text.count("\n") == 14
    assert "1 images" not in run(capsys, "check", "--catalog", str(TESTDATA / "2026-06.yaml"))


def test_check_stops_at_the_first_fault(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    folder = tmp_path / "catalog"
    shutil.copytree(CATALOG, folder)
    file = folder / "families" / "infra7.yaml"
    file.write_text(re.sub("default: .*", "default: nowhere", file.read_text()))
    error = fails(capsys, "check", "--catalog", str(folder))
    assert f"{file}:" in error
    assert "default 'nowhere' is no target" in error


def test_an_own_catalog_folder_is_used(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    shutil.copytree(CATALOG, folder)
    (folder / "families" / "2019-01.yaml").rename(folder / "families" / "ours.yaml")
    assert "ours" in run(capsys, "families", "--catalog", str(folder))
    assert library.main(["ours", "--catalog", str(folder)]) == 0
    assert "Tags: 3.7.2-stretch," in capsys.readouterr().out


def test_library_takes_repository_and_commit(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--repo", "https://example.org/i.git", "--commit", "f" * 40, "--directory", "d/"]
    assert library.main(arguments) == 0
    blocks = capsys.readouterr().out.split("\n\n")
    assert blocks[1] == "GitRepo: https://example.org/i.git"
    assert "GitCommit: " + "f" * 40 in blocks[2]
    assert "Directory: d/3.14/slim-trixie" in blocks[2]


def test_library_of_a_published_family_has_every_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert library.main(["--catalog", str(TESTDATA / "2026-06.yaml")]) == 0
    text = capsys.readouterr().out
    assert text.split("\n\n")[1].splitlines() == [
        "GitRepo: https://github.com/docker-library/python.git",
        "Builder: buildkit",
    ]
    assert text.split("\n\n")[8] == (
        "Tags: 3.15.0b3-windowsservercore-ltsc2025, 3.15-rc-windowsservercore-ltsc2025\n"
        "SharedTags: 3.15.0b3-windowsservercore, 3.15-rc-windowsservercore, 3.15.0b3, 3.15-rc\n"
        "Architectures: windows-amd64\n"
        "GitCommit: 4f07059567fa61c80397126e8063dbbde011b794\n"
        "Directory: 3.15-rc/windows/windowsservercore-ltsc2025\n"
        "Constraints: windowsservercore-ltsc2025\n"
        "Builder: classic"
    )


def test_versions_can_be_read_back(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert versions.main(["2026-02"]) == 0
    file = tmp_path / "versions.json"
    file.write_text(capsys.readouterr().out)
    assert library.main(["--catalog", str(file)]) == 0
    again = capsys.readouterr().out
    assert library.main(["2026-02"]) == 0
    once = capsys.readouterr().out
    drop = ("#", "GitCommit")
    assert [line for line in again.split("\n") if not line.startswith(drop)] == [
        line for line in once.split("\n") if not line.startswith(drop)
    ]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_colours_are_for_terminals_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert command.coloured("x", "1", io.StringIO()) == "x"
    assert command.coloured("x", "1", Terminal()) == "\033[1mx\033[0m"
    monkeypatch.setenv("NO_COLOR", "1")
    assert command.coloured("x", "1", Terminal()) == "x"


@pytest.mark.parametrize("verb", [[], ["list"], ["show"], ["check"], ["tags"], ["completion"]])
def test_help_teaches(verb: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([*verb, "--help"])
    assert ended.value.code == 0
    text = capsys.readouterr().out
    if not verb:
        assert "./bazelw run //tools:catalog -- show 3.14-slim" in text


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("./bazelw build //images:3.13-slim-b", "3.13-slim-bookworm"),
        ("./bazelw build //images:3.13-slim_am", "3.13-slim_amd64"),
        # Only platforms that the image has.
        ("./bazelw build //images:3.13-slim-bookworm_r", ""),
        ("./bazelw build //images:3.13-slim-trixie_r", "3.13-slim-trixie_riscv64"),
        ("./bazelw run //images:3.13-slim_amd64.lo", "3.13-slim_amd64.load"),
        ("./bazelw run //tools:readme -- 2025", "2025-10"),
        ("./bazelw run //tools:dockerfile -- 3.13-slim-b", "3.13-slim-bookworm"),
        ("./bazelw b", "build"),
    ],
)
def test_completion_offers(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, line: str, offered: str
) -> None:
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("bash is not on PATH")
    script = tmp_path / "completion.bash"
    script.write_text(run(capsys, "completion"))
    program = 'source "$1"; COMP_LINE=$2; COMP_POINT=${#2}; _python_images; echo "${COMPREPLY[*]}"'
    done = subprocess.run(
        [bash, "-c", program, "bash", str(script), line],
        check=True,
        capture_output=True,
        text=True,
        env={"PATH": os.environ["PATH"]},
    )
    assert done.stdout.strip() == offered


def test_completion_extends_bazels(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("bash is not on PATH")
    script = tmp_path / "completion.bash"
    script.write_text(run(capsys, "completion"))
    program = """
        _bazel__complete() { COMPREPLY=("bazel's own of $1"); }
        # Loaded on demand, as bash-completion does.
        _completion_loader() { complete -F _bazel__complete -o nospace "$1"; }
        source "$1"; source "$1"
        for COMP_LINE in "bazel cq" "./bazelw run //src:x" "./bazelw run //images:3.13-slim_am"; do
            COMP_POINT=${#COMP_LINE}
            _python_images bazel
            echo "${COMPREPLY[*]}"
        done
    """
    done = subprocess.run(
        [bash, "-c", program, "bash", str(script)],
        check=True,
        capture_output=True,
        text=True,
        env={"PATH": os.environ["PATH"]},
    )
    own = "bazel's own of bazel"
    assert done.stdout.splitlines() == [own, own, "3.13-slim_amd64"]


def test_library_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    assert library.main(["2026-02", "--format", "json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert len(rows) == 42
    assert rows[0]["shared_tags"] == ["3.15.0a6", "3.15-rc"]


def test_hardened_images_are_listed_and_shown(capsys: pytest.CaptureFixture[str]) -> None:
    file = command.checkout() / "catalog/variants.yaml"
    file.write_text(
        f"{file.read_text()}  lean:\n    tag: lean-{{suite}}\n    hardened: true\n"
        "    base: debian:{suite}-slim\n    root: debian-slim\n    layers: [base, slim]\n"
        "    strip: true\n    suites: [trixie]\n"
    )
    assert listed(run(capsys, "list", "*lean*"))[0] == "3.14.7-lean-trixie"
    assert "3.14.7-lean-trixie" in listed(run(capsys, "list", "--platform", "riscv64"))
    (shown,) = json.loads(run(capsys, "show", "3.14-lean", "--format", "json"))
    assert shown["name"] == "3.14.7-lean-trixie"
    assert "directory" not in shown
    assert "3.14-lean-trixie\n" in run(capsys, "tags", "3.14-lean")
    assert "[lean]=" in run(capsys, "completion")
    assert "unknown tag" in fails(capsys, "show", "3.14-lean", "--family", "2026-02")
