"""An image and the documents about it are the same in another folder, time zone, locale and umask.

What to compare with comes from the build this test is part of (it is its data); the
scratch copy compiles and assembles everything again, with no cache of actions.
"""

from __future__ import annotations

import os
from pathlib import Path

from tests.e2e.roles import MINOR, SUITE
from tools.testing.checkout import scratch

IMAGE = f"//images:{MINOR}-slim-{SUITE}_arm64"
TARGETS = [f"{IMAGE}.{what}" for what in ("digest", "provenance", "sbom")]
OTHER_MACHINE = {
    "LANG": "tr_TR.UTF-8",
    "LC_ALL": "tr_TR.UTF-8",
    "LOGNAME": "someone",
    "TZ": "Asia/Kathmandu",
    "USER": "someone",
}


def test_images_and_documents_are_equal() -> None:
    here = {Path(name).name: Path(name).read_bytes() for name in os.environ["FILES"].split()}
    assert len(here) == 4
    flags = ["--disk_cache=", "--remote_cache="]
    there = {}
    with scratch("reproducible-in-a-folder-of-another-length", flags) as copy:
        result = copy.bazel("build", *TARGETS, environment=OTHER_MACHINE, umask=0o077)
        assert result.status == 0, result.errors
        for target in TARGETS:
            for file in copy.output(target, environment=OTHER_MACHINE):
                there[file.name] = file.read_bytes()
    assert there == here
