"""What the benchmark of interpreters makes of its figures."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from bench import docker_library, instructions, interpreter
from bench.builds import Build


def test_pyperfs_files_are_read() -> None:
    one = {"metadata": {"name": "a"}, "benchmarks": [{"runs": [{"values": [1.0]}, {}]}]}
    assert interpreter.parse(json.dumps(one)) == {"a": [1.0]}
    several = {
        "metadata": {},
        "benchmarks": [
            {"metadata": {"name": "a"}, "runs": [{"values": [1.0, 2.0]}]},
            {"metadata": {"name": "b"}, "runs": [{"values": [3.0]}, {"values": [4.0]}]},
        ],
    }
    assert interpreter.parse(json.dumps(several)) == {"a": [1.0, 2.0], "b": [3.0, 4.0]}


def test_the_mean_is_geometric_and_the_spread_the_rounds() -> None:
    found = interpreter.summary(
        ["full", "none", "debian"],
        [
            # The first round was disturbed: what counts is the least.
            [{"a": [0.7], "b": [4.0]}, {"a": [1.0], "b": [4.0]}, {"a": [0.5], "b": [8.0]}],
            [{"a": [0.5], "b": [4.0]}, {"a": [1.0], "b": [4.0]}, {"a": [0.5], "b": [4.0]}],
        ],
    )
    assert [row["ratios"] for row in found["rows"]] == [
        {"none": 0.5, "debian": 1.0},
        {"none": 1.0, "debian": 1.0},
    ]
    assert found["rows"][0]["least"] == {"full": 0.5, "none": 1.0, "debian": 0.5}
    assert found["rows"][0]["values"]["full"] == [0.7, 0.5]
    assert found["geometric_means"] == {"none": pytest.approx(0.7071), "debian": 1.0}
    assert found["spreads"]["none"] == [pytest.approx(0.7071), pytest.approx(0.8367)]
    lines = interpreter.report(found, ["full", "none", "debian"], "cpu s").splitlines()
    assert lines[0].split() == ["full", "none", "debian", "of", "none", "of", "debian"]
    assert lines[1].split() == ["a", "0.500000", "1.000000", "0.500000", "0.500", "1.000"]
    assert lines[-2] == "full takes 0.707 of none, rounds 0.707 to 0.837"
    assert lines[-1].startswith("full takes 1.000 of debian, rounds ")


def test_a_failing_benchmark_shows_its_output(tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho no such module\nexit 3\n")
    python.chmod(0o755)
    build = Build("none", python, [str(python)])
    with pytest.raises(SystemExit, match="no such module"):
        interpreter.seconds(build, [str(tmp_path / "run.py")], [tmp_path])


def test_another_input_is_another_cached_build(tmp_path: Path) -> None:
    source, compiler = tmp_path / "source", tmp_path / "cc"
    source.write_text("one")
    compiler.write_text("gcc")
    files, facts = {"source": source, "cc": compiler}, {"cflags": "-O2"}
    first = docker_library.key(files, facts)
    assert docker_library.key(dict(reversed(files.items())), facts) == first
    assert docker_library.key(files, {"cflags": "-O3"}) != first
    source.write_text("two")
    assert docker_library.key(files, facts) != first


def test_different_builds_are_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert interpreter.several("none,full") == ["none", "full"]
    assert interpreter.several("full,docker-library,debian")[2] == "debian"
    monkeypatch.setenv("BUILD_WORKING_DIRECTORY", str(tmp_path))
    with pytest.raises(argparse.ArgumentTypeError, match=r"nor a tar: .*/clang\.tar"):
        interpreter.several("full,clang.tar")
    tar = tmp_path / "clang.tar"
    tar.touch()
    assert interpreter.several("full,clang.tar") == ["full", str(tar)]
    for same in ("full", "full,full", "full,none,full", f"clang.tar,{tar}"):
        with pytest.raises(argparse.ArgumentTypeError, match="not two or more builds"):
            interpreter.several(same)


def test_starting_is_not_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def native(command: Sequence[str], environment: Mapping[str, str], folder: Path) -> int:
        assert Path(environment["PYTHONPYCACHEPREFIX"]).parent == tmp_path
        assert folder == tmp_path
        return 1_000_000 + 50 * int(command[-1].removeprefix("--loops="))

    monkeypatch.setattr(instructions, "native", native)
    build = Build("full", tmp_path / "python3", ["true"])
    assert interpreter.executed(build, [str(tmp_path / "run.py")], [tmp_path], "amd64") == 50


def test_another_platform_has_instructions_only() -> None:
    with pytest.raises(SystemExit, match="of arm64 only --instructions"):
        interpreter.main(["--release=3.99", "--suite=none", "--platform=arm64"])


def test_the_clock_is_the_processs() -> None:
    script = Path(interpreter.__file__).parent / "cpu_clock/sitecustomize.py"
    program = f"import runpy, time; runpy.run_path({str(script)!r}); time.sleep(0.3); "
    program += "print(time.perf_counter())"
    result = subprocess.run(
        [sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    assert float(result.stdout) < 0.3


def test_a_script_of_several_benchmarks_is_told_which() -> None:
    assert interpreter.script(Path("/b"), "go") == ["/b/bm_go/run_benchmark.py"]
    assert interpreter.script(Path("/b"), "unpickle") == [
        "/b/bm_pickle/run_benchmark.py",
        "unpickle",
    ]
