"""Training: which profiles, and what CPython's Makefile says the task is."""

from __future__ import annotations

import dataclasses
import io
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from tools.catalog import fixture
from tools.catalog.load import load
from tools.catalog.model import Catalog
from tools.cpython import train, train_all
from tools.cpython.workspace import BuildError

PROFILES = Path(__file__).parents[2] / "third_party/profiles"


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    loaded = load(fixture.checkout(tmp_path) / "catalog")
    suites = {
        name: dataclasses.replace(suite, build_sets={"cc_amd64": (f"g++-{gcc}", f"gcc-{gcc}")})
        for (name, suite), gcc in zip(loaded.suites.items(), ("14", "12"), strict=True)
    }
    return dataclasses.replace(loaded, suites=suites)


def test_one_profile_per_minor_class_and_gcc(catalog: Catalog) -> None:
    made = train_all.jobs(catalog, ["3.14", "3.13"], catalog.suites)
    assert [job.name for job in made] == [
        "cpython-3.14-le64-gcc14",
        "cpython-3.14-le64-gcc12",
        "cpython-3.13-le64-gcc14",
        "cpython-3.13-le64-gcc12",
    ]
    assert made[0].target == "//python_images/cpython:3.14.7_trixie_amd64.train"


@pytest.mark.parametrize(("sources", "newest"), [("", "3.13.16"), ("mirrored", "3.13.15")])
def test_a_release_that_has_no_target_isnt_trained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sources: str, newest: str
) -> None:
    versions = fixture.checkout(tmp_path) / "catalog/versions.yaml"
    row = f"  - version: 3.13.16\n    sha256: {'0' * 64}\n    released: 2026-08-06\n"
    versions.write_text(f"{versions.read_text()}{row}    mirrored: false\n")
    monkeypatch.setenv("PYTHON_IMAGES_SOURCES", sources)
    assert train_all.read(tmp_path).newest()["3.13"].name == newest


@pytest.mark.parametrize(
    ("minor", "suite", "words"),
    [("3.1", "trixie", "no release '3.1'"), ("3.14", "sid", "no suite 'sid'; there are trixie")],
)
def test_unknown_names_are_refused(catalog: Catalog, minor: str, suite: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        train_all.jobs(catalog, [minor], [suite])


def test_one_platform_trains_its_class_alone(catalog: Catalog) -> None:
    everything = train_all.jobs(catalog, ["3.14"], catalog.suites)
    assert train_all.jobs(catalog, ["3.14"], catalog.suites, ["amd64"]) == everything
    assert train_all.jobs(catalog, ["3.14"], catalog.suites, ["i386"]) == []


def test_a_free_threaded_build_has_the_platforms_own(catalog: Catalog) -> None:
    version = catalog.versions["3.14.7"]
    release = dataclasses.replace(version.release, free_threaded=True)
    threaded = dataclasses.replace(version, release=release)
    changed = dataclasses.replace(catalog, versions={threaded.name: threaded})
    made = train_all.jobs(changed, ["3.14t"], ["trixie"], ["amd64"])
    target = "//python_images/cpython:3.14.7t_trixie_amd64.train"
    assert made == [train_all.Job("cpython-3.14t-amd64-gcc14", target)]


def test_an_interrupted_training_removes_its_files(tmp_path: Path) -> None:
    """As from a terminal, which tells all processes of the group."""
    training = tmp_path / "training"
    training.write_text(
        "#!/bin/sh\ntrap 'sleep 1; rm scratch; exit 130' INT\ntouch scratch\n"
        "while true; do sleep 0.1; done\n"
    )
    training.chmod(0o755)
    program = (
        "import sys; from pathlib import Path; from tools.cpython import train_all;"
        "sys.exit(train_all.run([sys.argv[1]], Path(sys.argv[2])))"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(training), str(tmp_path)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stderr=subprocess.PIPE,
        start_new_session=True,
        text=True,
    ) as process:
        while not (tmp_path / "scratch").exists():
            assert process.poll() is None
            time.sleep(0.05)
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait() == train_all.INTERRUPTED
        assert process.stderr is not None
        assert process.stderr.read() == ""
    assert not (tmp_path / "scratch").exists()


def test_the_listing_is_of_the_archives(tmp_path: Path) -> None:
    for name in ("cpython-3.14-le64-gcc14", "cpython-3.13-le64-gcc14"):
        (tmp_path / f"{name}.tar.xz").touch()
        (tmp_path / f"{name}.json").touch()
    assert train_all.listing(tmp_path).splitlines()[2:] == [
        "PROFILES = [",
        '    "cpython-3.13-le64-gcc14",',
        '    "cpython-3.14-le64-gcc14",',
        "]",
    ]


def test_the_checked_in_listing_is_current() -> None:
    listed = (PROFILES / "profiles.bzl").read_text()
    assert listed == train_all.listing(PROFILES), "./bazelw run //tools:train writes it"


def test_the_task_is_the_makefiles(tmp_path: Path) -> None:
    workspace = SimpleNamespace(src=tmp_path)
    makefile = tmp_path / "Makefile"
    makefile.write_text("TESTTIMEOUT=\nPROFILE_TASK=\t-m test --pgo --timeout=$(TESTTIMEOUT)\n")
    assert train.profile_task(workspace) == ["-m", "test", "--pgo"]  # type: ignore[arg-type]
    makefile.write_text("all:\n")
    with pytest.raises(BuildError, match="no PROFILE_TASK"):
        train.profile_task(workspace)  # type: ignore[arg-type]


def test_phases_are_lines_where_there_is_no_terminal() -> None:
    stream = io.StringIO()
    phases = train.Phases(stream)
    with phases.phase("one"):
        pass
    with pytest.raises(ZeroDivisionError), phases.phase("two"):
        _ = 1 / 0
    assert stream.getvalue().splitlines() == [
        "one ...",
        "one: done after 0 s",
        "two ...",
        "two: failed after 0 s",
    ]


def test_where_no_one_looks_each_tenth_is_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(train.Phases, "INTERVAL", 0.001)
    shares, all_seen = iter([None, 0.05, 0.12, 0.19, 0.55]), threading.Event()

    def done() -> float | None:
        share = next(shares, 1.0)
        if share == 1.0:
            all_seen.set()
        return share

    stream = io.StringIO()
    with train.Phases(stream).phase("task", done):
        assert all_seen.wait(30)
        while "100%" not in stream.getvalue():
            time.sleep(0.001)
    assert [line.split(" after")[0] for line in stream.getvalue().splitlines()] == [
        "task ...",
        "task: 12%",
        "task: 55%",
        "task: 100%",
        "task: done",
    ]


@pytest.mark.parametrize("loader", ["usr/lib64/ld-linux-x86-64.so.2", "usr/lib/ld-linux.so.2"])
def test_the_interpreter_starts_with_the_sysroots_loader(tmp_path: Path, loader: str) -> None:
    sysroot = tmp_path / "sysroot"
    libc = sysroot / "usr/lib/some-linux-gnu/libc.so.6"
    for file in (sysroot / loader, libc, tmp_path / "python", tmp_path / "launcher"):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(file.name)
    command = train.make_startable(tmp_path / "python", tmp_path, sysroot, tmp_path / "launcher")
    assert command[0] == str(sysroot / loader)
    assert command[-1] == str(tmp_path / "python.real")
    assert (tmp_path / "python").read_text() == "launcher"
    told = (tmp_path / "python.launch").read_text().splitlines()
    assert told[0] == str(sysroot / loader)
    assert told[3] == f"{tmp_path}:{libc.parent}"
