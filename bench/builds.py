"""The builds of CPython that benchmarks compare: made by Bazel, unpacked, ready to start.

docker-library   as its Dockerfile compiles it (docker_library.py): for amd64 trained on this
                 machine, for arm64 by this repository's profile
full             --//python_images:optimization=full, what images have
none             --//python_images:optimization=none
debian           Debian's own python3.X (debian_python.py), whichever patch release that is
PATH             a tar of another one's usr/local, of the same release and suite: what
                 someone wants to try
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench import debian_python, docker_library
from toolchains.trees.unpack import extract
from tools.cpython import train

NAMES = ("docker-library", "full", "none", "debian")
# Of the build machine, and of what qemu-user emulates.
PLATFORMS = ("amd64", "arm64")


@dataclass(frozen=True)
class Build:
    """An unpacked interpreter.

    Attributes:
        name: what the output calls it.
        python: the program; on amd64 it starts by itself.
        command: what starts it without any program between.
    """

    name: str
    python: Path
    command: Sequence[str]


@dataclass(frozen=True)
class Subject:
    """What is measured in more than one build: a release for a suite and a platform."""

    release: str
    suite: str
    platform: str = "amd64"


def bazel(root: Path, *arguments: str) -> str:
    """What `bazelw` prints.

    Raises:
        SystemExit: it failed.
    """
    result = subprocess.run(
        [root / "bazelw", *arguments], cwd=root, stdout=subprocess.PIPE, text=True, check=False
    )
    if result.returncode != 0:
        raise SystemExit(f"bench: bazelw {' '.join(arguments)} failed: see above")
    return result.stdout


def release(root: Path, name: str) -> str:
    """The release that `name` stands for: the newest of a label such as 3.14, or itself."""
    build = f"//python_images/cpython:{name}_build"
    actual = bazel(root, "query", "--noshow_progress", f"labels(actual, {build})").split()
    return actual[0].rpartition(":")[2].removesuffix("_build") if actual else name


def files(root: Path, optimization: str, subject: Subject) -> dict[str, Path]:
    """Build an interpreter; what it is made of, by the names train.py has for them.

    Besides: `tar`, itself, and `report`.
    """
    release, toolchain = subject.release, f"//toolchains/cc:{subject.suite}_{subject.platform}"
    target = f"//python_images/cpython:{release}_{subject.suite}_{subject.platform}"
    targets = {
        "tar": target,
        "build-python": f"//python_images/cpython:{release}_build",
        "cc": f"{toolchain}_cc",
        "host": "//toolchains/cc:host_tools",
        "source": f"@cpython_sources//:{release.removesuffix('t')}",
        "sysroot": f"{toolchain}_sysroot",
    }
    flags = [f"--//python_images:optimization={optimization}", "--output_groups=+report"]
    bazel(root, "build", *flags, *targets.values())
    # bazel-out stands in the execution root, not in the checkout.
    execution_root = Path(bazel(root, "info", "execution_root").strip())
    found = {}
    for name, label in targets.items():
        (file,) = bazel(root, "cquery", flags[0], "--output=files", label).split()
        found[name] = execution_root / file
    found["config-site"] = root / "tools/cpython/config.site"
    found["report"] = found["tar"].with_suffix(".json")
    return found


def make(root: Path, name: str, subject: Subject, scratch: Path) -> Build:
    """Build and unpack one of NAMES, or a tar, below `scratch`."""
    inputs = files(root, "none" if name == "none" else "full", subject)
    archive = inputs.pop("tar")
    report = json.loads(inputs.pop("report").read_text())
    minor = ".".join(report["version"].split(".")[:2])
    if name == "docker-library":
        if subject.platform != "amd64":
            profile = f"cpython-{minor}-le64-gcc{report['gcc']}.tar.xz"
            inputs["profile"] = root / "third_party/profiles" / profile
        archive = docker_library.cached(inputs, report)
    elif name not in NAMES:
        archive, name = Path(name), Path(name).stem
    tree, sysroot, tools = scratch / name, scratch / "sysroot", scratch / "tools"
    for key, folder in (("sysroot", sysroot), ("host", tools)):
        if not folder.exists():
            extract(inputs[key], folder)
    if name == "debian":
        # The platforms measured here are called as Debian calls them. Its own libraries go with it.
        python = debian_python.install(minor, subject.suite, subject.platform, tree)
        library, sysroot = next(tree.glob("usr/lib/*/libc.so.6")).parent, tree
    else:
        extract(archive, tree)
        python, library = (tree / "usr/local/bin/python3").resolve(), tree / "usr/local/lib"
    if subject.platform != "amd64":
        emulator = shutil.which("qemu-aarch64") or "qemu-aarch64"
        return Build(name, python, [emulator, "-L", str(sysroot), str(python)])
    return Build(
        name, python, train.make_startable(python, library, sysroot, tools / "usr/bin/make")
    )


def version(build: Build) -> str:
    """What `python -V` says, without "Python"."""
    said = subprocess.run([*build.command, "-V"], stdout=subprocess.PIPE, text=True, check=True)
    return said.stdout.removeprefix("Python").strip()
