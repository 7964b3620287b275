"""Decides between a Bazel that is there, with the central registry, and the provisioned one."""

from __future__ import annotations

import os

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


def decide(checkout: str, bazel_version: str, cache: str) -> tuple[str, str]:
    """(mode, program): CENTRAL and the Bazel or Bazelisk to run, or CLOSED and "".

    BAZELW_MODE forces either; otherwise, when there is a usable Bazel on PATH, it is asked once
    whether it can reach its module registry, and the answer is kept under `cache`.
    """
    wanted = os.environ.get("BAZELW_MODE") or _AUTO
    if wanted not in (CENTRAL, CLOSED, _AUTO):
        raise BootstrapError(f"BAZELW_MODE={wanted}: must be {_AUTO}, {CENTRAL} or {CLOSED}")
    if wanted == CLOSED:
        return CLOSED, ""
    candidates = [p for p in (_which("bazelisk", checkout), _which("bazel", checkout)) if p]
    for program in candidates:
        memory = os.path.join(cache, "mode", _identity(program, checkout, bazel_version))
        known = _recall(memory)
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


def _recall(memory: str) -> str:
    """What was found out before; "" if nothing, or too long ago."""
    try:
        with open(memory, encoding="utf-8") as kept:
            answer = kept.read().strip()
            age = _now() - os.fstat(kept.fileno()).st_mtime
    except FileNotFoundError:
        return ""
    if answer == CLOSED and not 0 <= age < _CLOSED_SECONDS:
        return ""
    return answer


def _ask(program: str, checkout: str, bazel_version: str, memory: str, registry: bool) -> str:
    """Find out what `program` is good for: CENTRAL, CLOSED or _OTHER."""
    name = os.path.basename(program)
    if name == "bazel":
        status, said = _run([program, "--version"], checkout, _VERSION_SECONDS)
        if status != 0:  # Bazelisk under Bazel's name, without a network
            write_atomically(memory, CLOSED.encode() + b"\n")
            return CLOSED
        if ["bazel", bazel_version] not in [line.split() for line in said.splitlines()]:
            write_atomically(memory, _OTHER.encode() + b"\n")
            return _OTHER
    if not registry:
        return CLOSED
    say(f"asking {program} whether it can reach its module registry (once)")
    options = ["--lockfile_mode=off", "--noshow_progress", "--color=no"]
    status, said = _run([program, "mod", "graph", *options], checkout, _PROBE_SECONDS)
    answer = verdict(status, said)
    if not answer:
        return CENTRAL  # something else is wrong: let Bazel tell, and ask again next time
    if answer == CLOSED:
        lines = [line.strip() for line in said.splitlines() if line.strip()]
        reason = lines[-1][:150] if status is not None and lines else f"{_PROBE_SECONDS} s passed"
        say(f"it can't: {reason} ...")
        say("so Bazel is taken from Debian packages; ./bazelw --bazelw-clean forgets that")
    write_atomically(memory, answer.encode() + b"\n")
    return answer


def verdict(status: int | None, said: str) -> str:
    """CENTRAL, CLOSED or "" (can't tell) from a probe's exit status (None: stopped) and output."""
    if status == 0:
        return CENTRAL
    if status is None:
        return CLOSED
    network = (
        "error accessing registry",  # Bazel
        "failed to fetch registry file",
        "unknown host",
        "unknownhostexception",
        "connection refused",
        "connect timed out",
        "could not download bazel",  # Bazelisk, which has to get Bazel first
        "could not resolve the version",
        "no such host",
        "unable to connect",
        "network is unreachable",
        "i/o timeout",
    )
    lower = said.lower()
    return CLOSED if any(symptom in lower for symptom in network) else ""


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
