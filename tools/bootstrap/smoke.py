"""Tries the provisioned Bazel before anybody relies on it.

Debian's suite drifts, and what goes wrong then shows late: a native library that does not load
fails only where it is used. So: resolve modules, unpack a .tar.zst in a repository rule, run an
action in the sandbox, and look for library errors in the server's log.
"""

from __future__ import annotations

import io
import os
import re
import struct
import subprocess
import tarfile
from contextlib import suppress

from tools.bootstrap import launch, packages, registry, relocate
from tools.bootstrap.common import BootstrapError, remove, say

_CHECKOUT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
_TIMEOUT_SECONDS = 300
_TEXT = b"smoke test\n"
_BAD_LOG = re.compile(r".*(?:UnsatisfiedLinkError|NoClassDefFoundError|ClassNotFoundException).*")

_MODULE = """\
module(name = "smoke")
bazel_dep(name = "bazel_skylib", version = "1.0.0")
smoke = use_repo_rule("//:smoke.bzl", "smoke")
smoke(name = "unpacked", archive = "//:text.tar.zst")
"""
_RULE = """\
def _smoke_impl(rctx):
    rctx.extract(rctx.attr.archive)
    rctx.file("BUILD.bazel", "exports_files(['text'])")

smoke = repository_rule(implementation = _smoke_impl, attrs = {"archive": attr.label()})
"""
_BUILD = """\
load("@bazel_skylib//rules:write_file.bzl", "write_file")

write_file(name = "written", out = "written.txt", content = ["written"])
genrule(
    name = "smoke",
    srcs = ["written.txt", "@unpacked//:text"],
    outs = ["smoke.txt"],
    cmd = "test -s $(location written.txt) && cat $(location @unpacked//:text) > $@",
)
"""


def zstd_frame(data: bytes) -> bytes:
    """A zstd frame that holds data (under 128 KiB) as it is: one raw block (RFC 8878)."""
    header = struct.pack("<IBI", 0xFD2FB528, 0b1010_0000, len(data))  # single segment, 4-byte size
    return header + struct.pack("<I", len(data) << 3 | 1)[:3] + data


def tar_of(name: str, content: bytes) -> bytes:
    """A tar archive of one file, in the POSIX.1-1988 format."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        member = tarfile.TarInfo(name)
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    return out.getvalue()


class _Bazel:
    """The Bazel under test, in a scratch workspace, away from anybody's .bazelrc."""

    def __init__(self, home: str, root: str, scratch: str, registry_path: str) -> None:
        self.workspace = os.path.join(scratch, "workspace")
        self.output_base = os.path.join(scratch, "output")
        startup = [
            "--nosystem_rc",
            "--nohome_rc",
            "--noworkspace_rc",
            "--max_idle_secs=60",  # if this is killed, its server goes, too
            f"--output_user_root={os.path.join(scratch, 'user')}",  # the repository cache's place
            f"--output_base={self.output_base}",
        ]
        bazelrc = launch.write_bazelrc(registry_path)
        self._command = launch.command(home, root, relocate.java_home(root), bazelrc, startup)

    def run(self, *arguments: str) -> str:
        """Run a command; returns its standard output. Raises BootstrapError if it fails."""
        try:
            done = subprocess.run(
                [*self._command, *arguments],
                cwd=self.workspace,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=_TIMEOUT_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise BootstrapError(f"bazel {arguments[0]}: not done in {error.timeout} s") from error
        except OSError as error:
            raise BootstrapError(f"{self._command[0]}: {error.strerror}") from error
        if done.returncode != 0:
            raise BootstrapError(
                f"the provisioned Bazel does not work: bazel {' '.join(arguments)} failed:\n"
                + "\n".join("  " + line for line in done.stderr.splitlines()[-15:])
            )
        return done.stdout


def check(home: str, root: str, bazel_version: str) -> None:
    """Raise BootstrapError unless the Bazel in `root` works; writes only under home/smoke."""
    say("trying it")
    scratch = os.path.join(home, "smoke")
    remove(scratch)
    local = os.path.join(scratch, "registry")
    bazel = _Bazel(home, root, scratch, local)
    os.makedirs(bazel.workspace)
    for name, content in (
        ("MODULE.bazel", _MODULE.encode()),
        ("smoke.bzl", _RULE.encode()),
        ("BUILD.bazel", _BUILD.encode()),
        ("text.tar.zst", zstd_frame(tar_of("text", _TEXT))),
    ):
        with open(os.path.join(bazel.workspace, name), "wb") as out:
            out.write(content)
    registry.generate(
        local,
        [*registry.debian_modules(root), *registry.stubs(_CHECKOUT)],
        os.path.join(root, packages.EMBEDDED_TOOLS),
        [os.path.join(bazel.workspace, "MODULE.bazel")],
    )
    try:
        _try(bazel, bazel_version)
    finally:
        with suppress(BootstrapError):  # what went wrong before says more
            bazel.run("shutdown")
    remove(scratch)
    _warn_without_sandbox(root)


def _try(bazel: _Bazel, bazel_version: str) -> None:
    said = bazel.run("version", "--gnu_format")
    if said.split() != ["bazel", bazel_version]:
        raise BootstrapError(
            f"Debian has {said.strip()}, and .bazelversion wants {bazel_version}; "
            "use bazelisk, or change .bazelversion if the workspace builds with that version"
        )
    bazel.run("build", "--color=no", "--noshow_progress", "//:smoke")
    with open(os.path.join(bazel.workspace, "bazel-bin", "smoke.txt"), "rb") as built:
        if built.read() != _TEXT:
            raise BootstrapError("the provisioned Bazel built the wrong bytes from a .tar.zst")
    with open(os.path.join(bazel.output_base, "java.log"), encoding="utf-8") as log:
        found = _BAD_LOG.findall(log.read())
    if found:
        raise BootstrapError("the provisioned Bazel lacks a library or class: " + found[0].strip())


def _warn_without_sandbox(root: str) -> None:
    """Say so where the kernel does not let a user make namespaces: builds work, less isolated."""
    sandbox = os.path.join(root, launch.INSTALL_BASE, "linux-sandbox")
    done = subprocess.run([sandbox, "--", "/bin/true"], capture_output=True, check=False)
    if done.returncode != 0:
        say(
            "warning: no user namespaces here, so actions run without Bazel's linux-sandbox "
            "(docs/bootstrap.md, Troubleshooting)"
        )
