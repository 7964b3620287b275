"""cc_toolchains: the compilers of every suite and platform of the catalog."""

load("//toolchains/cc:build_sets.bzl", "TOOLS_SUITE", "build_set")
load(":flags.bzl", "build_flags")
load(":rules.bzl", "cc_toolchain_archives", "launcher", "package_tree")

_CC_DROP = [
    # Headers and libraries to compile against: they are the sysroot's business alone. (gcc would
    # look for them beside itself first.)
    "usr/include/*",
    "usr/{gnu}/include/*",
    # ... but libatomic is gcc's: on 32-bit ARM CPython needs it.
    "usr/{gnu}/lib/[!l]*",
    "usr/{gnu}/lib/l[!i]*",
    "usr/{gnu}/lib/lib[!a]*",
    "usr/{gnu}/lib/liba[!t]*",
    "usr/{gnu}/lib/*.a",
    "usr/lib/x86_64-linux-gnu/*.[ao]",
    "usr/lib/x86_64-linux-gnu/lib[!bo]*.so",  # but libbfd-*.so and libopcodes-*.so are programs'

    # Not needed to compile CPython; half of the size.
    "usr/share/*",
    "*/gconv/*",
    "*/cc1plus",
    "*/g++-mapper-server",
    "*/c++/*",
    "*-[gc]++*",
    "*lto-dump*",
    "*gprofng*",
    "*-dwp",
    "*-gold",
    "*.gold",
    "*san.*",
    "*/libstdc++*.a",
    "*/libsupc++.a",
]

_HOST_TOOLS_KEEP = [
    "usr/bin/busybox",
    "usr/bin/make",
    "usr/bin/pkgconf",
    "usr/lib64/*",
    "usr/lib/x86_64-linux-gnu/*.so*",
]

# Of a clang that only compiles: no linker, no library to link with.
_CLANG_KEEP = [
    "usr/lib/llvm-*/bin/clang",
    "usr/lib/llvm-*/bin/llvm-readobj",
    "usr/lib/llvm-*/lib/clang/*/include/*",
    "usr/lib/clang/*/include/*",
    "usr/lib64/*",
    "usr/lib/x86_64-linux-gnu/*.so*",
]

_CLANG_DROP = [
    "*/gconv/*",
    "*san.*",
    "*/libclang-[0-9]*",
    "*/libicudata*",
]

_SYSROOT_KEEP = [
    "usr/include/*",
    "usr/lib/*",
    "usr/lib32/*",
    "usr/lib64/*",
    "usr/share/pkgconfig/*",
]

_SYSROOT_DROP = [
    "*/gconv/*",
    "*/perl*",
    "usr/lib/python*",
]

def gcc_version(suite, platform, packages):
    """The major version of gcc that a package set asks for.

    Args:
      suite: name of the suite, for messages.
      platform: name of the platform.
      packages: names of the packages of set cc_<platform>, such as gcc-12-aarch64-linux-gnu.

    Returns:
      the version as string; fails when the set has no gcc, or several.
    """
    found = [name.split("-")[1] for name in packages if name.startswith("gcc-")]
    if len(found) != 1:
        fail("catalog/suites.yaml: {}: package set cc_{} must name one gcc-<version>, has {}".format(
            suite,
            platform,
            packages,
        ))
    return found[0]

def cc_toolchains(name, catalog):
    """Declares, for each suite and platform, `<suite>_<platform>` and the archives it is made of.

    Also `build_machine`, the toolchain for programs that run while building, `launcher`, and each
    `clang_<version>` that compiles for CPython's JIT. All are manual: each toolchain fetches about
    100 MB of packages. Their tests are toolchains/cc/tests/toolchain_tests.bzl's.

    Args:
      name: name of the filegroup of all toolchains.
      catalog: CATALOG of @catalog//:catalog.bzl.
    """
    launcher(
        name = "launcher",
        debs = build_set(TOOLS_SUITE, "amd64", "cc_amd64"),
        tags = ["manual"],
    )
    package_tree(
        name = "host_tools",
        debs = build_set(TOOLS_SUITE, "amd64", "hosttools"),
        drop = ["*/gconv/*"],
        keep = _HOST_TOOLS_KEEP,
        launcher = ":launcher",
        tags = ["manual"],
    )
    suite_toolchains(name, catalog)
    package_tree(
        name = "build_machine_sysroot",
        debs = build_set(TOOLS_SUITE, "amd64", "build_sysroot"),
        drop = _SYSROOT_DROP,
        keep = _SYSROOT_KEEP,
        tags = ["manual"],
    )
    for set in catalog["suites"][TOOLS_SUITE]["build_sets"]:
        if set.startswith("clang_"):
            package_tree(
                name = set,
                debs = build_set(TOOLS_SUITE, "amd64", set),
                drop = _CLANG_DROP,
                keep = _CLANG_KEEP,
                launcher = ":launcher",
                tags = ["manual"],
            )
    machine = catalog["platforms"]["amd64"]
    cc_toolchain_archives(
        name = "build_machine",
        cc = ":{}_amd64_cc".format(TOOLS_SUITE),
        description = "the build machine",
        gcc = gcc_version(TOOLS_SUITE, "amd64", catalog["suites"][TOOLS_SUITE]["build_sets"]["cc_amd64"]),
        gnu = machine["gnu"],
        host = ":host_tools",
        sysroot = ":build_machine_sysroot",
        tags = ["manual"],
        triplet = machine["triplet"],
    )

def toolchain_names(_catalog, suite, platform):
    """Names of the targets that suite_toolchains declares for a suite and platform, but for its test.

    Args:
      _catalog: unused.
      suite: name of the suite.
      platform: name of the platform.

    Returns:
      list of strings.
    """
    return ["{}_{}{}".format(suite, platform, part) for part in ("", "_cc", "_sysroot")]

def suite_toolchains(name, catalog):
    """Declares the toolchains of each suite and platform of a catalog; see cc_toolchains.

    Args:
      name: name of the filegroup of all of them.
      catalog: CATALOG of @catalog//:catalog.bzl, or one with other suites.
    """
    toolchains = []
    for suite, facts in catalog["suites"].items():
        for platform in facts["platforms"]:
            toolchain = "{}_{}".format(suite, platform)
            flags = build_flags(facts, platform)
            target = catalog["platforms"][platform]
            gcc = gcc_version(suite, platform, facts["build_sets"]["cc_" + platform])
            package_tree(
                name = toolchain + "_cc",
                debs = build_set(suite, "amd64", "cc_" + platform),
                drop = [pattern.format(gnu = target["gnu"]) for pattern in _CC_DROP],
                launcher = ":launcher",
                tags = ["manual"],
            )
            package_tree(
                name = toolchain + "_sysroot",
                debs = build_set(suite, target["debian"], "sysroot"),
                drop = _SYSROOT_DROP,
                keep = _SYSROOT_KEEP,
                tags = ["manual"],
            )
            cc_toolchain_archives(
                name = toolchain,
                cc = toolchain + "_cc",
                cflags = flags.cflags,
                description = "{}/{}".format(suite, platform),
                frame_pointer_flags = " ".join(target["compile"]["frame_pointers"]),
                gcc = gcc,
                gnu = target["gnu"],
                host = ":host_tools",
                ldflags = flags.ldflags,
                sysroot = toolchain + "_sysroot",
                tags = ["manual"],
                triplet = target["triplet"],
            )
            toolchains.append(toolchain)
    native.filegroup(
        name = name,
        srcs = toolchains,
        tags = ["manual"],
    )
