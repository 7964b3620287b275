import os
from pathlib import Path

import pytest

from tools.bootstrap import mode
from tools.bootstrap.common import BootstrapError

VERSION = "7.7.1"
HERE = Path(__file__).parent
FILE = "https://registry.invalid/modules/x/1/MODULE.bazel"
UNREACHABLE = (
    "ERROR: Error accessing registry https://registry.invalid/: "
    f"Failed to fetch registry file {FILE}: "
)
LACKS = (
    "ERROR: in module dependency chain <root> -> rules_oci@2.3.2: module rules_oci@2.3.2 not found "
    "in registries:"
)
ARCHIVE = "https://github.invalid/platforms.tar.gz"
FETCHING = f"""\
WARNING: Download from {ARCHIVE} failed: class java.io.IOException %s
INFO: Repository platforms instantiated at:
  <builtin>: in <toplevel>
Error in download_and_extract: java.io.IOException: Error downloading [{ARCHIVE}] to /o/p.tar.gz: %s
ERROR: java.io.IOException: Error downloading [{ARCHIVE}] to /o/p.tar.gz: %s
"""


@pytest.fixture(autouse=True)
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BAZELW_MODE", raising=False)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:/usr/bin:/bin")
    (tmp_path / "bin").mkdir()
    (tmp_path / "checkout").mkdir()


def program(tmp_path: Path, name: str, probe: str, version: str = f"bazel {VERSION}") -> Path:
    """A fake Bazel that logs its calls; `probe` is the shell code of what it's asked."""
    path = tmp_path / "bin" / name
    path.write_text(
        "#!/bin/sh\n"
        f'echo "$*" >> {tmp_path}/calls\n'
        f'case "$1" in --version) echo "{version}" ;; *) {probe} ;; esac\n'
    )
    path.chmod(0o755)
    return path


def calls(tmp_path: Path) -> list[str]:
    log = tmp_path / "calls"
    return log.read_text().splitlines() if log.exists() else []


def decide(tmp_path: Path) -> tuple[str, str]:
    return mode.decide(str(tmp_path / "checkout"), VERSION, str(tmp_path / "cache"))


def test_without_any_bazel_it_is_closed(tmp_path: Path) -> None:
    assert decide(tmp_path) == (mode.CLOSED, "")


@pytest.mark.parametrize("name", ["bazel", "bazelisk"])
def test_reachable_registry_is_asked_once(tmp_path: Path, name: str) -> None:
    path = program(tmp_path, name, "exit 0")
    assert decide(tmp_path) == (mode.CENTRAL, str(path))
    asked = len(calls(tmp_path))
    assert decide(tmp_path) == (mode.CENTRAL, str(path))
    assert len(calls(tmp_path)) == asked > 0


def test_unreachable_registry_is_remembered_for_a_day(tmp_path: Path) -> None:
    program(tmp_path, "bazelisk", f"echo '{UNREACHABLE}Unknown host' >&2; exit 2")
    assert decide(tmp_path) == (mode.CLOSED, "")
    assert decide(tmp_path) == (mode.CLOSED, "")
    assert len(calls(tmp_path)) == 1
    (memory,) = (tmp_path / "cache" / "mode").iterdir()
    yesterday = memory.stat().st_mtime - 25 * 3600
    os.utime(memory, (yesterday, yesterday))
    program_stat = (tmp_path / "bin" / "bazelisk").stat()
    assert decide(tmp_path) == (mode.CLOSED, "")
    assert (tmp_path / "bin" / "bazelisk").stat().st_mtime_ns == program_stat.st_mtime_ns
    assert len(calls(tmp_path)) == 2


def test_a_registry_that_lacks_a_module(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    program(tmp_path, "bazelisk", f"echo '{LACKS}' >&2; echo '* {FILE}: not found' >&2; exit 2")
    modules = tmp_path / "checkout" / "MODULE.bazel"
    modules.write_text('bazel_dep(name = "rules_oci", version = "2.3.2")\n')
    assert decide(tmp_path) == (mode.CLOSED, "")
    assert f"it can't: {LACKS.removeprefix('ERROR: ')}\n" in capsys.readouterr().err
    assert decide(tmp_path) == (mode.CLOSED, "")
    assert len(calls(tmp_path)) == 1
    # It may have what is asked of it from now on.
    modules.write_text('bazel_dep(name = "rules_oci", version = "2.3.0")\n')
    path = program(tmp_path, "bazelisk", "exit 0")
    assert decide(tmp_path) == (mode.CENTRAL, str(path))


def test_other_modules_are_asked_for_again(tmp_path: Path) -> None:
    program(tmp_path, "bazelisk", f"echo '{LACKS}'; exit 2")
    for version in ("1", "2"):
        (tmp_path / "checkout" / "MODULE.bazel").write_text(f"version {version}\n")
        assert decide(tmp_path) == (mode.CLOSED, "")
        assert decide(tmp_path) == (mode.CLOSED, "")
        assert len(calls(tmp_path)) == int(version)


def test_the_probe_asks_for_no_more_than_a_module_of_ours(tmp_path: Path) -> None:
    program(tmp_path, "bazelisk", "exit 0")
    decide(tmp_path)
    (asked,) = calls(tmp_path)
    command, repository, *_ = asked.split()
    assert command == "fetch"
    name = repository.removeprefix("--repo=@")
    assert f'bazel_dep(name = "{name}", ' in (HERE.parents[1] / "MODULE.bazel").read_text()


def test_other_trouble_is_left_to_bazel_to_report(tmp_path: Path) -> None:
    path = program(tmp_path, "bazelisk", "echo 'ERROR: MODULE.bazel:1:1: syntax error'; exit 2")
    assert decide(tmp_path) == (mode.CENTRAL, str(path))
    assert not (tmp_path / "cache" / "mode").exists()


def test_bazel_of_another_version_is_not_used(tmp_path: Path) -> None:
    program(tmp_path, "bazel", "exit 0", version="bazel 6.0.0")
    assert decide(tmp_path) == (mode.CLOSED, "")
    assert calls(tmp_path) == ["--version"]


def test_bazelisk_called_bazel_is_recognised(tmp_path: Path) -> None:
    path = program(tmp_path, "bazel", "exit 0", f"Bazelisk version: v1\nbazel {VERSION}")
    assert decide(tmp_path) == (mode.CENTRAL, str(path))


def test_a_changed_program_is_asked_again(tmp_path: Path) -> None:
    program(tmp_path, "bazelisk", f"echo '{UNREACHABLE}Unknown host'; exit 2")
    assert decide(tmp_path)[0] == mode.CLOSED
    path = program(tmp_path, "bazelisk", "exit 0 # another")
    assert decide(tmp_path) == (mode.CENTRAL, str(path))


def test_a_probe_that_hangs_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mode, "_PROBE_SECONDS", 0.3)
    program(tmp_path, "bazelisk", "sleep 60")
    assert decide(tmp_path) == (mode.CLOSED, "")


def test_link_to_this_launcher_is_not_taken_for_bazel(tmp_path: Path) -> None:
    launcher = tmp_path / "checkout" / "bazelw"
    launcher.write_text("#!/bin/sh\nexit 1\n")
    launcher.chmod(0o755)
    (tmp_path / "bin" / "bazel").symlink_to(launcher)
    assert decide(tmp_path) == (mode.CLOSED, "")


def test_forced_modes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BAZELW_MODE", "central")
    with pytest.raises(BootstrapError, match="install bazelisk"):
        decide(tmp_path)
    path = program(tmp_path, "bazelisk", f"echo '{UNREACHABLE}Unknown host'; exit 2")
    assert decide(tmp_path) == (mode.CENTRAL, str(path))
    monkeypatch.setenv("BAZELW_MODE", "closed")
    assert decide(tmp_path) == (mode.CLOSED, "")
    assert calls(tmp_path) == []
    monkeypatch.setenv("BAZELW_MODE", "open")
    with pytest.raises(BootstrapError, match="BAZELW_MODE=open"):
        decide(tmp_path)


# What Bazel 7.7.1 and Bazelisk 1.28.1 really say, but for names and addresses.
BAZELISK = "2026/11/30 05:25:20 could not download Bazel: "
GET = (
    f"{BAZELISK}failed to download bazel: failed to download bazel: HTTP GET "
    "https://b.invalid/7.7.1/bazel-7.7.1-linux-x86_64 failed"
)
TRIED = (
    f"{GET}: unable to complete 5 requests to https://b.invalid/7.7.1/bazel-7.7.1-linux-x86_64 "
    'within 30s. Most recent failure: Get "https://b.invalid/7.7.1/bazel-7.7.1-linux-x86_64": '
)


@pytest.mark.parametrize(
    "line",
    [
        f"{UNREACHABLE}{why}. Type 'bazel help mod' for syntax and help."
        for why in (
            "Unknown host: registry.invalid",
            "Connection refused (connect failed)",
            "Connection reset",
            "Unknown host: proxy.invalid",
            "GET returned 401 Unauthorized",
            "GET returned 403 Forbidden",
            "GET returned 500 Internal Server Error",
            'Unable to tunnel through proxy. Proxy returns "HTTP/1.1 403 Forbidden"',
            'Unable to tunnel through proxy. Proxy returns "HTTP/1.1 407 Proxy Authentication '
            'Required"',
            "(certificate_unknown) PKIX path building failed: sun.security.provider.certpath."
            "SunCertPathBuilderException: unable to find valid certification path to requested "
            "target",
            "PKIX path validation failed: java.security.cert.CertPathValidatorException: validity "
            "check failed",
            "(certificate_unknown) No subject alternative names matching IP address 10.0.0.1 found",
            "Unsupported or unrecognized SSL message",
        )
    ]
    + [
        LACKS,
        "ERROR: Error computing the main repository mapping: module not found in registries: x@1",
        # A page to log in, for everything.
        "ERROR: in module dependency chain <root> -> x@1: error parsing MODULE.bazel file for x@1",
    ]
    + [
        f"{TRIED}{why}"
        for why in (
            "dial tcp: lookup b.invalid on 127.0.0.53:53: no such host",
            "dial tcp 127.0.0.1:9: connect: connection refused",
            "proxyconnect tcp: dial tcp 127.0.0.1:9: connect: connection refused",
            "tls: failed to verify certificate: x509: certificate signed by unknown authority",
        )
    ]
    + [
        f"{GET} with error 403",
        f"{BAZELISK}failed to download bazel: failed to download bazel: not found",
        f"{BAZELISK}/d/bin/bazel has sha256={'1' * 64} but need sha256={'0' * 64}",
        # A page to log in, again.
        "2026/11/30 05:55:33 could not run Bazel: could not start Bazel: fork/exec /d/bin/bazel: "
        "exec format error",
    ],
)
def test_what_is_said_without_a_registry(line: str) -> None:
    said = f"Starting local Bazel server and connecting to it...\n{line}\n"
    assert mode.verdict(2, said) == mode.CLOSED
    assert mode.reason(said) == line.replace("ERROR: ", "")


@pytest.mark.parametrize(
    "why",
    [
        "Unknown host: github.invalid",
        "GET returned 403 Forbidden",
        "GET returned 404 Not Found",
        "Checksum was sha256-mmJCyJc8 but wanted sha256-AAAAAAAA",
    ],
)
def test_what_is_said_where_sources_are_out_of_reach(why: str) -> None:
    said = FETCHING % (why, why, why)
    assert mode.verdict(8, said) == mode.CLOSED
    assert mode.reason(said).endswith(why)


@pytest.mark.parametrize(
    ("status", "said", "expected"),
    [
        (0, "", mode.CENTRAL),
        (
            0,
            "WARNING: Download from https://a.invalid failed: class java.io.IOException",
            mode.CENTRAL,
        ),
        (None, "", mode.CLOSED),
        (2, "ERROR: Unrecognized option: --foo", ""),
        (
            48,
            "ERROR: /w/MODULE.bazel:2:1: syntax error at 'bazel_dep': expected ,\n"
            "ERROR: Error computing the main repository mapping: "
            "error parsing MODULE.bazel file for <root>",
            "",
        ),
    ],
)
def test_verdict(status: "int | None", said: str, expected: str) -> None:
    assert mode.verdict(status, said) == expected
