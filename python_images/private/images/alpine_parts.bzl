"""alpine_parts: root file systems, toolchains and CPythons of every locked release of Alpine's."""

load("//python_images/private/cpython:cpython.bzl", "cpython_links_layer")
load("//python_images/private/cpython:minors.bzl", "minor_rules")
load("//python_images/private/cpython:musl.bzl", "cpython_musl")
load("//python_images/private/cpython:names.bzl", "cpython_name")
load("//python_images/private/oci:layer_blob.bzl", "layer_blob")
load("//python_images/private/roots/alpine:layer.bzl", "alpine_layer")
load("//toolchains/musl:rules.bzl", "apk_tree")
load("//toolchains/musl:toolchains.bzl", "musl_platform")

# Package sets that images have below CPython, one layer each, bottom first.
_SETS = ["base", "runtime"]

def alpine_layer_names(version, release, platform):
    """Names of the layers of an image in the package of its parts, lowest first.

    Args:
      version: the release of Python.
      release: the release of Alpine.
      platform: name of the platform.

    Returns:
      list of strings; `.blob` after each of them is it compressed.
    """
    cpython = cpython_name(version, release, platform)
    return [
        "{}_{}_{}".format(release, platform, set)
        for set in _SETS
    ] + [alpine_root(version, release, platform), cpython, cpython + ".links"]

def alpine_root(version, release, platform):
    """Name of the uppermost layer of packages in an image; arguments as for alpine_layer_names."""
    return cpython_name(version, release, platform) + ".runtime"

def _blob(name):
    layer_blob(
        name = name + ".blob",
        tags = ["manual"],
        tar = name,
    )

def _layer(name, release, arch, lock, set, **kwargs):
    packages = "@alpine//{}/{}:{}".format(release, arch, set)
    alpine_layer(
        name = name,
        apks = packages,
        arch = arch,
        packages = packages + ".json",
        release = release,
        repositories = lock.repositories,
        tags = ["manual"],
        **kwargs
    )
    _blob(name)

def _roots(release, platform, arch, lock):
    """The layers below CPython; returns the uppermost."""
    below = None
    for set in _SETS:
        name = "{}_{}_{}".format(release, platform, set)
        _layer(name, release, arch, lock, set, below = below)
        below = name
    return below

def _toolchain(catalog, release, platform, arch):
    """What compiles for it; returns the target's name."""
    name = "{}_{}_toolchain".format(release, platform)
    apk_tree(
        name = name + "_sysroot",
        apks = "@alpine//{}/{}:sysroot".format(release, arch),
        tags = ["manual"],
    )
    musl_platform(
        name = name,
        catalog = catalog,
        description = "{}/{}".format(release, platform),
        platform = platform,
        sysroot = name + "_sysroot",
        tags = ["manual"],
    )
    return name

def alpine_parts(name, catalog, locks):
    """Declares what images on Alpine are made of, for all that is locked; all are manual.

    `<release>_<platform>_<set>` is a layer, `<release>_<platform>_toolchain` what compiles for it,
    `<version>_<release>_<platform>` a CPython. Hanging off this: `.runtime`, the packages it needs,
    and `.links`. Layers have a `.blob`.

    Args:
      name: name of the filegroup of all CPythons.
      catalog: CATALOG of @catalog//:catalog.bzl.
      locks: LOCKS of @alpine//:sets.bzl.
    """
    cpythons = []
    for release, facts in catalog["alpine"]["releases"].items():
        for platform, arch in facts["platforms"].items():
            lock = locks.get(release, {}).get(arch)
            if not lock:
                continue
            top = _roots(release, platform, arch, lock)
            toolchain = _toolchain(catalog, release, platform, arch)
            for image in catalog["alpine"]["images"]:
                version = catalog["versions"][image["version"]]
                if image["release"] != release:
                    continue
                rules = minor_rules(version)
                cpython = cpython_name(image["version"], release, platform)
                cpython_musl(
                    name = cpython,
                    build_python = "//python_images/cpython:{}_build".format(image["version"]),
                    config_site = rules.config_site,
                    epoch = version["epoch"],
                    frame_pointers = rules.frame_pointers,
                    setup_py = version["setup_py"],
                    source = version["source"],
                    tags = ["manual"],
                    toolchain = toolchain,
                    version = version["release"],
                    wheels = ["@image_wheels//:" + wheel for wheel in version["wheels"]],
                )
                _blob(cpython)
                _layer(
                    alpine_root(image["version"], release, platform),
                    release,
                    arch,
                    lock,
                    "sysroot",
                    below = top,
                    needed_by = cpython,
                )
                cpython_links_layer(
                    name = cpython + ".links",
                    cpython = cpython,
                    tags = ["manual"],
                )
                _blob(cpython + ".links")
                cpythons.append(cpython)
    native.filegroup(
        name = name,
        srcs = cpythons,
        tags = ["manual"],
    )
