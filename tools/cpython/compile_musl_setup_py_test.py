"""What is mended in the scripts of old releases is there once, or the build stops."""

from __future__ import annotations

import pytest

from tools.cpython.compile_musl_setup_py import mended
from tools.cpython.workspace import BuildError

SCRIPT = 'case "$build_os" in\n  linux-musl*)\n  ;;\nesac\n'


def test_texts_are_replaced() -> None:
    assert mended("configure", SCRIPT, {"$build_os": "$host_os"}) == (
        'case "$host_os" in\n  linux-musl*)\n  ;;\nesac\n'
    )


@pytest.mark.parametrize(("script", "times"), [("esac\n", 0), (SCRIPT * 2, 2)])
def test_another_script_is_refused(script: str, times: int) -> None:
    with pytest.raises(BuildError, match=rf"configure has .*build_os.* {times} times, not once"):
        mended("configure", script, {"$build_os": ""})
