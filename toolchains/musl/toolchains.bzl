"""musl_toolchains: clang, and what it takes for each platform of Alpine's."""

load("//toolchains/cc:build_sets.bzl", "TOOLS_SUITE", "build_set")
load("//toolchains/cc:rules.bzl", "package_tree")
load(":rules.bzl", "hard_float_libgcc", "musl_toolchain")
load(":targets.bzl", "CFLAGS", "LDFLAGS", "TARGETS")

CLANG = "19"
_GCC = "14"

_LLVM_KEEP = [
    "usr/lib/llvm-{clang}/bin/clang",
    "usr/lib/llvm-{clang}/bin/lld",
    "usr/lib/llvm-{clang}/bin/llvm-ar",
    "usr/lib/llvm-{clang}/bin/llvm-nm",
    "usr/lib/llvm-{clang}/bin/llvm-objcopy",
    "usr/lib/llvm-{clang}/bin/llvm-objdump",
    "usr/lib/llvm-{clang}/bin/llvm-readobj",
    "usr/lib/llvm-{clang}/lib/clang/*",
    "usr/lib/clang/{clang}/include/*",
    "usr/lib64/*",
    "usr/lib/x86_64-linux-gnu/*.so*",
]

_LLVM_DROP = [
    "*/gconv/*",
    "*/libasan*",
    "*/libtsan*",
    "*/liblsan*",
    "*/libubsan*",
    "*/libhwasan*",
    "*/libicudata*",
    "*/libclang-19*",
    "*/libcurl*",
]

def _gcc_set(platform):
    """Name of the package set that has gcc's own objects for a platform."""
    return "cc_" + (TARGETS[platform].libgcc or platform)

def musl_tools(platform):
    """What the toolchain of a platform is made of, as a bill of materials has it.

    Args:
      platform: name of the platform, one of TARGETS.

    Returns:
      dict: label of a package set's packages.json to its role, for image_sbom's `tools`.
    """
    role = "compiler=" + TOOLS_SUITE
    return {
        build_set(TOOLS_SUITE, "amd64", "cc_musl.json"): role,
        build_set(TOOLS_SUITE, "amd64", _gcc_set(platform) + ".json"): role,
    }

def musl_toolchains(name, catalog):
    """Declares what all releases of Alpine's share: `llvm`, and `<platform>_libgcc` of each platform.

    Args:
      name: name of the filegroup of all of them.
      catalog: CATALOG of @catalog//:catalog.bzl.
    """
    package_tree(
        name = "llvm",
        debs = build_set(TOOLS_SUITE, "amd64", "cc_musl"),
        drop = _LLVM_DROP,
        keep = [pattern.format(clang = CLANG) for pattern in _LLVM_KEEP],
        launcher = "//toolchains/cc:launcher",
        tags = ["manual"],
    )
    for platform, target in TARGETS.items():
        source = target.libgcc or platform
        gnu = catalog["platforms"][source]["gnu"]
        objects = platform + "_libgcc"
        if source != platform:
            objects += "_soft"
            hard_float_libgcc(
                name = platform + "_libgcc",
                soft = objects,
                tags = ["manual"],
            )
        package_tree(
            name = objects,
            debs = build_set(TOOLS_SUITE, "amd64", _gcc_set(platform)),
            keep = [
                "usr/lib/gcc*/{}/{}/{}".format(gnu, _GCC, file)
                for file in ["crt*.o", "libgcc.a", "libgcc_eh.a"] + target.libraries
            ],
            tags = ["manual"],
        )
    native.filegroup(
        name = name,
        srcs = ["llvm"] + [platform + "_libgcc" for platform in TARGETS],
        tags = ["manual"],
    )

def musl_platform(name, description, platform, catalog, sysroot, **kwargs):
    """A musl_toolchain of one platform.

    Args:
      name: name of the target.
      description: what messages call it.
      platform: name of the platform, one of TARGETS.
      catalog: CATALOG of @catalog//:catalog.bzl.
      sysroot: tar of headers and libraries.
      **kwargs: further attributes.
    """
    target = TARGETS[platform]
    musl_toolchain(
        name = name,
        cc = "//toolchains/musl:llvm",
        cflags = CFLAGS,
        clang = CLANG,
        description = description,
        flags = target.flags,
        frame_pointer_flags = " ".join(catalog["platforms"][platform]["compile"]["frame_pointers"]),
        gnu = target.gnu,
        host = "//toolchains/cc:host_tools",
        ldflags = LDFLAGS,
        libgcc = "//toolchains/musl:{}_libgcc".format(platform),
        sysroot = sysroot,
        target = target.clang,
        triplet = target.triplet,
        **kwargs
    )
