"""The filter of system calls that a container's command gets, as container engines have one."""

import ctypes
import errno
import os
import struct
from collections.abc import Iterable

from tools.sandbox import linux, system_calls

# struct sock_filter's operations (linux/bpf_common.h).
_LOAD, _JUMP, _IF_EQUAL, _IF_GREATER, _IF_BITS, _RETURN = 0x20, 0x05, 0x15, 0x25, 0x45, 0x06
_ALLOW, _ERRNO, _KILL = 0x7FFF0000, 0x00050000, 0x80000000
# Where struct seccomp_data has the call's number, the machine, and the arguments' lower halves.
_NUMBER, _MACHINE, _ARGUMENTS = 0, 4, (16, 24)
_PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _MODE_FILTER = 38, 22, 2

_X86_64, _I386, _ARM64 = 0xC000003E, 0x40000003, 0xC00000B7
# The machines whose calls the kernel takes, by uname's name, and each one's column in the tables.
_MACHINES = {"x86_64": ((_X86_64, 0), (_I386, 1)), "aarch64": ((_ARM64, 2),)}

# CLONE_NEWTIME is not among them: to clone it is a part of the signal's number.
_NAMESPACES = (
    linux.CLONE_NEWNS
    | linux.CLONE_NEWCGROUP
    | linux.CLONE_NEWUTS
    | linux.CLONE_NEWIPC
    | linux.CLONE_NEWUSER
    | linux.CLONE_NEWPID
    | linux.CLONE_NEWNET
)
_TIOCSTI, _TIOCLINUX = 0x5412, 0x541C  # type into a terminal, or paste
_AF_VSOCK = 40  # leads to the host of a virtual machine; no network namespace holds it
# PER_LINUX and PER_LINUX32, each also with UNAME26, and the question which it is.
_PERSONALITIES = (0x0, 0x8, 0x20000, 0x20008, 0xFFFFFFFF)

Instruction = tuple[int, int, int, int]  # operation, jumps if true and if false, operand


def _errno(number: int) -> Instruction:
    return (_RETURN, 0, 0, _ERRNO | number)


def _if_equal(value: int, *then: Instruction) -> list[Instruction]:
    return [(_IF_EQUAL, 0, len(then), value), *then]


def _load(offset: int) -> Instruction:
    return (_LOAD, 0, 0, offset)


def _refuse_values(
    number: int, argument: int, values: Iterable[int], code: int
) -> list[Instruction]:
    """Refuse a call with one of these arguments, allows it with all others."""
    body = [_load(_ARGUMENTS[argument])]
    for value in values:
        body += _if_equal(value, _errno(code))
    return _if_equal(number, *body, (_RETURN, 0, 0, _ALLOW))


def _of_machine(column: int) -> list[Instruction]:
    """What is decided about the calls of one machine, whose number has been loaded."""

    def numbers(table: dict[str, system_calls.Numbers]) -> list[int]:
        return [number for row in table.values() if (number := row[column]) is not None]

    def number(row: system_calls.Numbers) -> int:
        value = row[column]
        assert value is not None
        return value

    eperm = errno.EPERM
    program: list[Instruction] = [
        # Also of x32, whose numbers have a high bit.
        (_IF_GREATER, 0, 1, system_calls.NEWEST),
        _errno(errno.ENOSYS),
    ]
    for refused in numbers(system_calls.REFUSED):
        program += _if_equal(refused, _errno(eperm))
    for unknown in numbers(system_calls.UNKNOWN):
        program += _if_equal(unknown, _errno(errno.ENOSYS))
    program += _if_equal(
        number(system_calls.CLONE),
        _load(_ARGUMENTS[0]),
        (_IF_BITS, 0, 1, _NAMESPACES),
        _errno(eperm),
        (_RETURN, 0, 0, _ALLOW),
    )
    program += _refuse_values(number(system_calls.IOCTL), 1, (_TIOCSTI, _TIOCLINUX), eperm)
    program += _refuse_values(number(system_calls.SOCKET), 0, (_AF_VSOCK,), errno.EAFNOSUPPORT)
    allowed: list[Instruction] = []
    for value in _PERSONALITIES:
        allowed += _if_equal(value, (_RETURN, 0, 0, _ALLOW))
    program += _if_equal(
        number(system_calls.PERSONALITY), _load(_ARGUMENTS[0]), *allowed, _errno(eperm)
    )
    return [*program, (_RETURN, 0, 0, _ALLOW)]


def program(machine: str) -> list[Instruction]:
    """The filter for a kernel of `machine` (uname's name). KeyError if there is none for it."""
    answer: list[Instruction] = []
    for identity, column in _MACHINES[machine]:
        part = [_load(_NUMBER), *_of_machine(column)]
        # A conditional jump reaches 255 instructions; this one reaches any number.
        answer += [_load(_MACHINE), (_IF_EQUAL, 1, 0, identity), (_JUMP, 0, 0, len(part)), *part]
    return [*answer, (_RETURN, 0, 0, _KILL)]


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def install() -> None:
    """Put the filter on this process for good, and take from it all ways to gain privileges.

    OSError where the kernel has no filters, or none is known for this machine.
    """
    machine = os.uname().machine
    if machine not in _MACHINES:
        raise OSError(errno.ENOSYS, f"no filter of system calls for {machine}")
    instructions = program(machine)
    raw = b"".join(struct.pack("=HBBI", *instruction) for instruction in instructions)
    filter_ = _Program(len(instructions), raw)
    linux.check(linux.libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "prctl(PR_SET_NO_NEW_PRIVS)")
    result = linux.libc.prctl(_PR_SET_SECCOMP, _MODE_FILTER, ctypes.byref(filter_), 0, 0)
    linux.check(result, "prctl(PR_SET_SECCOMP)")
