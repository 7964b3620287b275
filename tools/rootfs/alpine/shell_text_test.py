"""What counts as a comment in a script, and what doesn't."""

from __future__ import annotations

import pytest

from tools.rootfs.alpine.shell_text import run_text

CODE = (
    '#!/bin/sh\ncase "$1" in\n\tx*) y=$(readlink "$(command -v z)");;\nesac\n'
    "[ $# = 0 ] && rm ${y#*/}\n"
)


def test_comments_and_blank_lines_mean_nothing() -> None:
    commented = CODE.replace("\ncase", "\n\n# since 1.2: don't\n \t# more\n\ncase")
    assert commented != CODE
    assert run_text(commented.encode()) == run_text(CODE.encode()) == CODE.encode()


@pytest.mark.parametrize(
    "script",
    [
        "#!/bin/sh\ncat > x <<E\n# data\nE\n",
        "#!/bin/sh\necho 'a\n# data'\n",
        '#!/bin/sh\necho "a\n# data"\n',
        '#!/bin/sh\nx="$(echo "a\n# data")"\n',
        '#!/bin/sh\ncase x in x) y="$(echo "a\n# data")";; esac\n',
        "#!/bin/sh\necho `echo a\n# data`\n",
        "#!/bin/sh\necho ${x:-a\n# data}\n",
        '#!/bin/sh\necho ${x:-"}"\n# data}\n',
        "#!/bin/sh\necho a\\\n# data\n",
        "#!/bin/sh\necho $'\\'\n# data'\n",
        "#!/usr/bin/lua\nx = 1\n# data\n",
        "# no interpreter\n",
    ],
)
def test_what_may_be_no_comment_counts(script: str) -> None:
    assert run_text(script.encode()) == script.encode()


def test_code_counts() -> None:
    first, second = (run_text(f"#!/bin/sh\n# c\nrm {x}\n".encode()) for x in ("a", "b"))
    assert first != second
    # A comment behind code counts, too: that it is one isn't looked into.
    assert b"# c" in run_text(b"#!/bin/sh\nrm a # c\n")


def test_bytes_that_are_no_text() -> None:
    assert run_text(b"#!/bin/sh\n# \xff\n") == b"#!/bin/sh\n# \xff\n"
