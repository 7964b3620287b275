"""The command line that runs the provisioned Bazel."""

from __future__ import annotations

import hashlib
import os

from tools.bootstrap import packages, truststore
from tools.bootstrap.common import BootstrapError, remove, write_atomically

COMPLETE = "complete"  # in the provisioned directory, written last
INSTALL_BASE = "usr/share/bazel"
_FACTS = frozenset(("bazel", "suite", "mirror", "java_home"))

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


def mark_complete(home: str, facts: list[tuple[str, str]]) -> None:
    """Record that `home` has a whole Bazel, and these facts; `java_home` must be among them."""
    text = "".join(f"{name}: {value}\n" for name, value in facts)
    write_atomically(os.path.join(home, COMPLETE), text.encode())


def installed(home: str) -> dict[str, str] | None:
    """What is known about the Bazel provisioned in `home`; None if none is, or not wholly.

    A cache can be damaged by what cleans disks, or by a full one: a marker that can't be read, and
    one whose programs are gone, count as none. Of facts with the same name it has the last.
    """
    try:
        with open(os.path.join(home, COMPLETE), encoding="utf-8") as marker:
            facts = dict(line.rstrip("\n").split(": ", 1) for line in marker)
    except (OSError, ValueError):
        return None
    root = os.path.join(home, "root")
    whole = (
        facts.keys() >= _FACTS
        and os.access(program(root), os.X_OK)
        and os.path.isdir(os.path.join(root, facts["java_home"]))
        and os.path.isdir(os.path.join(root, INSTALL_BASE))
    )
    return facts if whole else None


def registry_for(directory: str, root: str, checkout: str, workspace: str) -> str:
    """The module registry for a workspace, under `directory`; made when missing. Returns its path.

    root: the unpacked packages; checkout: where ./bazelw is; workspace: where the MODULE.bazel that
    Bazel will read is (the checkout, or another one that uses it). The path changes with whatever
    goes into the registry: Bazel's server takes what it has read from a registry to be final.
    """
    roots = [os.path.join(d, "MODULE.bazel") for d in sorted({workspace, checkout})]
    bootstrap = os.path.join(checkout, "tools", "bootstrap")
    inputs = [
        *roots,
        os.path.join(bootstrap, "registry.py"),
        os.path.join(bootstrap, "packages.py"),
    ]
    inputs += [os.path.join(checkout, d, "MODULE.bazel") for d in packages.STAND_INS.values()]
    digest = hashlib.sha256(f"{root}\0{checkout}\0{roots}".encode())
    for name in inputs:
        digest.update(b"\0")
        if os.path.isfile(name):
            with open(name, "rb") as source:
                digest.update(source.read())
    path = os.path.join(directory, digest.hexdigest()[:16])
    if not os.path.isdir(path):
        _make_registry(path, root, checkout, [name for name in roots if os.path.isfile(name)])
    return path


def _make_registry(path: str, root: str, checkout: str, roots: list[str]) -> None:
    from tools.bootstrap import registry

    sources = registry.debian_modules(root) + registry.stubs(checkout)
    sources += registry.stand_ins(checkout)
    temporary = f"{path}.{os.getpid()}.tmp"
    try:
        registry.generate(temporary, sources, os.path.join(root, packages.EMBEDDED_TOOLS), roots)
        os.rename(temporary, path)
    except OSError:
        remove(temporary)
        if not os.path.isdir(path):  # else another ./bazelw was faster
            raise


def prepare(home: str, checkout: str, workspace: str, arguments: list[str]) -> list[str]:
    """The command line of the Bazel in `home`, after making what this workspace needs for it."""
    complete = installed(home)
    if complete is None:
        raise BootstrapError(f"{home} was removed just now; run this again")
    root = os.path.join(home, "root")
    local = registry_for(os.path.join(home, "registry"), root, checkout, workspace)
    return command(home, root, complete["java_home"], write_bazelrc(local), arguments)
