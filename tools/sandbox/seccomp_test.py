"""Tests of seccomp.py: the filter as the kernel would run it, on calls of every machine."""

import errno
import os
import struct

import pytest

from tools.sandbox import seccomp, system_calls

ALLOW, KILL = 0x7FFF0000, 0x80000000
X86_64, I386, ARM64 = 0xC000003E, 0x40000003, 0xC00000B7
COLUMNS = {("x86_64", X86_64): 0, ("x86_64", I386): 1, ("aarch64", ARM64): 2}


def evaluate(machine: str, identity: int, number: int, *arguments: int) -> int:
    """What the filter for a kernel of `machine` answers: Linux's classic BPF."""
    values = [*arguments, *[0] * (6 - len(arguments))]
    data = struct.pack("=iIQ6Q", number, identity, 0, *values)
    program = seccomp.program(machine)
    position, register = 0, 0
    while True:
        operation, if_true, if_false, operand = program[position]
        position += 1
        if operation == 0x20:
            (register,) = struct.unpack_from("=I", data, operand)
        elif operation == 0x06:
            return operand
        elif operation == 0x05:
            position += operand
        else:
            holds = {
                0x15: register == operand,
                0x25: register > operand,
                0x45: bool(register & operand),
            }[operation]
            position += if_true if holds else if_false


def refused(code: int) -> int:
    return 0x00050000 | code


@pytest.mark.parametrize(("machine", "identity"), COLUMNS)
def test_every_call_is_answered_as_the_tables_say(machine: str, identity: int) -> None:
    column = COLUMNS[machine, identity]
    eperm = {row[column] for row in system_calls.REFUSED.values()}
    unknown = {row[column] for row in system_calls.UNKNOWN.values()}
    special = {system_calls.CLONE[column], system_calls.PERSONALITY[column]}
    for number in range(600):
        expected = ALLOW
        if number in eperm:
            expected = refused(errno.EPERM)
        elif number in unknown or number > system_calls.NEWEST:
            expected = refused(errno.ENOSYS)
        assert number in special or evaluate(machine, identity, number) == expected, number


@pytest.mark.parametrize(("machine", "identity"), COLUMNS)
def test_arguments_decide(machine: str, identity: int) -> None:
    column = COLUMNS[machine, identity]

    def answer(row: system_calls.Numbers, *arguments: int) -> int:
        number = row[column]
        assert number is not None
        return evaluate(machine, identity, number, *arguments)

    eperm = refused(errno.EPERM)
    assert answer(system_calls.CLONE, 17) == ALLOW
    assert answer(system_calls.CLONE, 0x3D0F00) == ALLOW  # a thread
    for flag in (0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000):
        assert answer(system_calls.CLONE, 17 | flag) == eperm
    for request, expected in ((0x5401, ALLOW), (0x5412, eperm), (0x541C, eperm)):
        assert answer(system_calls.IOCTL, 0, request) == expected
        # The kernel looks at 32 bits.
        assert answer(system_calls.IOCTL, 0, request | 1 << 32) == expected
    assert answer(system_calls.SOCKET, 40) == refused(errno.EAFNOSUPPORT)
    assert answer(system_calls.SOCKET, 2) == ALLOW
    assert answer(system_calls.PERSONALITY, 0xFFFFFFFF) == ALLOW
    assert answer(system_calls.PERSONALITY, 0x0040000) == eperm


def test_other_machines_calls_end_the_process() -> None:
    assert evaluate("x86_64", ARM64, 63) == KILL
    assert evaluate("aarch64", 0x40000028, 3) == KILL
    assert evaluate("x86_64", X86_64, 0x40000000 | 39) == refused(errno.ENOSYS)  # x32


def test_a_machine_without_filter_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "uname", lambda: os.uname_result(["", "", "", "", "vax"]))
    with pytest.raises(OSError, match="no filter of system calls for vax"):
        seccomp.install()
