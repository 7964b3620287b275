"""What the seccomp filter refuses: data. The numbers are those of Linux's own tables.

The list is that of the calls which container engines refuse to a container without further
capabilities. What is left out here is allowed up to `NEWEST`; what Linux has got since is refused
as unknown until somebody has looked at it.
"""

# Columns: x86-64, i386, arm64; None where the machine has no such call.
Numbers = tuple[int | None, int | None, int | None]

REFUSED: dict[str, Numbers] = {
    "_sysctl": (156, 149, None),
    "acct": (163, 51, 89),
    "add_key": (248, 286, 217),
    "bpf": (321, 357, 280),
    "clock_adjtime": (305, 343, 266),
    "clock_adjtime64": (None, 405, None),
    "clock_settime": (227, 264, 112),
    "clock_settime64": (None, 404, None),
    "create_module": (174, 127, None),
    "delete_module": (176, 129, 106),
    "fanotify_init": (300, 338, 262),
    "finit_module": (313, 350, 273),
    "fsconfig": (431, 431, 431),
    "fsmount": (432, 432, 432),
    "fsopen": (430, 430, 430),
    "fspick": (433, 433, 433),
    "get_kernel_syms": (177, 130, None),
    "init_module": (175, 128, 105),
    "ioperm": (173, 101, None),
    "iopl": (172, 110, None),
    "kexec_file_load": (320, None, 294),
    "kexec_load": (246, 283, 104),
    "keyctl": (250, 288, 219),
    "listmount": (458, 458, 458),
    "lookup_dcookie": (212, 253, 18),
    "mount": (165, 21, 40),
    "mount_setattr": (442, 442, 442),
    "move_mount": (429, 429, 429),
    "move_pages": (279, 317, 239),
    "nfsservctl": (180, 169, 42),
    "open_by_handle_at": (304, 342, 265),
    "open_tree": (428, 428, 428),
    "perf_event_open": (298, 336, 241),
    "pivot_root": (155, 217, 41),
    "query_module": (178, 167, None),
    "quotactl": (179, 131, 60),
    "quotactl_fd": (443, 443, 443),
    "reboot": (169, 88, 142),
    "request_key": (249, 287, 218),
    "setns": (308, 346, 268),
    "settimeofday": (164, 79, 170),
    "statmount": (457, 457, 457),
    "stime": (None, 25, None),
    "swapoff": (168, 115, 225),
    "swapon": (167, 87, 224),
    "sysfs": (139, 135, None),
    "syslog": (103, 103, 116),
    "umount": (None, 22, None),
    "umount2": (166, 52, 39),
    "unshare": (272, 310, 97),
    "uselib": (134, 86, None),
    "userfaultfd": (323, 374, 282),
    "ustat": (136, 62, None),
    "vhangup": (153, 111, 58),
    "vm86": (None, 166, None),
    "vm86old": (None, 113, None),
}

# Answered as if the kernel did not know them: programs then do without. What clone3 is asked to do
# lies in memory, where a filter can't look; libraries fall back to clone.
UNKNOWN: dict[str, Numbers] = {
    "clone3": (435, 435, 435),
    "io_uring_enter": (426, 426, 426),
    "io_uring_register": (427, 427, 427),
    "io_uring_setup": (425, 425, 425),
}

# Refused by what they are asked to do: see seccomp.py.
CLONE: Numbers = (56, 120, 220)
IOCTL: Numbers = (16, 54, 29)
PERSONALITY: Numbers = (135, 136, 92)
SOCKET: Numbers = (41, 359, 198)

# mseal, setxattrat, getxattrat, listxattrat, removexattrat: the last that were looked at.
NEWEST = 466
