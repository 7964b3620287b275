"""cpythons: every CPython of the catalog, and the image layers made of it."""

load("@debian//:sets.bzl", "SNAPSHOTS")
load("//python_images/private:cpython.bzl", "build_python", "cpython", "cpython_layer", "cpython_links_layer")
load("//python_images/private:layer.bzl", "layer_blob")
load("//python_images/private:rootfs.bzl", "debian_layer")
load("//python_images/private:time.bzl", "snapshot_epoch")
load("//tools/testing:pytest.bzl", "py_pytest")

# docker-library keeps frame pointers for profilers from 3.12 on.
_WITHOUT_FRAME_POINTERS = ("3.9", "3.10", "3.11")

def _layer_below(variants):
    """The package set on which the runtime libraries lie; one for all variants."""
    found = {variant["layers"][-1]: None for variant in variants.values()}.keys()
    if len(found) != 1:
        fail("catalog/variants.yaml: the variants end in different layers ({}), but {}".format(
            ", ".join(found),
            "the runtime libraries of CPython are computed for one only",
        ))
    return found[0]

def _layers(release, suite, platform, arch, below):
    """Declares the layers of one CPython, with their blobs."""
    sysroot = "@debian//{}/{}:sysroot".format(suite, arch)
    debian_layer(
        name = release + ".runtime",
        arch = arch,
        below = "//python_images/rootfs:{}_{}_{}".format(suite, platform, below),
        debs = sysroot,
        epoch = snapshot_epoch(SNAPSHOTS["{}/{}".format(suite, arch)]),
        needed_by = release,
        packages = sysroot + ".json",
        suite = suite,
        tags = ["manual"],
    )
    for name, strip in {"stripped": True, "unstripped": False}.items():
        cpython_layer(
            name = "{}.{}".format(release, name),
            cpython = release,
            strip = strip,
            tags = ["manual"],
        )
    cpython_links_layer(
        name = release + ".links",
        cpython = release,
        tags = ["manual"],
    )
    for name in ("runtime", "stripped", "unstripped", "links"):
        layer = "{}.{}".format(release, name)
        layer_blob(
            name = layer + ".blob",
            tags = ["manual"],
            tar = layer,
        )

def cpythons(name, catalog):
    """Declares CPython for each release, suite and platform of the catalog.

    `<version>_<suite>_<platform>` is a CPython. Hanging off it: `.runtime` (the libraries it needs),
    `.stripped` and `.unstripped` (itself), `.links` (python, pip ...), layers all, each with its
    `.blob`. `<version>_build` is the build python they share. All are manual: compiling is dear.

    Args:
      name: name of the filegroup of all CPythons.
      catalog: CATALOG of @catalog//:catalog.bzl.
    """
    below = _layer_below(catalog["variants"])
    releases = []
    for version, facts in catalog["versions"].items():
        source = "@cpython_sources//:" + version
        build_python(
            name = version + "_build",
            epoch = facts["epoch"],
            source = source,
            tags = ["manual"],
            version = version,
        )
        for suite, suite_facts in catalog["suites"].items():
            for platform in suite_facts["platforms"]:
                release = "{}_{}_{}".format(version, suite, platform)
                cpython(
                    name = release,
                    build_python = version + "_build",
                    epoch = facts["epoch"],
                    frame_pointers = facts["minor"] not in _WITHOUT_FRAME_POINTERS,
                    source = source,
                    tags = ["manual"],
                    toolchain = "//toolchains/cc:{}_{}".format(suite, platform),
                    version = version,
                )
                arch = catalog["platforms"][platform]["debian"]
                _layers(release, suite, platform, arch, below)
                releases.append(release)
    native.filegroup(
        name = name,
        srcs = releases,
        tags = ["manual"],
    )

def reproducible_test(name, version, suite, platform):
    """A manual test that compiles a CPython again, otherwise, and compares the bytes.

    Args:
      name: name of the test.
      version: the release.
      suite: name of the suite.
      platform: name of the platform.
    """
    release = "{}_{}_{}".format(version, suite, platform)
    toolchain = "//toolchains/cc:{}_{}".format(suite, platform)
    native.filegroup(
        name = name + "_report",
        srcs = [release],
        output_group = "report",
        tags = ["manual"],
    )
    files = {
        "BUILD_PYTHON": version + "_build",
        "CC": toolchain + "_cc",
        "CONFIG_SITE": "//tools/cpython:config.site",
        "CPYTHON": release,
        "HOST": "//toolchains/cc:host_tools",
        "REPORT": name + "_report",
        "SOURCE": "@cpython_sources//:" + version,
        "SYSROOT": toolchain + "_sysroot",
    }
    py_pytest(
        name = name,
        size = "enormous",
        srcs = ["//tools/cpython:reproducible_test.py"],
        data = files.values(),
        env = {key: "$(rootpath {})".format(file) for key, file in files.items()},
        tags = ["manual"],
        deps = ["//tools/cpython:compile_test_lib"],
    )
