"""gdb finds Python's functions in the default variant.

Debian's gdb, installed there by apt, reads the stack: it loads the extension that lies beside the
interpreter, and what it tells has to be in the interpreter's symbols and debugging information.
gdb and vim embed Python themselves: Debian's, or ours if it is of the same minor version.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.apt_sources import apt_sources
from tests.e2e.container_runtime import Runtime, container_runtime, missing

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing())

PROGRAM = """\
import os


def outer(colour):
    return inner(colour.upper())


def inner(name):
    os.abort()


outer("teal")
"""

# For Python in another program: modules in C that Debian has in libpython, or as files.
MODULES = """\
import socket, ssl, ctypes, decimal, sqlite3
names = " ".join(module.__name__ for module in (socket, ssl, ctypes, decimal, sqlite3))
with open("/tmp/modules", "a") as file:
    print(names, file=file)
"""

COMMANDS = """\
set debuginfod enabled off
# Switching it off is a system call that a container may not make.
set disable-randomization off
run /work/program.py
py-bt
py-bt-full
"""


@pytest.fixture(scope="module")
def runtime() -> Iterator[Runtime]:
    # A store of overlays can't lie on an overlay, nor its sockets below a long path.
    with (
        tempfile.TemporaryDirectory(prefix="gdb-", dir="/var/tmp") as root,
        container_runtime(Path(root)) as made,
    ):
        yield made


def test_gdb_shows_python_s_stack(runtime: Runtime, tmp_path: Path) -> None:
    image = runtime.load(Path(os.environ["IMAGE"]).resolve(), "default")
    work = tmp_path / "work"
    work.mkdir()
    (work / "program.py").write_text(PROGRAM)
    (work / "commands").write_text(COMMANDS)
    options = (
        *apt_sources(runtime, image, tmp_path),
        f"--volume={work}:/work:ro",
        "--network=host",
        "--cap-add=SYS_PTRACE",
    )
    (work / "modules.py").write_text(MODULES)
    command = (
        "set -e; { apt-get update -qq; "
        "DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends gdb vim-nox; "
        "} >/dev/null 2>&1; "
        "gdb -batch -x /work/commands -x /work/modules.py /usr/local/bin/python3 2>&1; "
        "vim -es -u NONE -c 'py3file /work/modules.py' -c q; cat /tmp/modules; "
        # Debian's own Python keeps its own.
        "/usr/bin/python3 -c 'import socket, sys; print(socket.__file__, *sys.path[1:])'"
    )
    shown = runtime.run(image, "sh", "-c", command, options=options)
    assert shown.count("socket ssl ctypes decimal sqlite3\n") == 2, shown
    own = [line for line in shown.splitlines() if line.startswith("/usr/lib/python3")]
    assert own, shown
    assert not re.search(r"/usr/local/lib/python[0-9.]+(/lib-dynload|/site-packages|$| )", own[0])
    for line in (
        'File "/work/program.py", line 9, in inner',
        'File "/work/program.py", line 5, in outer',
        'File "/work/program.py", line 12, in <module>',
        "in inner (name='TEAL')",
    ):
        assert line in shown, shown
