"""An Alpine made of Debian's musl and what is compiled for it, with images of CPython on top."""

load("@catalog//:catalog.bzl", "CATALOG")
load("//images/structure:alpine.bzl", "alpine_structure_test")
load("//python_images/private/attestations:sbom.bzl", "image_documents")
load("//python_images/private/cpython:cpython.bzl", "cpython_links_layer")
load("//python_images/private/cpython:minors.bzl", "minor_rules")
load("//python_images/private/cpython:musl.bzl", "cpython_musl")
load("//python_images/private/oci:image.bzl", "image")
load("//python_images/private/oci:layer_blob.bzl", "layer_blob")
load("//python_images/private/roots/alpine:layer.bzl", "alpine_layer")
load("//toolchains/cc:build_sets.bzl", "TOOLS_SUITE", "build_set")
load("//toolchains/musl:rules.bzl", "apk_tree")
load("//toolchains/musl:targets.bzl", "TARGETS")
load("//toolchains/musl:toolchains.bzl", "musl_platform")
load(":musl_library.bzl", "musl_library")
load(":recipes.bzl", "RECIPES")

_EPOCH = 1700000010
_RELEASE = "alpine3.24"

# What is repacked: pack_musl.py and pack_data.py.
_BASE = ["baselayout", "linux-headers"]
_MUSL = ["musl", "musl-dev"]
_DATA = ["ca-certificates", "ncurses-terminfo-base", "tzdata"]

# Libraries compiled here; musl itself is one of them where Debian's isn't taken.
_LIBRARIES = [name for name, recipe in RECIPES.items() if recipe.library and name != "musl"]

# The platform that programs run on while building.
_BUILD = "amd64"

def _apks(name, packages):
    native.filegroup(
        name = name,
        testonly = True,
        srcs = packages,
        tags = ["manual"],
    )

def musl_compiler(name, platform, packages):
    """Declares what compiles with these packages.

    Args:
      name: name of the target.
      platform: name of the platform.
      packages: the .apk files.

    Returns:
      its name.
    """
    _apks(name + "_apks", packages)
    apk_tree(
        name = name + "_sysroot",
        testonly = True,
        apks = name + "_apks",
        tags = ["manual"],
        visibility = ["//toolchains/musl:__pkg__"],
    )
    musl_platform(
        name = name,
        testonly = True,
        catalog = CATALOG,
        description = "musl/" + platform,
        platform = platform,
        sysroot = name + "_sysroot",
        tags = ["manual"],
    )
    return name

def packages_layer(name, packages, arch, release = _RELEASE, epoch = _EPOCH, scripts = "musl_scripts.toml", **kwargs):
    """Declares `<name>`, a layer of .apk files, and `<name>.packages.json`; all are manual.

    Args:
      name: name of the layer.
      packages: the .apk files.
      arch: Alpine's name of the architecture.
      release: the release that it's said to be of.
      epoch: the layer's time; None for that of its newest package.
      scripts: the reviewed scripts; None for the project's own.
      **kwargs: further attributes of alpine_layer.
    """
    _apks(name + "_apks", packages)
    native.genrule(
        name = name + "_list",
        testonly = True,
        srcs = packages,
        outs = [name + ".packages.json"],
        cmd = "$(execpath :list_packages) $@ $(SRCS)",
        tags = ["manual"],
        tools = [":list_packages"],
    )
    alpine_layer(
        name = name,
        testonly = True,
        apks = name + "_apks",
        arch = arch,
        epoch = epoch,
        packages = name + ".packages.json",
        release = release,
        repositories = ["https://mirror.test/alpine/{}/main".format(CATALOG["alpine"]["releases"][release]["branch"])],
        scripts = scripts,
        tags = ["manual"],
        **kwargs
    )

def layer_blobs(name, layers):
    """Declares `<layer>.blob` of layers, compressed.

    Args:
      name: name of the filegroup of all of them.
      layers: names of the layers.
    """
    native.filegroup(
        name = name,
        testonly = True,
        srcs = [layer + ".blob" for layer in layers],
        tags = ["manual"],
    )
    for layer in layers:
        layer_blob(
            name = layer + ".blob",
            testonly = True,
            tags = ["manual"],
            tar = layer,
        )

def _repacked(name, program, packages, debs, options):
    """Declares packages that are Debian's files."""
    native.genrule(
        name = "{}_{}".format(name, program),
        testonly = True,
        srcs = debs,
        outs = ["{}/{}.apk".format(name, package) for package in packages],
        cmd = "$(execpath :{}) {} --out $(RULEDIR)/{} $(SRCS)".format(program, options, name),
        tags = ["manual"],
        tools = [":" + program],
    )

def musl_fixture(name, platform, arch):
    """Declares packages and toolchains of a platform; all are manual.

    `<name>_base` and `<name>_data` are the lowest layers of images, `<name>_toolchain` compiles a
    CPython for it.

    Args:
      name: prefix of the targets; for the build machine's platform, that platform's name.
      platform: name of the platform.
      arch: Alpine's name of it.
    """
    facts = CATALOG["platforms"][platform]
    compiled = platform != _BUILD
    _repacked(
        name,
        "pack_musl",
        _BASE + ([] if compiled else _MUSL),
        [str(build_set(TOOLS_SUITE, "amd64", "musl"))],
        "--arch {} --gnu {} --loader {}{}".format(
            arch,
            facts["triplet"],
            TARGETS[platform].loader,
            "" if compiled else " --musl",
        ),
    )
    _repacked(
        name,
        "pack_data",
        _DATA,
        ["@debian//trixie/amd64:base", "@debian//trixie/amd64:slim"],
        "--arch " + arch,
    )
    apk = {
        package: "{}/{}.apk".format(name, package)
        for package in _BASE + _MUSL + _DATA + ["busybox"] + _LIBRARIES
    }
    dev = {library: "{}/{}-dev.apk".format(name, library) for library in _LIBRARIES}

    def library(package, toolchain, dev = None):
        recipe = RECIPES[package]
        musl_library(
            name = "{}_{}".format(name, package),
            testonly = True,
            apk = apk[package],
            arch = arch,
            build_toolchain = _BUILD + "_musl_toolchain" if recipe.build_cc else None,
            commands = recipe.patches.get(arch, []) + recipe.commands,
            dev = dev,
            environment = recipe.env,
            fields = [field.format(arch = arch) for field in recipe.fields],
            loader = TARGETS[platform].loader,
            package = package,
            scripts = recipe.scripts,
            source = recipe.source,
            tags = ["manual"],
            toolchain = toolchain,
        )

    if compiled:
        headers = musl_compiler(name + "_headers_toolchain", platform, [apk["linux-headers"]])
        library("musl", headers, dev = apk["musl-dev"])
    musl = [apk[package] for package in ["linux-headers", "musl", "musl-dev"]]
    bare = musl_compiler(name + "_musl_toolchain", platform, musl)
    library("busybox", bare)
    for package in _LIBRARIES:
        toolchain = bare
        needs = RECIPES[package].needs
        if needs:
            needed = [apk[need] for need in needs] + [dev[need] for need in needs]
            toolchain = musl_compiler("{}_{}_toolchain".format(name, package), platform, musl + needed)
        library(package, toolchain, dev = dev[package])
    musl_compiler(
        name + "_toolchain",
        platform,
        musl + [apk[of] for of in _LIBRARIES] + dev.values(),
    )
    packages_layer(name + "_base", [apk[package] for package in ["baselayout", "busybox", "musl"]], arch)
    packages_layer(
        name + "_data",
        [apk[package] for package in ["ca-certificates", "tzdata"]],
        arch,
        below = name + "_base",
    )
    layer_blobs(name + "_blobs", [name + "_base", name + "_data"])

def musl_python(
        name,
        fixture,
        platform,
        arch,
        version,
        missing = ["_tkinter"],
        catalog = CATALOG,
        build = "//python_images/cpython",
        libraries = None,
        release = _RELEASE,
        configs = [],
        **layer):
    """Declares a CPython for the packages of a musl_fixture, and an image with it; all are manual.

    `<name>_cpython` is the compiled CPython; `<name>_runtime` (what it needs), `<name>_cpython` and
    `<name>_links` are the upper layers of `<name>_image`; its structure tests are
    `<name>_image.test`, its documents `<name>_image.sbom` and `<name>_image.provenance`.

    Args:
      name: prefix of the targets.
      fixture: name of the musl_fixture.
      platform: name of the platform.
      arch: Alpine's name of it.
      version: the release of CPython.
      missing: extension modules for which there is no library.
      catalog: the catalog that has it.
      build: package of its build python.
      libraries: the .apk files to choose run-time packages from; the fixture's own by default.
      release: the release of Alpine that it's said to be on.
      configs: further structure tests.
      **layer: further arguments of packages_layer.
    """
    python = catalog["versions"][version]
    facts = CATALOG["platforms"][platform]
    if libraries == None:
        libraries = ["{}/{}.apk".format(fixture, package) for package in _LIBRARIES + ["ncurses-terminfo-base"]]
    cpython_musl(
        name = name + "_cpython",
        testonly = True,
        build_python = "{}:{}_build".format(build, version),
        epoch = python["epoch"],
        expected_missing = missing,
        frame_pointers = minor_rules(python).frame_pointers,
        setup_py = python["setup_py"],
        source = python["source"],
        tags = ["manual"],
        toolchain = fixture + "_toolchain",
        version = python["release"],
        wheels = ["@image_wheels//:" + wheel for wheel in python["wheels"]],
    )
    cpython_links_layer(
        name = name + "_links",
        testonly = True,
        cpython = name + "_cpython",
        tags = ["manual"],
    )
    packages_layer(
        name + "_runtime",
        libraries,
        arch,
        below = fixture + "_data",
        needed_by = name + "_cpython",
        release = release,
        **layer
    )
    own = ["{}_{}".format(name, layer) for layer in ["runtime", "cpython", "links"]]
    layer_blobs(name + "_own_blobs", own)
    sets = [fixture + "_base", fixture + "_data"]
    image(
        name = name + "_image",
        testonly = True,
        architecture = facts["architecture"],
        cmd = ["python3"],
        created = python["released"] + "T00:00:00Z",
        env = python["env"],
        layers = [layer + ".blob" for layer in sets + own],
        os = facts["os"],
        repo_tags = ["localhost/python:{}-{}-{}".format(version, release, platform)],
        tags = ["manual"],
        variant = facts["variant"] or None,
    )
    image_documents(
        name = name + "_image",
        testonly = True,
        about = {"platform": platform, "release": release, "version": version},
        bundled = "{}:{}.bundled".format(build, version),
        packages = [layer + ".packages.json" for layer in sets + [name + "_runtime"]],
        source = {"sha256": python["sha256"], "url": python["url"], "version": version},
        suite = release,
        title = "python",
        tools = {build_set(TOOLS_SUITE, "amd64", "cc_musl.json"): "compiler=" + TOOLS_SUITE},
    )
    alpine_structure_test(
        name = name + "_image.test",
        image = name + "_image",
        more = configs,
        platform = platform,
        release = release,
        tags = ["manual"],
        testonly = True,
        version = version,
        versions = catalog["versions"],
        visibility = ["//tests:__subpackages__"],
        whole = False,
    )
