"""What compiling for musl takes on each platform of Alpine's, as data.

`gnu` is what `dpkg-architecture` calls the machine there, which docker-library tells configure;
`triplet` what CPython calls it; `clang` and `flags` what clang takes for the baseline that Alpine's
own gcc has; `loader` the machine in the name of musl's dynamic linker. `libgcc` is the platform of
Debian's whose gcc has the target's own objects, if it's another: see soft_float.py. `libraries` are more
of gcc's than usual.
"""

TARGETS = {
    "amd64": struct(
        clang = "x86_64-linux-musl",
        flags = [],
        gnu = "x86_64-linux-musl",
        loader = "x86_64",
        triplet = "x86_64-linux-musl",
    ),
    "arm64": struct(
        clang = "aarch64-linux-musl",
        # gcc's functions for atomic operations ask glibc what the CPU can.
        flags = ["-mno-outline-atomics"],
        gnu = "aarch64-linux-musl",
        loader = "aarch64",
        triplet = "aarch64-linux-musl",
    ),
    "armv6": struct(
        clang = "armv6-linux-musleabihf",
        flags = ["-march=armv6kz", "-mfpu=vfpv2", "-marm"],
        gnu = "arm-linux-musleabihf",
        libgcc = "armv5",
        loader = "armhf",
        triplet = "arm-linux-musleabihf",
    ),
    "armv7": struct(
        clang = "armv7-linux-musleabihf",
        flags = ["-march=armv7-a", "-mfpu=vfpv3-d16"],
        gnu = "arm-linux-musleabihf",
        loader = "armhf",
        triplet = "arm-linux-musleabihf",
    ),
    "i386": struct(
        clang = "i686-linux-musl",
        # 64-bit numbers lie on 4 bytes in structures, where clang leaves atomic operations to a
        # library; gcc uses cmpxchg8b there. That library is linked in, and not offered to others.
        flags = ["-march=pentium-m", "-l:libatomic.a", "-Wl,--exclude-libs=libatomic.a"],
        gnu = "i686-linux-musl",
        libraries = ["libatomic.a"],
        loader = "i386",
        triplet = "i386-linux-musl",
    ),
    "ppc64le": struct(
        clang = "powerpc64le-linux-musl",
        flags = ["-mcpu=power8"],
        gnu = "powerpc64le-linux-musl",
        loader = "powerpc64le",
        triplet = "powerpc64le-linux-musl",
    ),
    "riscv64": struct(
        clang = "riscv64-linux-musl",
        flags = ["-march=rv64gc", "-mabi=lp64d"],
        gnu = "riscv64-linux-musl",
        loader = "riscv64",
        triplet = "riscv64-linux-musl",
    ),
    "s390x": struct(
        clang = "s390x-linux-musl",
        flags = ["-march=z10"],
        gnu = "s390x-linux-musl",
        loader = "s390x",
        triplet = "s390x-linux-musl",
    ),
}

# docker-library's make variables for Alpine. musl gives a thread 128 kB of stack, on which deep
# recursion ends the process; CPython then gives its threads this much.
CFLAGS = "-DTHREAD_STACK_SIZE=0x100000"

LDFLAGS = "-Wl,--strip-all"
