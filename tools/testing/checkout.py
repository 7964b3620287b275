"""A scratch copy of the checkout with an output base of its own, for tests that run Bazel."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from runfiles import Runfiles

# What a build leaves in a checkout, and what is no part of it.
_LEFT_OUT = shutil.ignore_patterns("bazel-*", ".git", "__pycache__", ".*_cache", ".bazelrc.user")


def source() -> Path:
    """Return the checkout under test: a runfile is a link into it."""
    runfiles = Runfiles.Create()
    marker = runfiles.Rlocation("_main/MODULE.bazel") if runfiles else None
    if not marker:
        raise RuntimeError("MODULE.bazel is not among the runfiles")
    return Path(marker).resolve().parent


def scratch_root() -> Path:
    """Return the folder scratch copies go to; not below /tmp, which Bazel's sandbox hides."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path(os.environ["HOME"], ".cache")
    return Path(cache, "python-images", "e2e")


@dataclass(frozen=True)
class Result:
    """What one run of Bazel ended with; `output` is both of its streams."""

    status: int
    output: str

    @property
    def errors(self) -> str:
        """The lines that say what is wrong, without Bazel's progress."""
        return "\n".join(
            line
            for line in self.output.splitlines()
            if line and not line.startswith(("INFO:", "Loading:", "Analyzing:", "[", "Computing"))
        )


@dataclass(frozen=True)
class Checkout:
    """A copy of the checkout, and how Bazel is run in it: `launcher` is put before the command."""

    path: Path
    output_base: Path
    flags: Sequence[str] = field(default=())
    launcher: Sequence[str] = field(default=())

    def bazel(
        self,
        command: str,
        *arguments: str,
        environment: Mapping[str, str] | None = None,
        umask: int = -1,
    ) -> Result:
        """Run `bazelw command arguments…` here; never raises for a failed build."""
        run = subprocess.run(
            [
                *self.launcher,
                str(self.path / "bazelw"),
                f"--output_base={self.output_base}",
                command,
                "--color=no",
                "--curses=no",
                *self.flags,
                *arguments,
            ],
            cwd=self.path,
            env={**os.environ, **(environment or {})},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            umask=umask,
            check=False,
        )
        return Result(run.returncode, run.stdout)

    def output(self, label: str, environment: Mapping[str, str] | None = None) -> list[Path]:
        """Return the files of a built target."""
        result = self.bazel("cquery", "--output=files", label, environment=environment)
        lines = [line for line in result.output.splitlines() if line.startswith("bazel-out/")]
        root = self.bazel("info", "execution_root", environment=environment).output.split()[-1]
        return [Path(root, line) for line in lines]

    @contextmanager
    def changed(self, name: str, old: str, new: str) -> Iterator[None]:
        """Replace the first `old`, which must be there, by `new` as long as the context lasts."""
        file = self.path / name
        before = file.read_text()
        assert old in before, f"{name} has no {old!r}: the test is out of date"
        file.write_text(before.replace(old, new, 1))
        try:
            yield
        finally:
            file.write_text(before)


def dependent(main: Checkout, path: Path, repository: str) -> Checkout:
    """Make a workspace that depends on another one's module; Bazel isn't set up in it.

    Args:
        main: the workspace that has the module.
        path: the folder to make.
        repository: what the workspace calls the module.
    """
    path.mkdir()
    (path / "MODULE.bazel").write_text(
        'module(name = "caller")\n'
        f'bazel_dep(name = "python_images", version = "", repo_name = "{repository}")\n'
        'local_path_override(module_name = "python_images", '
        f'path = "{os.path.relpath(main.path, path)}")\n'
    )
    (path / "BUILD.bazel").touch()
    (path / ".bazelversion").write_bytes((main.path / ".bazelversion").read_bytes())
    return replace(main, path=path)


@contextmanager
def scratch(
    name: str, flags: Sequence[str] = (), launcher: Sequence[str] = ()
) -> Iterator[Checkout]:
    """Give a fresh copy of the checkout; its Bazel server is stopped and all of it removed after.

    The repository cache is shared with the user's other builds, so nothing is downloaded twice.
    """
    root = scratch_root() / f"{name}.{os.getpid()}"
    root.mkdir(parents=True)
    copy = Checkout(root / "checkout", root / "output_base", flags, launcher)
    try:
        shutil.copytree(source(), copy.path, ignore=_LEFT_OUT, symlinks=True)
        yield copy
    finally:
        if (copy.path / "bazelw").exists():
            copy.bazel("shutdown")
        # Outputs are read-only folders.
        subprocess.run(["chmod", "-R", "u+w", str(root)], check=False)
        shutil.rmtree(root, ignore_errors=True)
