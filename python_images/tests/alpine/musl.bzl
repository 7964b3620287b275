"""An Alpine made of Debian's musl and libraries compiled for it, with CPython on top."""

load("@catalog//:catalog.bzl", "CATALOG")
load("//python_images/private:alpine_layer.bzl", "alpine_layer")
load("//python_images/private:cpython.bzl", "cpython_links_layer")
load("//python_images/private:cpython_musl.bzl", "cpython_musl")
load("//toolchains/musl:rules.bzl", "apk_tree")
load("//toolchains/musl:toolchains.bzl", "musl_platform")
load(":musl_library.bzl", "musl_library")

_EPOCH = 1700000010
_RELEASE = "alpine3.24"
_REPOSITORIES = ["https://mirror.test/alpine/v3.24/main"]

# Libraries compiled here -> their source.
_LIBRARIES = {
    "bzip2": "@bzip2_source//:source.tar.gz",
    "xz": "@xz_source//:source.tar.xz",
    "zlib": "@zlib_source//:source.tar.gz",
}

# What there is no library for.
_MISSING = [
    "_ctypes",
    "_ctypes_test",
    "_curses",
    "_curses_panel",
    "_dbm",
    "_gdbm",
    "_hashlib",
    "_sqlite3",
    "_ssl",
    "_tkinter",
    "_uuid",
    "readline",
]

def _sysroot(name, packages):
    native.filegroup(
        name = name + "_apks",
        testonly = True,
        srcs = packages,
        tags = ["manual"],
    )
    apk_tree(
        name = name,
        testonly = True,
        apks = name + "_apks",
        tags = ["manual"],
        visibility = ["//toolchains/musl:__pkg__"],
    )

def _layer(name, packages, listing, arch, **kwargs):
    native.filegroup(
        name = name + "_apks",
        testonly = True,
        srcs = packages,
        tags = ["manual"],
    )
    alpine_layer(
        name = name,
        testonly = True,
        apks = name + "_apks",
        arch = arch,
        epoch = _EPOCH,
        packages = listing,
        release = _RELEASE,
        repositories = _REPOSITORIES,
        tags = ["manual"],
        **kwargs
    )

def musl_fixture(name, platform, arch, version):
    """Declares packages, toolchains, a CPython and the layers of its image; all are manual.

    `<name>_sysroot` is musl alone; `<name>_cpython` the compiled CPython; `<name>_base`,
    `<name>_runtime` (what CPython needs), `<name>_cpython` and `<name>_links` are the layers.

    Args:
      name: prefix of the targets.
      platform: name of the platform.
      arch: Alpine's name of it.
      version: the release of CPython.
    """
    facts = CATALOG["platforms"][platform]
    own = ["baselayout", "linux-headers", "musl", "musl-dev"]
    native.genrule(
        name = name + "_packages",
        testonly = True,
        srcs = ["@debian//trixie/{}:musl".format(facts["debian"])],
        outs = ["{}/{}.apk".format(name, package) for package in own] + [name + "/base.json"],
        cmd = "$(execpath :pack_musl) --arch {} --gnu {} --out $(RULEDIR)/{} $(SRCS)".format(
            arch,
            facts["triplet"],
            name,
        ),
        tags = ["manual"],
        tools = [":pack_musl"],
    )
    musl = ["{}/{}.apk".format(name, package) for package in own[1:]]
    _sysroot(name + "_sysroot", musl)
    for library, source in _LIBRARIES.items():
        musl_library(
            name = "{}_{}".format(name, library),
            testonly = True,
            apk = "{}/{}.apk".format(name, library),
            arch = arch,
            dev = "{}/{}-dev.apk".format(name, library),
            library = library,
            source = source,
            tags = ["manual"],
            toolchain = name + "_musl_toolchain",
        )
    runtime = ["{}/{}.apk".format(name, library) for library in _LIBRARIES]
    dev = ["{}/{}-dev.apk".format(name, library) for library in _LIBRARIES]
    _sysroot(name + "_full_sysroot", musl + runtime + dev)
    for toolchain, sysroot in {"musl_toolchain": "sysroot", "toolchain": "full_sysroot"}.items():
        musl_platform(
            name = "{}_{}".format(name, toolchain),
            testonly = True,
            catalog = CATALOG,
            description = "musl/" + platform,
            platform = platform,
            sysroot = "{}_{}".format(name, sysroot),
            tags = ["manual"],
        )
    release = CATALOG["versions"][version]
    cpython_musl(
        name = name + "_cpython",
        testonly = True,
        build_python = "//python_images/cpython:{}_build".format(version),
        epoch = release["epoch"],
        expected_missing = _MISSING,
        source = "@cpython_sources//:" + release["release"],
        tags = ["manual"],
        toolchain = name + "_toolchain",
        version = release["release"],
    )
    cpython_links_layer(
        name = name + "_links",
        testonly = True,
        cpython = name + "_cpython",
        tags = ["manual"],
    )
    _layer(
        name + "_base",
        [name + "/baselayout.apk", name + "/musl.apk"],
        name + "/base.json",
        arch,
    )
    native.genrule(
        name = name + "_runtime_list",
        testonly = True,
        srcs = runtime,
        outs = [name + "/runtime.json"],
        cmd = "$(execpath :list_packages) $@ $(SRCS)",
        tags = ["manual"],
        tools = [":list_packages"],
    )
    _layer(
        name + "_runtime",
        runtime,
        name + "/runtime.json",
        arch,
        below = name + "_base",
        needed_by = name + "_cpython",
    )
