"""make_extension.py FOLDER: writes a source archive with a C extension, for pip to build offline.

Its build back end is its own: neither setuptools nor any other package is needed. It calls the
compiler and flags Python itself was built with, which is what an image has to have.
"""

import io
import pathlib
import sys
import tarfile

NAME = "structure_extension-1.0"
FILES = {
    "PKG-INFO": "Metadata-Version: 2.1\nName: structure-extension\nVersion: 1.0\n",
    "pyproject.toml": (
        '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
    ),
    "structure_extension.c": """\
#include <Python.h>

static PyObject *answer(PyObject *self, PyObject *unused) { return PyLong_FromLong(42); }

static PyMethodDef methods[] = {{"answer", answer, METH_NOARGS, NULL}, {NULL, NULL, 0, NULL}};

static struct PyModuleDef module = {
    PyModuleDef_HEAD_INIT, "structure_extension", NULL, 0, methods, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit_structure_extension(void) { return PyModuleDef_Init(&module); }
""",
    "backend.py": '''\
"""Build back end (PEP 517): compiles the one module with sysconfig's compiler."""

import pathlib
import shlex
import subprocess
import sysconfig
import zipfile

INFO = "structure_extension-1.0.dist-info"


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    settings = sysconfig.get_config_vars()
    module = "structure_extension" + settings["EXT_SUFFIX"]
    words = [settings[name] for name in ("CC", "CFLAGS", "CCSHARED")]
    compile = [word for words in words for word in shlex.split(words)]
    include = "-I" + sysconfig.get_path("include")
    source = "structure_extension.c"
    subprocess.run([*compile, include, "-c", source, "-o", "module.o"], check=True)
    link = shlex.split(settings["LDSHARED"])
    subprocess.run([*link, "module.o", "-o", module], check=True)
    interpreter = "cp" + settings["py_version_nodot"]
    platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
    abi = interpreter + ("t" if settings.get("Py_GIL_DISABLED") else "")
    tag = f"{interpreter}-{abi}-{platform}"
    files = {
        f"{INFO}/METADATA": pathlib.Path("PKG-INFO").read_bytes(),
        f"{INFO}/WHEEL": (
            f"Wheel-Version: 1.0\\nGenerator: backend\\nRoot-Is-Purelib: false\\nTag: {tag}\\n"
        ).encode(),
        module: pathlib.Path(module).read_bytes(),
    }
    name = f"structure_extension-1.0-{tag}.whl"
    with zipfile.ZipFile(pathlib.Path(wheel_directory, name), "w") as wheel:
        for path, content in files.items():
            wheel.writestr(path, content)
        record = "".join(f"{path},,\\n" for path in [*files, f"{INFO}/RECORD"])
        wheel.writestr(f"{INFO}/RECORD", record)
    return name
''',
}


def write(folder: pathlib.Path) -> None:
    """Write the archive into `folder`, which is made if need be."""
    folder.mkdir(parents=True, exist_ok=True)
    with tarfile.open(folder / f"{NAME}.tar.gz", "w:gz") as archive:
        for name, text in FILES.items():
            info = tarfile.TarInfo(f"{NAME}/{name}")
            info.size = len(text.encode())
            archive.addfile(info, io.BytesIO(text.encode()))


if __name__ == "__main__":
    write(pathlib.Path(sys.argv[1]))
