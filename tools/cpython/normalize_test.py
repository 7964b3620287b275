"""Sysconfig of a cross-compilation made equal to a native build's."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tools.cpython.normalize import (
    NormalizeError,
    Paths,
    find_leaks,
    native_arguments,
    native_details,
    native_makefile,
)

PATHS = Paths("/w/1/src", "/w/1/sysroot", "/w/1/bin")
TRIPLET = "aarch64-linux-gnu"

CROSS = """\
abs_srcdir=\t/w/1/src
AR=\t\t/w/1/bin/ar
INSTALL=\t/w/1/bin/install -c
RUNSHARED=       \n\
MODULE__UUID_CFLAGS=-I/w/1/sysroot/usr/include/uuid
CONFIG_ARGS=\t '--build=x86_64-build-linux-gnu' '--host=aarch64-linux-gnu' '--enable-shared' \
'CC=gcc' 'AR=/w/1/bin/ar' 'build_alias=x86_64-build-linux-gnu' 'host_alias=aarch64-linux-gnu' \
'PKG_CONFIG_LIBDIR=/w/1/sysroot/usr/lib/aarch64-linux-gnu/pkgconfig'
PYTHON_FOR_REGEN?=/w/1/build-python/bin/python3.13
PYTHON_FOR_BUILD=_PYTHON_PROJECT_BASE=$(abs_builddir) /w/1/build-python/bin/python3.13
PYTHON_FOR_BUILD_DEPS=
_PYTHON_HOST_PLATFORM=linux-aarch64
BUILD_GNU_TYPE=\tx86_64-build-linux-gnu
HOST_GNU_TYPE=\taarch64-unknown-linux-gnu
all:\tbuild
"""

NATIVE = """\
abs_srcdir=\t/usr/src/python
AR=\t\tar
INSTALL=\t/usr/bin/install -c
RUNSHARED=       LD_LIBRARY_PATH=/usr/src/python
MODULE__UUID_CFLAGS=-I/usr/include/uuid
CONFIG_ARGS=\t '--build=aarch64-linux-gnu' '--enable-shared' 'build_alias=aarch64-linux-gnu'
PYTHON_FOR_REGEN?=python3
PYTHON_FOR_BUILD=./$(BUILDPYTHON) -E
PYTHON_FOR_BUILD_DEPS=$(BUILDPYTHON)
_PYTHON_HOST_PLATFORM=
BUILD_GNU_TYPE=\taarch64-unknown-linux-gnu
HOST_GNU_TYPE=\taarch64-unknown-linux-gnu
all:\tbuild
"""


def test_makefile() -> None:
    assert native_makefile(CROSS, PATHS, TRIPLET) == NATIVE


def test_a_native_makefile_stays() -> None:
    assert native_makefile(NATIVE, PATHS, TRIPLET) == NATIVE


def test_only_whole_variables_are_set() -> None:
    line = "OTHER_PYTHON_FOR_BUILD=kept\n# PYTHON_FOR_BUILD=kept\n"
    assert line in native_makefile(CROSS + line, PATHS, TRIPLET)


@pytest.mark.parametrize("name", ["CONFIG_ARGS", "HOST_GNU_TYPE"])
def test_not_a_makefile_of_cpython(name: str) -> None:
    with pytest.raises(NormalizeError, match=name):
        native_makefile(CROSS.replace(name, "X"), PATHS, TRIPLET)


def test_arguments_keep_their_order() -> None:
    cross = "'--with-build-python=/p' '--enable-shared' '--with-ensurepip' '--host=a' 'CXX=g++'"
    assert native_arguments(cross, "a") == (
        "'--build=a' '--enable-shared' '--with-ensurepip' 'build_alias=a'"
    )


def test_build_details() -> None:
    details = {
        "base_interpreter": "/w/1/build-python/bin/python3.14",
        "base_prefix": "/w/1/build-python",
        "abi": {"extension_suffix": ".cpython-314-aarch64-linux-gnu.so"},
        "suffixes": {"extensions": [".cpython-314-x86_64-linux-gnu.so", ".abi3.so", ".so"]},
        "libpython": {
            "dynamic": "/w/1/build-python/lib/libpython3.14.so",
            "static": "/w/1/build-python/lib/libpython3.14.a",
        },
    }
    native = json.loads(native_details(json.dumps(details), "/w/1/build-python"))
    assert native == {
        "base_interpreter": "/usr/local/bin/python3.14",
        "base_prefix": "/usr/local",
        "abi": {"extension_suffix": ".cpython-314-aarch64-linux-gnu.so"},
        "suffixes": {"extensions": [".cpython-314-aarch64-linux-gnu.so", ".abi3.so", ".so"]},
        "libpython": {"dynamic": "/usr/local/lib/libpython3.14.so"},
    }


def test_leaks(tmp_path: Path) -> None:
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib/ok").write_bytes(b"\0/usr/src/python\0")
    (tmp_path / "lib/bad").write_bytes(b"\0/w/1/src/x.c\0")
    (tmp_path / "link").symlink_to("/w/1/src")
    assert find_leaks(tmp_path, ["/w/1", "bazel-out"]) == ["lib/bad: /w/1", "link: /w/1"]
    assert find_leaks(tmp_path, ["bazel-out"]) == []
