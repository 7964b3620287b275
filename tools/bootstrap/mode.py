"""Decides between a Bazel that is there, with the central registry, and the provisioned one."""

from __future__ import annotations

import os
import re

from tools.bootstrap.common import BootstrapError, say, write_atomically

CENTRAL = "central"
CLOSED = "closed"
_AUTO = "auto"
_OTHER = "other"  # a Bazel of another version

# How long a closed network is remembered. An open one is for good: what Bazel has fetched stays.
_CLOSED_SECONDS = 24 * 3600
# Bazelisk may have to download Bazel first, and dead connections are retried.
_PROBE_SECONDS = 120
_VERSION_SECONDS = 60
# What a Bazel is asked to do: to resolve all modules, and to fetch the smallest of them. No module
# extension is evaluated, which would fetch a hundred times as much.
_PROBE = ("fetch", "--repo=@platforms")
# What Bazel says when it can't get modules, and Bazelisk when it can't get Bazel.
_UNREACHABLE = re.compile(
    "Error accessing registry"
    "|not found in registries"  # a registry that is in reach, but has no such module
    "|error parsing MODULE.bazel file for (?!<root>)"  # a page to log in, say, instead of a module
    r"|Error downloading \["  # the registry is in reach, where modules' sources are isn't
    "|could not (?:download|run) Bazel"
    "|could not resolve the version"
)


def decide(checkout: str, bazel_version: str, cache: str) -> tuple[str, str]:
    """(mode, program): CENTRAL and the Bazel or Bazelisk to run, or CLOSED and "".

    BAZELW_MODE forces either; otherwise, when there is a usable Bazel on PATH, it is asked once
    whether it can get this workspace's modules, and the answer is kept under `cache`.
    """
    wanted = os.environ.get("BAZELW_MODE") or _AUTO
    if wanted not in (CENTRAL, CLOSED, _AUTO):
        raise BootstrapError(f"BAZELW_MODE={wanted}: must be {_AUTO}, {CENTRAL} or {CLOSED}")
    if wanted == CLOSED:
        return CLOSED, ""
    candidates = [p for p in (_which("bazelisk", checkout), _which("bazel", checkout)) if p]
    for program in candidates:
        memory = os.path.join(cache, "mode", _identity(program, checkout, bazel_version))
        known = _recall(memory, checkout)
        if not known:
            known = _ask(program, checkout, bazel_version, memory, wanted == _AUTO)
        if known == CENTRAL or (wanted == CENTRAL and known == CLOSED):
            return CENTRAL, program
    if wanted == CENTRAL:
        raise BootstrapError(
            f"BAZELW_MODE={CENTRAL}: neither bazelisk nor bazel {bazel_version} is on PATH; "
            "install bazelisk, or unset BAZELW_MODE"
        )
    return CLOSED, ""


def _which(name: str, checkout: str) -> str:
    """The first program of that name on PATH that is not a link to this very ./bazelw."""
    for directory in os.get_exec_path():
        found = os.path.abspath(os.path.join(directory, name))
        runs = os.path.isfile(found) and os.access(found, os.X_OK)
        if runs and os.path.realpath(found) != os.path.join(checkout, "bazelw"):
            return found
    return ""


def _identity(program: str, checkout: str, bazel_version: str) -> str:
    """A file name that changes with whatever could change the answer on this host."""
    import hashlib

    state = os.stat(program)
    facts = (program, state.st_mtime_ns, state.st_size, checkout, bazel_version)
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:16]


def _closed(checkout: str) -> str:
    """How CLOSED is written down: it holds for as long as the same modules are asked for."""
    import hashlib

    try:
        with open(os.path.join(checkout, "MODULE.bazel"), "rb") as modules:
            asked = modules.read()
    except FileNotFoundError:
        asked = b""
    return f"{CLOSED} {hashlib.sha256(asked).hexdigest()[:16]}"


def _recall(memory: str, checkout: str) -> str:
    """What was found out before; "" if nothing, or too long ago, or for other modules."""
    try:
        with open(memory, encoding="utf-8") as kept:
            answer = kept.read().strip()
            age = _now() - os.fstat(kept.fileno()).st_mtime
    except FileNotFoundError:
        return ""
    if answer.split()[:1] == [CLOSED]:
        return CLOSED if answer == _closed(checkout) and 0 <= age < _CLOSED_SECONDS else ""
    return answer


def _remember(memory: str, answer: str, checkout: str) -> str:
    """Keep the answer; returns it."""
    text = _closed(checkout) if answer == CLOSED else answer
    write_atomically(memory, text.encode() + b"\n")
    return answer


def _ask(program: str, checkout: str, bazel_version: str, memory: str, registry: bool) -> str:
    """Find out what `program` is good for: CENTRAL, CLOSED or _OTHER."""
    name = os.path.basename(program)
    if name == "bazel":
        status, said = _run([program, "--version"], checkout, _VERSION_SECONDS)
        if status != 0:  # Bazelisk under Bazel's name, without a network
            return _remember(memory, CLOSED, checkout)
        if ["bazel", bazel_version] not in [line.split() for line in said.splitlines()]:
            return _remember(memory, _OTHER, checkout)
    if not registry:
        return CLOSED
    say(f"asking {program} whether it can get this workspace's modules (once)")
    options = ["--lockfile_mode=off", "--noshow_progress", "--color=no"]
    status, said = _run([program, *_PROBE, *options], checkout, _PROBE_SECONDS)
    answer = verdict(status, said)
    if not answer:
        return CENTRAL  # something else is wrong: let Bazel tell, and ask again next time
    if answer == CLOSED:
        say(f"it can't: {reason(said) or f'{_PROBE_SECONDS} s have passed'}")
        say("so Bazel is taken from Debian packages; ./bazelw --bazelw-clean forgets that")
    return _remember(memory, answer, checkout)


def verdict(status: int | None, said: str) -> str:
    """CENTRAL, CLOSED or "" (can't tell) from a probe's exit status (None: stopped) and output."""
    if status == 0:
        return CENTRAL
    return CLOSED if status is None or reason(said) else ""


def reason(said: str) -> str:
    """The line of a probe's output that tells why modules can't be got; "" if none does."""
    for line in said.splitlines():
        if _UNREACHABLE.search(line):
            return line.strip().replace("ERROR: ", "", 1)
    return ""


def _run(command: list[str], directory: str, seconds: float) -> tuple[int | None, str]:
    """(exit status, output); the status is None if it had to be stopped after `seconds`."""
    import signal
    import subprocess

    try:
        process = subprocess.Popen(
            command,
            cwd=directory,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,  # so that it can be stopped with all it started
        )
    except OSError as error:
        return 126, f"{command[0]}: {error.strerror}"
    for stop in (None, signal.SIGINT, signal.SIGKILL):
        if stop is not None:
            os.killpg(process.pid, stop)
        try:
            said, _ = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            seconds = 5
            continue
        return (process.returncode, said) if stop is None else (None, said)
    return None, ""


def _now() -> float:
    import time

    return time.time()
