"""The packages of Alpine 3.23.6 that are available, and what it takes to put a CPython on them.

The packages are those of //tests/alpine. What there are no headers of has the ones of the tests' own Alpine, of
the same series; what isn't on the disk image at all is compiled for the real musl.
"""

load(":musl.bzl", "layer_blobs", "musl_compiler", "musl_python", "packages_layer")
load(":musl_library.bzl", "musl_library")
load(":recipes.bzl", "RECIPES")

_ARCH = "x86_64"
_PLATFORM = "amd64"
_RELEASE = "alpine3.23"

# As alpine-minirootfs has them.
_BASE = [
    "alpine-baselayout",
    "alpine-baselayout-data",
    "alpine-keys",
    "alpine-release",
    "apk-tools",
    "busybox",
    "busybox-binsh",
    "ca-certificates-bundle",
    "libapk",
    "libcrypto3",
    "libssl3",
    "musl",
    "musl-utils",
    "scanelf",
    "ssl_client",
    "zlib",
]

_MORE = [
    "ca-certificates",
    "libncursesw",
    "libuuid",
    "ncurses-terminfo-base",
    "xz-libs",
]

# Libraries whose headers are taken: package of the tests' own, links that lead to the real ones.
_HEADERS = {
    "libuuid": {"usr/lib/libuuid.so": "libuuid.so.1"},
    "ncurses": {
        "usr/lib/libncursesw.so": "libncursesw.so.6",
        "usr/lib/libpanelw.so": "libpanelw.so.6",
    },
    "openssl": {
        "usr/lib/libcrypto.so": "libcrypto.so.3",
        "usr/lib/libssl.so": "libssl.so.3",
    },
    "xz": {"usr/lib/liblzma.so": "liblzma.so.5"},
    "zlib": {"usr/lib/libz.so": "libz.so.1"},
}

# How the real libraries are configured otherwise than the tests' own, as their headers say it: Alpine's OpenSSL
# compresses nothing.
_CONFIGURED = {"openssl": {"usr/include/openssl/configuration.h": "#define OPENSSL_NO_COMP"}}

# What the disk image hasn't; of ncurses just the library for panels.
_COMPILED = [
    "bzip2",
    "gdbm",
    "libffi",
    "ncurses",
    "readline",
    "sqlite",
]

def _take(name, package, apk, out, keep, links = {}, lines = {}):
    native.genrule(
        name = name,
        testonly = True,
        srcs = [apk],
        outs = [out],
        cmd = "$(execpath :take_files) --apk $< --name {} --out $@ {}".format(
            package,
            " ".join([
                "--keep '{}'".format(pattern)
                for pattern in keep
            ] + [
                "--link {}={}".format(*link)
                for link in links.items()
            ] + [
                "--append '{}={}'".format(*line)
                for line in lines.items()
            ]),
        ),
        tags = ["manual"],
        tools = [":take_files"],
    )

def _compile(name, package, toolchain):
    recipe = RECIPES[package]
    musl_library(
        name = "{}_{}".format(name, package),
        testonly = True,
        apk = "{}/{}.apk".format(name, package),
        arch = _ARCH,
        build_toolchain = _PLATFORM + "_musl_toolchain" if recipe.build_cc else None,
        commands = recipe.commands,
        dev = "{}/{}-dev.apk".format(name, package),
        environment = recipe.env,
        fields = [field.format(arch = _ARCH) for field in recipe.fields],
        loader = _ARCH,
        package = package,
        scripts = recipe.scripts,
        source = recipe.source,
        tags = ["manual"],
        toolchain = toolchain,
    )

def _real_fixture(name, disk):
    """Declares what musl_python takes for a fixture; all are manual.

    `<name>_base` and `<name>_data` are layers of Alpine's own packages (and the tests' own tzdata),
    `<name>_toolchain` compiles a CPython for them.

    Args:
      name: prefix of the targets.
      disk: the wheel with the disk image.

    Returns:
      the .apk files to choose run-time packages from.
    """
    folder = name + "/{}.apk"
    native.genrule(
        name = name + "_repacked",
        testonly = True,
        srcs = [disk],
        outs = [folder.format(package) for package in _BASE + _MORE],
        cmd = "$(execpath //tests/alpine:repack_disk) --wheel $< --out $(RULEDIR)/{} {}".format(
            name,
            " ".join(_BASE + _MORE),
        ),
        tags = ["manual"],
        tools = ["//tests/alpine:repack_disk"],
    )
    for package, links in _HEADERS.items():
        _take(
            name = "{}_{}_headers".format(name, package),
            package = package + "-dev",
            apk = "{}/{}-dev.apk".format(_PLATFORM, package),
            out = "{}/{}-headers.apk".format(name, package),
            keep = ["usr/include/*", "usr/lib/pkgconfig/*"],
            lines = _CONFIGURED.get(package, {}),
            links = links,
        )
    _take(
        name = name + "_libpanelw",
        package = "libpanelw",
        apk = folder.format("ncurses"),
        out = folder.format("libpanelw"),
        keep = ["usr/lib/libpanelw*"],
    )
    own = [_PLATFORM + "/linux-headers.apk", _PLATFORM + "/musl-dev.apk"]
    musl = own + [folder.format("musl")]
    bare = musl_compiler(name + "_musl_toolchain", _PLATFORM, musl)
    curses = [folder.format(package) for package in ["libncursesw", "libpanelw", "ncurses-headers"]]
    with_curses = musl_compiler(name + "_curses_toolchain", _PLATFORM, musl + curses)
    for package in _COMPILED:
        _compile(name, package, with_curses if RECIPES[package].needs else bare)
    compiled = [package for package in _COMPILED if package != "ncurses"]
    libraries = [
        folder.format(package)
        for package in compiled + [
            "libcrypto3",
            "libncursesw",
            "libpanelw",
            "libssl3",
            "libuuid",
            "ncurses-terminfo-base",
            "xz-libs",
            "zlib",
        ]
    ]
    musl_compiler(
        name + "_toolchain",
        _PLATFORM,
        musl + libraries + [folder.format(package + "-dev") for package in compiled] +
        [folder.format(package + "-headers") for package in _HEADERS],
    )
    layer = {"epoch": None, "release": _RELEASE, "scripts": None}
    packages_layer(
        name + "_base",
        [folder.format(package) for package in _BASE],
        _ARCH,
        **layer
    )
    packages_layer(
        name + "_data",
        [folder.format("ca-certificates"), _PLATFORM + "/tzdata.apk"],
        _ARCH,
        below = name + "_base",
        **layer
    )
    layer_blobs(name + "_blobs", [name + "_base", name + "_data"])
    return libraries

def real_python(name, disk, version):
    """Declares an image of CPython on Alpine's own packages, `<name>_image`; all are manual.

    Args:
      name: prefix of the targets.
      disk: the wheel with the disk image.
      version: the release of CPython.
    """
    musl_python(
        name = name,
        arch = _ARCH,
        configs = ["real.yaml"],
        epoch = None,
        fixture = name,
        libraries = _real_fixture(name, disk),
        platform = _PLATFORM,
        release = _RELEASE,
        scripts = None,
        version = version,
    )
