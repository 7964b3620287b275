"""Answering configure's questions: by a real compiler, for a small configure."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.cpython import answers
from tools.cpython.workspace import Toolchain, Workspace

CONFIGURE = """\
ac_fn_c_check_header_compile "$LINENO" "pty.h" "ac_cv_header_pty_h" "$ac_includes_default"
if test "x$ac_cv_header_pty_h" = xyes
ac_fn_c_check_header_compile "$LINENO" "nothing.h" "ac_cv_header_nothing_h" "$ac_includes_default"
ac_fn_c_check_header_compile "$LINENO" "linux/can.h" "ac_cv_header_linux_can_h" "
  ac_fn_c_check_func "$LINENO" "accept4" "ac_cv_func_accept4"
ac_fn_c_check_func "$LINENO" "lchmod" "ac_cv_func_lchmod"
ac_fn_c_check_func "$LINENO" "no_such_function" "ac_cv_func_no_such_function"
ac_fn_c_check_func "$LINENO" "revoke" "ac_cv_func_revoke"
    ac_fn_c_check_func "$LINENO" "$ac_func" "$as_ac_var"
ac_fn_c_compute_int "$LINENO" "(long int) (sizeof (int))" "ac_cv_sizeof_int"
ac_fn_c_compute_int "$LINENO" "(long int) (sizeof (void *))" "ac_cv_sizeof_void_p"
ac_fn_c_compute_int "$LINENO" "(long int) offsetof (ac__type_alignof_, y)" "ac_cv_alignof_long"
ac_fn_c_compute_int "$LINENO" "(long int) (sizeof (its_own_t))" "ac_cv_sizeof_its_own_t"
"""


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    cc, sysroot, host = (Path(os.environ[name]) for name in ("CC", "SYSROOT", "HOST"))
    triplet = "x86_64-linux-gnu"
    toolchain = Toolchain(cc, sysroot, host, triplet, os.environ["GCC"], triplet)
    with Workspace(tmp_path / "work", toolchain, 0) as made:
        made.src.mkdir()
        yield made


def test_what_is_certain_is_answered(workspace: Workspace) -> None:
    (workspace.src / "configure").write_text(CONFIGURE)
    # glibc's lchmod is one that works since 2.32; its revoke does nothing.
    assert answers.find(workspace) == {
        "ac_cv_alignof_long": "8",
        "ac_cv_func_accept4": "yes",
        "ac_cv_func_lchmod": "yes",
        "ac_cv_header_pty_h": "yes",
        "ac_cv_sizeof_int": "4",
        "ac_cv_sizeof_void_p": "8",
    }


def test_nothing_is_asked(workspace: Workspace) -> None:
    (workspace.src / "configure").write_text("exit 1\n")
    assert answers.find(workspace) == {}


@pytest.mark.parametrize(
    ("output", "names"),
    [
        ("/bin/ld: x.c:(.data+0x8): warning: undefined reference to `fork1'\n", {"fork1"}),
        ("ld.lld: warning: undefined symbol: chflags_is_a_stub\n>>> by x\n", {"chflags"}),
        ("the `tmpnam' function is dangerous\n", set()),
    ],
)
def test_linkers_messages(output: str, names: set[str]) -> None:
    assert answers.undefined(output) == names


def test_sizes_are_read() -> None:
    assert answers.sizes("ac_cv_sizeof_int B 0 4\nac_cv_sizeof_x C 10 10\nmain T 0 8\n") == {
        "ac_cv_sizeof_int": "4",
        "ac_cv_sizeof_x": "16",
    }


def test_site_file_reads_the_given_one() -> None:
    text = answers.site({"ac_cv_b": "yes", "ac_cv_a": "8"}, Path("/in/config-3.15.site"))
    assert text.splitlines() == [
        "CONFIG_SITE='/in/config-3.15.site'",
        ". '/in/config-3.15.site'",
        "ac_cv_a=8",
        "ac_cv_b=yes",
    ]
    assert answers.site({"ac_cv_a": "8"}) == "ac_cv_a=8\n"
