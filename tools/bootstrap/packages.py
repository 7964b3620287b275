"""Which Debian packages make up the provisioned Bazel: data only.

The suite drifts, so packages are named, never pinned: what apt resolves is smoke-tested before use.
A change here, or of RECIPE, gives the provisioned copy a new directory (see key()).
"""

from __future__ import annotations

import hashlib

SUITE = "forky"
ARCHITECTURE = "amd64"

# Raise it when provision.py or relocate.py make something else of the same packages.
RECIPE = 2

WANTED = (
    "bazel-bootstrap",  # Bazel itself; depends on the Starlark modules bazel_tools needs
    "bazel-rules-shell",
    "bazel-skylib",
    "default-jre-headless",  # the server's JVM
    "libblake3-0",  # loaded by Bazel's native code, though not declared as a dependency
    "libzstd-jni-java",  # likewise; .tar.zst archives are unpacked with it
    "patchelf",  # makes the above find each other under the prefix
)

# Dependencies that Bazel gets from the host, or never runs: apt is told that they are installed.
NOT_NEEDED = (
    "build-essential",  # toolchains are the workspace's own
    "ca-certificates",  # the trust store is made from the host's certificates
    "ca-certificates-java",
    "debconf",  # no maintainer script runs
    "default-jdk-headless",  # compiling Java
    "java-common",
    "libjs-jquery",  # documentation
    "node-core-js",
    "node-html5shiv",
    "openssl",
    "perl",
    "procps",
    "python3",
    "unzip",
    "util-linux",
    "zlib1g-dev",
)

# The interpreter for ./bazelw --bazelw-lock, with what lock_debian.py imports.
LOCK_SUITE = "trixie"
LOCK_WANTED = ("python3-minimal", "python3-yaml")
LOCK_NOT_NEEDED = (
    "debconf",  # no maintainer script runs
    "media-types",
    "netbase",
    "tzdata",
)

# Where Debian's Bazel has its Starlark modules: one directory each, with a MODULE.bazel.
MODULE_PARENTS = ("usr/share/bazel/rules", "usr/share/bazel/tools")
EMBEDDED_TOOLS = "usr/share/bazel/embedded_tools"

# Modules that the workspace itself provides where there is no central registry.
STAND_INS = {"rules_oci": "third_party/rules_oci"}


def key(bazel_version: str) -> str:
    """The name of the provisioned copy's directory: readable, and new for each recipe."""
    recipe = repr((RECIPE, SUITE, ARCHITECTURE, WANTED, NOT_NEEDED))
    return f"{bazel_version}-{SUITE}-{hashlib.sha256(recipe.encode()).hexdigest()[:8]}"


def lock_key() -> str:
    """The name of the directory with the interpreter for --bazelw-lock: new for each recipe."""
    recipe = repr((LOCK_SUITE, ARCHITECTURE, LOCK_WANTED, LOCK_NOT_NEEDED))
    return f"lock-{LOCK_SUITE}-{hashlib.sha256(recipe.encode()).hexdigest()[:8]}"
