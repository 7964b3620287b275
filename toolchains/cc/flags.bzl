"""Compiler flags per suite and platform: what docker-library's builds in the suite use."""

# `dpkg-buildflags --get CFLAGS` and LDFLAGS of each suite's dpkg, without -ffile-prefix-map (the
# build maps its own directories) and without link-time optimisation, which Ubuntu has (CPython's
# configure asks for its own). `platforms` has what is added on some of them; a later -O counts. Each locked
# suite's are compared with what its dpkg says by //toolchains/cc:<suite>_flags_test. Until they are locked,
# those of Ubuntu's suites are what the vendor module for Ubuntu says in dpkg's releases 1.21.1 and 1.22.6.
BUILD_FLAGS = {
    "bookworm": struct(
        cflags = "-g -O2 -fstack-protector-strong -Wformat -Werror=format-security",
        ldflags = "-Wl,-z,relro",
        platforms = {},
    ),
    "jammy": struct(
        cflags = "-g -O2 -fstack-protector-strong -Wformat -Werror=format-security",
        ldflags = "-Wl,-Bsymbolic-functions -Wl,-z,relro",
        platforms = {"ppc64le": "-O3"},
    ),
    "noble": struct(
        cflags = "-g -O2 -Werror=implicit-function-declaration -fstack-protector-strong " +
                 "-Wformat -Werror=format-security",
        ldflags = "-Wl,-Bsymbolic-functions -Wl,-z,relro",
        platforms = {
            "amd64": "-fstack-clash-protection -fcf-protection",
            "arm64": "-fstack-clash-protection -mbranch-protection=standard",
            "armv7": "-fstack-clash-protection",
            "ppc64le": "-O3 -fno-stack-clash-protection",
            "riscv64": "-fno-stack-clash-protection",
            "s390x": "-fno-stack-clash-protection",
        },
    ),
    "trixie": struct(
        cflags = "-g -O2 -Werror=implicit-function-declaration -fstack-protector-strong " +
                 "-Wformat -Werror=format-security",
        ldflags = "-Wl,-z,relro",
        platforms = {
            "amd64": "-fstack-clash-protection -fcf-protection",
            "arm64": "-fstack-clash-protection -mbranch-protection=standard",
            "armv5": "-fstack-clash-protection",
            "armv7": "-fstack-clash-protection",
        },
    ),
}

def build_flags(suite, platform):
    """The flags for one suite and platform.

    Args:
      suite: name of the suite.
      platform: name of the platform.

    Returns:
      struct(cflags, ldflags) of strings.
    """
    if suite not in BUILD_FLAGS:
        fail("toolchains/cc/flags.bzl: BUILD_FLAGS has no suite {}; add what its {} prints".format(
            repr(suite),
            "dpkg-buildflags",
        ))
    flags = BUILD_FLAGS[suite]
    extra = flags.platforms.get(platform)
    return struct(
        cflags = flags.cflags + (" " + extra if extra else ""),
        ldflags = flags.ldflags,
    )
