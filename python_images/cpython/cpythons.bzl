"""cpythons: every CPython of the catalog."""

load("//python_images/private:cpython.bzl", "build_python", "cpython", "cpython_layer", "cpython_links_layer")

def cpythons(name, catalog):
    """Declares CPython for each release, suite and platform of the catalog.

    `<version>_<suite>_<platform>` is the CPython, `<the same>.stripped` and `.links` are layers of
    it; `<version>_build` is the build python they share. All are manual: compiling is dear.

    Args:
      name: name of the filegroup of all.
      catalog: CATALOG of @catalog//:catalog.bzl.
    """
    all = []
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
                    frame_pointers = facts["minor"] not in ("3.9", "3.10", "3.11"),
                    source = source,
                    tags = ["manual"],
                    toolchain = "//toolchains/cc:{}_{}".format(suite, platform),
                    version = version,
                )
                cpython_layer(
                    name = release + ".stripped",
                    cpython = release,
                    tags = ["manual"],
                )
                cpython_links_layer(
                    name = release + ".links",
                    cpython = release,
                    tags = ["manual"],
                )
                all.append(release)
    native.filegroup(
        name = name,
        srcs = all,
        tags = ["manual"],
    )
