"""The command line that runs the provisioned Bazel."""

from __future__ import annotations

import json
import os
from typing import Any

from tools.bootstrap import registry, truststore
from tools.bootstrap.common import BootstrapError, write_atomically

COMPLETE = "complete"  # in the provisioned directory, written last
INSTALL_BASE = "usr/share/bazel"

_BAZELRC = """\
# Written by ./bazelw for the Bazel that it provisioned; see docs/bootstrap.md.
# Debian's Bazel has no modules for the old WORKSPACE suffix.
common --noenable_workspace
# A lock file made against this registry would be of no use to anybody else.
common --lockfile_mode=off
common --registry=file://{registry}
"""


def program(root: str) -> str:
    """The Bazel client in the unpacked packages."""
    return os.path.join(root, "usr", "bin", "bazel")


def write_bazelrc(registry: str) -> str:
    """Make the bazelrc that goes with a registry, unless it is there; returns its path."""
    path = registry + ".bazelrc"
    if not os.path.exists(path):
        write_atomically(path, _BAZELRC.format(registry=registry).encode())
    return path


def command(home: str, root: str, java_home: str, bazelrc: str, arguments: list[str]) -> list[str]:
    """The provisioned Bazel's command line for the user's arguments.

    What comes first are startup options of ours. They leave the system's, the user's and the
    workspace's .bazelrc in force, and the user's own startup options follow them.
    """
    options = [
        f"--install_base={os.path.join(root, INSTALL_BASE)}",
        "--trust_install_base",
        f"--server_javabase={os.path.join(root, java_home)}",
        f"--bazelrc={bazelrc}",
    ]
    trust = truststore.ensure(os.path.join(home, "truststore"))
    if trust is not None:
        options += [
            f"--host_jvm_args=-Djavax.net.ssl.trustStore={trust}",
            f"--host_jvm_args=-Djavax.net.ssl.trustStorePassword={truststore.PASSWORD}",
        ]
    return [program(root), *options, *arguments]


def installed(home: str) -> dict[str, Any] | None:
    """What is known about the Bazel provisioned in `home`; None if none is, or not wholly."""
    try:
        with open(os.path.join(home, COMPLETE), encoding="utf-8") as marker:
            complete: dict[str, Any] = json.load(marker)
    except FileNotFoundError:
        return None
    return complete


def prepare(home: str, checkout: str, workspace: str, arguments: list[str]) -> list[str]:
    """The command line of the Bazel in `home`, after making what this workspace needs for it."""
    complete = installed(home)
    if complete is None:
        raise BootstrapError(f"{home} was removed just now; run this again")
    root = os.path.join(home, "root")
    local = registry.ensure(os.path.join(home, "registry"), root, checkout, workspace)
    return command(home, root, complete["java_home"], write_bazelrc(local), arguments)
