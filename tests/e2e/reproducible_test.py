"""An image has the same digest in another folder, time zone, locale and umask.

The digest to compare with comes from the build this test is part of (it is its data); the
scratch copy compiles and assembles everything again, with no cache of actions.
"""

from __future__ import annotations

import os
from pathlib import Path

from tools.testing.checkout import scratch

IMAGE = "//images:3.13-slim-bookworm_arm64.digest"
OTHER_MACHINE = {
    "LANG": "tr_TR.UTF-8",
    "LC_ALL": "tr_TR.UTF-8",
    "LOGNAME": "someone",
    "TZ": "Asia/Kathmandu",
    "USER": "someone",
}


def test_digests_are_equal() -> None:
    here = Path(os.environ["DIGEST"]).read_text().strip()
    flags = ["--disk_cache=", "--remote_cache="]
    with scratch("reproducible-in-a-folder-of-another-length", flags) as copy:
        result = copy.bazel("build", IMAGE, environment=OTHER_MACHINE, umask=0o077)
        assert result.status == 0, result.errors
        (file,) = copy.output(IMAGE, environment=OTHER_MACHINE)
        there = file.read_text().strip()
    assert there == here
