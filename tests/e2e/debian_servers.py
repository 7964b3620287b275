"""Servers out of Debian packages, unpacked into the user's cache: no root, nothing installed.

They come from the suite that Bazel is provisioned from, by the same means (tools/bootstrap): it has
what older ones lack. They are programs of tests, and leave no trace in anything that is built.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from tests.e2e.debian_program import fetched
from tools.bootstrap import packages, provision, relocate
from tools.bootstrap.common import BootstrapError, remove
from tools.testing.checkout import scratch_root

# Raise it when what is made of the packages changes.
_RECIPE = 1
_WANTED = (
    "bubblewrap",  # the worker's sandbox
    "buildbox",  # the worker, and the cache beside it
    "busybox-static",  # the one program in that sandbox
    "nginx",  # an HTTP cache
    "patchelf",  # makes the others run from here
    "postgresql-18",  # BuildGrid's scheduler keeps its queue in it
)
# Dependencies that only packages' scripts, or other uses of them, call for.
_NOT_NEEDED = (
    *packages.NOT_NEEDED,
    "locales",
    "locales-all",
    "postgresql-client-common",
    "postgresql-common",
    "ssl-cert",
    "tzdata",
)


def unpacked() -> Path:
    """Return the root the packages are in; skips the test where they aren't available."""
    try:
        return _unpack()
    except BootstrapError as error:
        pytest.skip(f"servers of Debian {packages.SUITE} aren't available: {error}")


def _unpack() -> Path:
    recipe = repr((_RECIPE, packages.SUITE, _WANTED, _NOT_NEEDED))
    key = hashlib.sha256(recipe.encode()).hexdigest()[:8]
    home = scratch_root() / f"servers-{packages.SUITE}-{key}"
    root = home / "root"
    complete = home / "complete"
    provision.check_host()
    with provision.lock(str(home)) as descriptor:
        if complete.exists():
            return root
        remove(str(root))
        archives = fetched(_WANTED, home / "apt", _NOT_NEEDED, [descriptor])
        provision.unpack([str(file) for file in archives], str(root), [descriptor])
        relocate.relative_links(str(root))
        relocate.drop_special_modes(str(root))
        relocate.patch_programs(str(root))
        remove(str(home / "apt"))
        complete.touch()
    return root
