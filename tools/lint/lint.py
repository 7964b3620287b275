"""Run checkers over the whole checkout: lint.py CHECK... [--fix]; CHECKS has their names.

As a test it reads the checkout behind its own runfiles (they are links into it), so that a new
file is checked without being listed anywhere. It is therefore never cached.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from runfiles import Runfiles

from tools.lint import deps, prose, rooms

CHECKS = ("ruff", "format", "mypy", "buildifier", "commands", "deps", "prose", "rooms")
# Those that can mend what they find.
FIXING = ("ruff", "format", "buildifier", "commands")
# The folders whose Python mypy checks; the workspaces in examples/ have packages of their own.
TYPED = ("tools", "tests", "images", "bench", "python_images", "toolchains")
# A command of this workspace that doesn't run where only ./bazelw exists.
_BARE_COMMAND = re.compile(
    r"(?<![\w./-])bazel (?=(?:build|cquery|query|run|test) //[a-z])|(?<=\$\()bazel (?=info )"
)
_TEXTS = (".bazel", ".bzl", ".json", ".md", ".py", ".sh", ".toml", ".yaml", ".yml")
BUILD_FILES = ("BUILD.bazel", "MODULE.bazel", "REPO.bazel")


def checkout() -> Path:
    """Return the checkout's folder: `bazel run` names it, a test's runfiles link into it."""
    if named := os.environ.get("BUILD_WORKSPACE_DIRECTORY"):
        return Path(named)
    return runfile("_main/MODULE.bazel").resolve().parent


def runfile(name: str) -> Path:
    """Return the path of a runfile; `name` begins with the repository's apparent name."""
    runfiles = Runfiles.Create()
    found = runfiles.Rlocation(name) if runfiles else None
    if not found:
        raise SystemExit(f"no runfile {name}")
    return Path(found)


def starlark_files(root: Path) -> list[str]:
    """Return the Starlark files below `root`, without Bazel's own output links."""
    found = []
    for folder, subfolders, names in os.walk(root):
        subfolders[:] = sorted(
            name for name in subfolders if not name.startswith(("bazel-", ".git"))
        )
        found += [
            str(Path(folder, name))
            for name in sorted(names)
            if name in BUILD_FILES or name.endswith(".bzl")
        ]
    return found


def bare_commands(root: Path, fix: bool) -> list[str]:
    """Return the lines, `file:number: line`, that call our targets with bazel; `fix` mends them.

    Examples are workspaces of their own.
    """
    found = []
    for folder, subfolders, names in os.walk(root):
        subfolders[:] = sorted(
            name
            for name in subfolders
            if not name.startswith(("bazel-", ".")) and Path(folder, name) != root / "examples"
        )
        for path in (Path(folder, name) for name in sorted(names) if name.endswith(_TEXTS)):
            text = path.read_text(encoding="utf-8", errors="surrogateescape")
            mended = _BARE_COMMAND.sub("./bazelw ", text)
            pairs = zip(text.splitlines(), mended.splitlines(), strict=True)
            found += [
                f"{path.relative_to(root)}:{number}: {line.strip()}"
                for number, (line, other) in enumerate(pairs, 1)
                if line != other
            ]
            if fix and mended != text:
                path.write_text(mended, encoding="utf-8", errors="surrogateescape")
    return found


def command(check: str, root: Path, programs: argparse.Namespace, fix: bool) -> list[str]:
    """Return the command line that runs `check` over `root`; empty if it isn't available here."""
    if check == "ruff":
        return [programs.ruff, "check", "--no-cache", *(["--fix"] if fix else []), str(root)]
    if check == "format":
        return [programs.ruff, "format", "--no-cache", *([] if fix else ["--diff"]), str(root)]
    if check == "mypy":
        cache = tempfile.mkdtemp(dir=os.environ.get("TEST_TMPDIR"))
        roots = [name for name in TYPED if next((root / name).rglob("*.py"), None)]
        return [sys.executable, "-m", "mypy", f"--cache-dir={cache}", *roots]
    if Path(programs.buildifier).stat().st_size == 0:
        return []
    mode = ["--mode=fix"] if fix else ["--mode=diff", "--diff_command=diff -u"]
    return [
        programs.buildifier,
        *mode,
        "--lint=" + ("fix" if fix else "warn"),
        "--warnings=-module-docstring",
        *starlark_files(root),
    ]


def run(check: str, root: Path, args: argparse.Namespace) -> int:
    """Run one checker over `root`; return its exit status."""
    mend = f"To mend: ./bazelw run //tools/lint:{check} -- --fix"
    if check == "commands":
        found = bare_commands(root, args.fix)
        if found and not args.fix:
            print("Not every machine has bazel on PATH: name ./bazelw.", *found, sep="\n")
            print(mend, file=sys.stderr)
        return int(bool(found) and not args.fix)
    if check == "deps":
        faults = deps.problems(root)
        if faults:
            print("A target's deps are what its sources import.", *faults, sep="\n")
        return int(bool(faults))
    if check == "prose":
        faults = prose.problems(root, prose.read(root))
        if faults:
            print(f"Words and links to mend; {prose.RULES} has the rules.", *faults, sep="\n")
        return int(bool(faults))
    if check == "rooms":
        faults = rooms.problems(root, rooms.read(root))
        if faults:
            print(f"Which folder may load which is in {rooms.RULES}.", *faults, sep="\n")
        return int(bool(faults))
    line = command(check, root, args, args.fix)
    if not line:
        print(
            "SKIPPED: buildifier: no npm registry is known here (--repo_env=NPM_CONFIG_REGISTRY=)"
        )
        return 0
    status = subprocess.run(line, cwd=root, check=False).returncode
    if status and not args.fix and check in FIXING:
        print(mend, file=sys.stderr)
    return status


def target(words: list[str]) -> str:
    """Return the target that has these arguments, as people type it."""
    checks = [word for word in words if word in CHECKS]
    if len(checks) == 1:
        return f"//tools/lint:{checks[0]}"
    return "//:format" if "--fix" in words else "//:check"


def main() -> int:
    """Return 0 if all checkers asked for are content, else the last status that wasn't 0."""
    parser = argparse.ArgumentParser(
        prog=f"./bazelw run {target(sys.argv[1:])} --",
        description="Check all files of the checkout: style, types, formatting, words and links.",
    )
    parser.add_argument("checks", nargs="+", choices=CHECKS, help=argparse.SUPPRESS)
    parser.add_argument("--ruff", help=argparse.SUPPRESS, default="")
    parser.add_argument("--buildifier", help=argparse.SUPPRESS, default="")
    parser.add_argument("--fix", action="store_true", help="mend what can be mended")
    args = parser.parse_args()
    for name in ("ruff", "buildifier"):
        if path := getattr(args, name):
            setattr(args, name, str(Path(path).resolve()))
    root = checkout()
    status = 0
    for check in args.checks:
        if len(args.checks) > 1:
            print(f"=== {check}", file=sys.stderr, flush=True)
        status = run(check, root, args) or status
    return status


if __name__ == "__main__":
    sys.exit(main())
