"""Compiles the build python of a release before 3.12.

Up to 3.11 CPython's extension modules are built by a setup.py as shared libraries, which a static
interpreter can't load. So those that are needed to build CPython and to install pip are named in
Modules/Setup.local, CPython's own place for modules to link in.
"""

from __future__ import annotations

import sys
from pathlib import Path

from tools.cpython import build_python
from tools.cpython.workspace import Workspace

# Module -> its sources and options. One that a release doesn't have is left out.
_MODULES = {
    "_bisect": "_bisectmodule.c",
    "_blake2": "_blake2/blake2module.c _blake2/blake2b_impl.c _blake2/blake2s_impl.c",
    "_contextvars": "_contextvarsmodule.c",
    "_csv": "_csv.c",
    "_datetime": "_datetimemodule.c",
    "_heapq": "_heapqmodule.c",
    "_json": "_json.c",
    "_md5": "md5module.c",
    "_opcode": "_opcode.c",
    "_pickle": "_pickle.c",
    "_posixsubprocess": "_posixsubprocess.c",
    "_queue": "_queuemodule.c",
    "_random": "_randommodule.c",
    "_sha1": "sha1module.c",
    "_sha256": "sha256module.c",
    "_sha3": "_sha3/sha3module.c",
    "_sha512": "sha512module.c",
    "_socket": "socketmodule.c",
    "_struct": "_struct.c",
    "array": "arraymodule.c",
    "binascii": "binascii.c",
    "fcntl": "fcntlmodule.c",
    "grp": "grpmodule.c",
    "math": "mathmodule.c _math.c",
    "mmap": "mmapmodule.c",
    # For pip of 3.9's ensurepip.
    "pyexpat": "pyexpat.c expat/xmlparse.c expat/xmlrole.c expat/xmltok.c -I$(srcdir)/Modules/expat"
    " -DHAVE_EXPAT_CONFIG_H -DXML_POOR_ENTROPY -DUSE_PYEXPAT_CAPI",
    "resource": "resource.c",
    "select": "selectmodule.c",
    "termios": "termios.c",
    "unicodedata": "unicodedata.c",
    "zlib": "zlibmodule.c -lz",
}


def setup_local(modules: Path) -> str:
    """The text of Setup.local for a source's Modules directory."""
    lines = ["*static*"]
    for name, words in _MODULES.items():
        kept = [word for word in words.split() if word[0] == "-" or (modules / word).exists()]
        if any(word.endswith(".c") for word in kept):
            lines.append(" ".join([name, *kept]))
    return "\n".join(lines) + "\n"


def build(workspace: Workspace, source: Path, jobs: int, *, free_threaded: bool = False) -> Path:
    """Compile the interpreter; return where it lies in the workspace.

    Args:
        workspace: where to build.
        source: CPython's source archive.
        jobs: how many compilers run at once.
        free_threaded: no release this old can be.

    Raises:
        BuildError: a step failed.
    """
    assert not free_threaded
    workspace.unpack_source(source)
    modules = workspace.src / "Modules"
    (modules / "Setup.local").write_text(setup_local(modules))
    return build_python.compile_static(workspace, jobs)


if __name__ == "__main__":
    sys.exit(build_python.main(sys.argv[1:], build))
