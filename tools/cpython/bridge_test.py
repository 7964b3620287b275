"""Libraries for bridges: a small "Python" compiled and linked as CPython is, and what loads it.

The programs run here, by the loader of the toolchain's sysroot.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.cpython import bridge
from tools.cpython.workspace import BuildError, Toolchain, Workspace

# A Python whose one object is a variable, with the names that the loader's behaviour hangs on.
PYTHON = """\
struct object { long references; long more[5]; } _Py_NoneStruct = { 1 };
int raised;
const char *Py_GetVersion(void) { return "9.9.1 (fake)"; }
void PyErr_SetString(int code) { raised = code; }
int PyErr_Occurred(void) { return raised; }
"""
# The interpreter: opens each file, and calls into it. What it opened must be itself.
INTERPRETER = """\
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
extern int PyErr_Occurred(void);
extern struct object _Py_NoneStruct;
int main(int count, char **files) {
    for (int i = 1; i < count; i++) {
        void *library = dlopen(files[i], RTLD_NOW);
        if (!library) { puts(dlerror()); return 1; }
        const char *(*version)(void) = (const char *(*)(void))dlsym(library, "Py_GetVersion");
        void (*raise)(int) = (void (*)(int))dlsym(library, "PyErr_SetString");
        Dl_info found;
        raise(i);
        printf("%s: %d %d %s", version(), PyErr_Occurred() == i,
               dlsym(library, "_Py_NoneStruct") == (void *)&_Py_NoneStruct,
               dladdr((void *)version, &found) ? found.dli_fname : "nowhere");
        puts("");
    }
    return 0;
}
"""
# A program that embeds Python: linked, and by name.
EMBEDDER = """\
#include <stdio.h>
extern struct object { long references; long more[5]; } _Py_NoneStruct;
extern const char *Py_GetVersion(void);
extern void PyErr_SetString(int);
extern int PyErr_Occurred(void);
int main(void) {
    PyErr_SetString(7);
    printf("%s: %d %ld\\n", Py_GetVersion(), PyErr_Occurred(), _Py_NoneStruct.references);
    return 0;
}
"""
# One that embeds Python without being linked to it.
OPENER = """\
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
int main(int count, char **files) {
    void *library = dlopen(files[1], RTLD_NOW | RTLD_GLOBAL);
    if (!library) { puts(dlerror()); return 1; }
    printf("%s\\n", ((const char *(*)(void))dlsym(library, "Py_GetVersion"))());
    return dlsym(RTLD_DEFAULT, "PyErr_SetString") ? 0 : 2;
}
"""
NAMES = bridge.Names("9.9")
TRIPLET = "x86_64-linux-gnu"


class Installation:
    """What a compilation leaves behind, and programs that use it."""

    def __init__(self, root: Path) -> None:
        cc = Path(os.environ["CC"])
        with tarfile.open(cc) as archive:
            (gcc,) = {
                found[1]
                for name in archive.getnames()
                if (found := re.fullmatch(rf"usr/bin/{TRIPLET}-gcc-([0-9]+)", name))
            }
        toolchain = Toolchain(
            cc, Path(os.environ["SYSROOT"]), Path(os.environ["HOST"]), TRIPLET, gcc, TRIPLET
        )
        self.workspace = Workspace(root / "work", toolchain, 1)
        self.workspace.src.mkdir()
        self.lib = self.workspace.root / "out/lib"
        self.lib.mkdir(parents=True)
        sysroot = self.workspace.root / "sysroot"
        (self.loader,) = (sysroot / "usr/lib64").glob("ld-linux*.so.2")
        self.interpreter = self.lib / "python9.9"
        self.path = f"{sysroot}/usr/lib/{TRIPLET}"

    def compile(self, source: str, name: str, *options: str) -> Path:
        """Compile a program or library."""
        (self.workspace.src / f"{name}.c").write_text(source)
        out = self.lib / name
        self.workspace.run(name, ["gcc", f"{name}.c", "-o", out, *options])
        return out

    def run(self, program: Path, *arguments: str | Path, **environment: str) -> str:
        """Run a program; what it prints."""
        result = subprocess.run(
            [program, *arguments], env=environment, check=False, capture_output=True, text=True
        )
        assert result.returncode == 0, result
        return result.stdout

    def program(self, source: str, name: str, *options: str) -> Path:
        """Compile a program that runs here."""
        return self.compile(
            source, name, f"-Wl,--dynamic-linker={self.loader}",
            f"-Wl,-rpath,{self.path}:{self.lib}", *options,
        )  # fmt: skip

    def sections(self, library: Path) -> str:
        """What readelf tells of a library."""
        return self.workspace.run("readelf", ["readelf", "-W", "--dynamic", "--segments", library])


@pytest.fixture(scope="module", name="installed")
def _installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    made = Installation(tmp_path_factory.mktemp("bridge"))
    with made.workspace:
        shared = ("-shared", "-fPIC")
        made.compile(PYTHON, NAMES.interface, *shared, f"-Wl,-soname,{NAMES.code}")
        (made.lib / NAMES.link).symlink_to(NAMES.interface)
        made.compile("", "libpython3.so", *shared)
        option = bridge.name_option(NAMES)
        made.interpreter = made.program(PYTHON + INTERPRETER, "python9.9", "-rdynamic", option)
        bridge.build(made.workspace, made.interpreter, made.lib, NAMES, "-Wl,-z,relro -Wl,-z,now")
        yield made


FILES = (NAMES.link, NAMES.interface, NAMES.locate, "libpython3.so")


@pytest.mark.parametrize("name", FILES)
def test_what_is_opened_in_the_interpreter_is_itself(installed: Installation, name: str) -> None:
    for argument in (installed.lib / name, name):
        shown = installed.run(installed.interpreter, argument)
        # Who asks where the library is must get a file that others can open.
        assert shown == f"9.9.1 (fake): 1 1 {installed.lib / NAMES.locate}\n"


def test_the_library_with_the_code_by_name(installed: Installation) -> None:
    assert installed.run(installed.interpreter, NAMES.code).startswith("9.9.1 (fake): 1 1 ")


def test_preloaded(installed: Installation) -> None:
    file = installed.lib / NAMES.interface
    assert installed.run(installed.interpreter, file, LD_PRELOAD=str(file)).startswith(
        "9.9.1 (fake): 1 1 "
    )


@pytest.mark.parametrize(
    "options", [(), ("-fno-pie", "-no-pie"), ("-Wl,--as-needed", "-Wl,-z,now")]
)
def test_embedding(installed: Installation, options: tuple[str, ...]) -> None:
    link = (*options, f"-L{installed.lib}", "-lpython9.9")
    program = installed.program(EMBEDDER, "embedder", *link)
    assert installed.run(program) == "9.9.1 (fake): 7 1\n"
    needed = installed.sections(program)
    assert f"[{NAMES.interface}]" in needed
    assert f"[{NAMES.code}]" not in needed
    assert "warning" not in (installed.workspace.log / "embedder").read_text()


def test_a_program_linked_with_another_s_library(installed: Installation, tmp_path: Path) -> None:
    options = ("-shared", "-fPIC", f"-Wl,-soname,{NAMES.interface}")
    installed.compile(PYTHON, "other.so", *options).rename(tmp_path / NAMES.link)
    program = installed.program(EMBEDDER, "foreign", "-no-pie", f"-L{tmp_path}", "-lpython9.9")
    assert installed.run(program) == "9.9.1 (fake): 7 1\n"


@pytest.mark.parametrize("name", FILES)
def test_opened_by_another_program(installed: Installation, name: str) -> None:
    program = installed.program(OPENER, "opener")
    assert installed.run(program, installed.lib / name) == "9.9.1 (fake)\n"


def test_profilers_see_no_code_but_python_s(installed: Installation) -> None:
    # They take the first file that is mapped to run and named libpythonX.Y.so.
    assert " R E " not in installed.sections(installed.lib / NAMES.interface)
    assert " R E " in installed.sections(installed.lib / NAMES.code)
    assert NAMES.code.startswith(NAMES.link)
    assert not NAMES.locate.startswith(NAMES.link)


def test_stripped(installed: Installation, tmp_path: Path) -> None:
    kept = installed.lib.rename(tmp_path / "kept")
    shutil.copytree(kept, installed.lib, symlinks=True)
    for name in (NAMES.interface, NAMES.locate, NAMES.code, "libpython3.so"):
        installed.workspace.run("strip", ["strip", "--strip-all", installed.lib / name])
    shown = installed.run(installed.interpreter, installed.lib / NAMES.link)
    assert shown == f"9.9.1 (fake): 1 1 {installed.lib / NAMES.locate}\n"
    test_embedding(installed, ())


def test_code_without_symbols(installed: Installation, tmp_path: Path) -> None:
    options = ("-shared", "-fPIC", f"-Wl,-soname,{NAMES.code}")
    installed.compile("", "empty.so", *options).rename(tmp_path / NAMES.interface)
    with pytest.raises(BuildError, match=r"libpython9\.9\.so-code has no Py_GetVersion"):
        bridge.build(installed.workspace, installed.interpreter, tmp_path, NAMES, "")


def test_names_that_the_loader_could_not_match(installed: Installation, tmp_path: Path) -> None:
    shutil.copy2(installed.lib / NAMES.interface, tmp_path)
    with pytest.raises(BuildError, match=r"libpython9\.9\.so-code isn't linked with the name"):
        bridge.build(installed.workspace, installed.interpreter, tmp_path, NAMES, "")
    shutil.copy2(installed.lib / NAMES.code, tmp_path / NAMES.interface)
    unnamed = installed.program(PYTHON + INTERPRETER, "unnamed", "-rdynamic")
    with pytest.raises(BuildError, match=r"unnamed isn't linked with the name libpython9"):
        bridge.build(installed.workspace, unnamed, tmp_path, NAMES, "")


def test_symbols_of_all_kinds() -> None:
    listing = """
Symbol table '.dynsym' contains 5 entries:
   Num:    Value          Size Type    Bind   Vis      Ndx Name
     0: 0000000000000000     0 NOTYPE  LOCAL  DEFAULT  UND
     1: 0000000000000000     0 FUNC    GLOBAL DEFAULT  UND fopen@GLIBC_2.17 (2)
     2: 00000000001d3e70   296 FUNC    GLOBAL DEFAULT [VARIANT_PCS]    13 PyObject_Call
     3: 00000000004f7f40 0x18990 OBJECT  GLOBAL DEFAULT   24 _PyRuntime
     4: 0000000000000008     8 TLS     GLOBAL DEFAULT   21 _Py_tss_tstate
     5: 000000000030410c     0 NOTYPE  GLOBAL DEFAULT    9 _edata
     6: 00000000001d3e74    12 FUNC    WEAK   DEFAULT [<localentry>: 8]    13 PyWeak
"""
    assert bridge.symbols(listing) == [
        bridge.Symbol("PyObject_Call", "FUNC", 296),
        bridge.Symbol("PyWeak", "FUNC", 12),
        bridge.Symbol("_PyRuntime", "OBJECT", 0x18990),
        bridge.Symbol("_Py_tss_tstate", "TLS", 8),
    ]
