"""What a container's command may do: its capabilities and limits, as container engines set them."""

import contextlib
import ctypes
import os
import re
import resource
import struct
from dataclasses import dataclass
from pathlib import Path

from tools.sandbox import linux, seccomp

# By number: CHOWN, DAC_OVERRIDE, FOWNER, FSETID, KILL, SETGID, SETUID, SETPCAP, NET_BIND_SERVICE,
# NET_RAW, SYS_CHROOT, MKNOD, AUDIT_WRITE, SETFCAP: those that Docker leaves to a container. They
# are of the container's user namespace alone.
_CAPABILITIES = (0, 1, 3, 4, 5, 6, 7, 8, 10, 13, 18, 27, 29, 31)
_PR_CAPBSET_READ, _PR_CAPBSET_DROP, _PR_CAP_AMBIENT, _CLEAR_ALL = 23, 24, 47, 4
_CAPABILITY_VERSION_3 = 0x20080522


@dataclass(frozen=True)
class Limits:
    """Of one command: seconds, MiB of memory (of each process) and of each output, processes."""

    seconds: float = 3600
    output_mib: int = 16
    memory_mib: int = 8192
    processes: int = 4096


def drop(*, root: bool) -> None:
    """Give up, for good, all this process could do that a container's command may not.

    Only `root` keeps capabilities.
    """
    kept = sum(1 << number for number in _CAPABILITIES) if root else 0
    number = 0
    while linux.libc.prctl(_PR_CAPBSET_READ, number, 0, 0, 0) >= 0:
        if not kept >> number & 1:
            result = linux.libc.prctl(_PR_CAPBSET_DROP, number, 0, 0, 0)
            linux.check(result, f"prctl(PR_CAPBSET_DROP, {number})")
        number += 1
    linux.check(linux.libc.prctl(_PR_CAP_AMBIENT, _CLEAR_ALL, 0, 0, 0), "prctl(PR_CAP_AMBIENT)")
    header = struct.pack("=Ii", _CAPABILITY_VERSION_3, 0)
    # Effective, permitted, inheritable: of the first 32 numbers, then of the others.
    sets = struct.pack("=6I", kept, kept, 0, 0, 0, 0)
    result = linux.libc.capset(ctypes.c_char_p(header), ctypes.c_char_p(sets))
    linux.check(result, "capset")
    seccomp.install()


def limit(limits: Limits) -> None:
    """Set the limits that the kernel watches over; it counts processes of this user namespace."""
    _set(resource.RLIMIT_DATA, limits.memory_mib << 20)
    _set(resource.RLIMIT_NPROC, limits.processes)
    with contextlib.suppress(OSError):  # if memory runs out, this is what to end
        Path("/proc/self/oom_score_adj").write_text("1000")


def limit_process_ids(proc: Path, limits: Limits) -> None:
    """Cap the process ids of a pid namespace, where each has a limit of its own: Linux 6.14.

    This holds for root of the machine too, for whom RLIMIT_NPROC does not. `proc` is where the
    namespace's procfs is mounted. OSError if it can't be set.
    """
    version = re.match(r"(\d+)\.(\d+)", os.uname().release)
    # In older kernels the setting is the whole machine's, and root would change that.
    if version and (int(version[1]), int(version[2])) >= (6, 14):
        smallest = 301  # the kernel takes no less
        (proc / "sys/kernel/pid_max").write_text(str(max(limits.processes, smallest)))


def _set(kind: int, value: int) -> None:
    hard = resource.getrlimit(kind)[1]
    if hard != resource.RLIM_INFINITY:
        value = min(value, hard)
    resource.setrlimit(kind, (value, value))
