"""What compiling for musl takes on each platform of Alpine's: catalog/platforms.yaml, `alpine`."""

load("@catalog//:catalog.bzl", "CATALOG")

TARGETS = {
    platform: struct(**facts["alpine"])
    for platform, facts in CATALOG["platforms"].items()
    if facts["alpine"]
}

# docker-library's make variables for Alpine. musl gives a thread 128 kB of stack, on which deep
# recursion ends the process; CPython then gives its threads this much.
CFLAGS = "-DTHREAD_STACK_SIZE=0x100000"

LDFLAGS = "-Wl,--strip-all"
