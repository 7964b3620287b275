"""cpythons: every CPython of the catalog, and the image layers made of it."""

load("@prebuilt_cpythons//:prebuilt.bzl", "PREBUILT")
load("//python_images/private/attestations:sbom.bzl", "cpython_bundled")
load("//python_images/private/cpython:cpython.bzl", "build_python", "cpython", "cpython_bytecode_layer", "cpython_layer", "cpython_links_layer")
load("//python_images/private/cpython:jit.bzl", "jit_stencils")
load("//python_images/private/cpython:lean_layer.bzl", "cpython_lean_layer")
load("//python_images/private/cpython:minors.bzl", "driven_by_tools", "jit_clang", "minor_rules")
load("//python_images/private/cpython:names.bzl", "cpython_name")
load("//python_images/private/cpython:prebuilt.bzl", "prebuilt_cpython")
load("//python_images/private/oci:layer_blob.bzl", "catalog_layer_blob")
load("//python_images/private/roots/debian:layer.bzl", "catalog_debian_layer")
load("//python_images/private/roots/debian:roots.bzl", "layer_name", "root_attributes")
load("//python_images/private/roots/distroless:layer.bzl", "distroless_layer")
load("//third_party/profiles:profiles.bzl", "PROFILES")
load("//toolchains/cc:build_sets.bzl", "TOOLS_SUITE")
load("//toolchains/cc:flags.bzl", "build_flags")
load("//toolchains/cc:toolchains.bzl", "gcc_version")
load("//toolchains/python:rules.bzl", "py_binary")

CONFIG_SITE = "//tools/cpython:config.site"

# What the layer of the libraries that CPython needs is called, by what a variant is called root and its
# uppermost package set. Those of others are called by the set.
_RUNTIME = {
    ("debian", "dev"): "debian_runtime",
    ("debian-slim", "slim"): "runtime",
    ("distroless", "distroless"): "lean_runtime",
}

def _runtime_name(variant):
    """What the layer of the libraries that CPython needs is called in a variant."""
    top = variant["layers"][-1]
    prefix = "debian_" if variant["root"] == "debian" else ""
    return _RUNTIME.get((variant["root"], top), "{}{}_runtime".format(prefix, top))

def _is_lean(variant):
    return "lean" in variant["features"]

def layer_names(variant):
    """Names of a CPython's layers in an image, lowest first.

    Args:
      variant: the variant, a value of `variants` of the catalog.

    Returns:
      list of strings, what follows `<version>_<suite>_<platform>.` in the targets' names.
    """
    if _is_lean(variant):
        return [_runtime_name(variant), "lean"]
    return [
        _runtime_name(variant),
        "stripped" if variant["strip"] else "unstripped",
        "links",
    ]

def _layers_below(variants, suite):
    """By name of the layer of runtime libraries: a variant on whose uppermost layer they lie."""
    found = {}
    for variant in variants.values():
        if suite not in variant["suites"]:
            continue
        other = found.setdefault(_runtime_name(variant), variant)
        if other["layers"] != variant["layers"] or other["root"] != variant["root"]:
            fail("catalog/variants.yaml: variants with root {} end in {} and in {}, but {}".format(
                variant["root"],
                other["layers"][-1],
                variant["layers"][-1],
                "the runtime libraries of CPython are computed for one of them only",
            ))
    return found

def _layers(release, version, label, suite, platform, arch, below, lean):
    """Declares the layers of one CPython, with their blobs."""
    libraries = "@debian//{}/{}:libraries".format(suite, arch)
    for runtime, variant in below.items():
        top = layer_name(suite, platform, variant, variant["layers"][-1])
        if variant["root"] == "distroless":
            distroless_layer(
                name = "{}.{}".format(release, runtime),
                arch = arch,
                below = "//python_images/rootfs:" + top,
                debs = libraries,
                needed_by = release + ".lean",
                packages = libraries + ".json",
                suite = suite,
                tags = ["manual"],
            )
            continue

        # Where all the libraries are there already, this is the loader's cache with libpython, and
        # apt's note that someone asked for them.
        catalog_debian_layer(
            name = "{}.{}".format(release, runtime),
            arch = arch,
            below = "//python_images/rootfs:" + top,
            debs = libraries,
            needed_by = release,
            packages = libraries + ".json",
            suite = suite,
            tags = ["manual"],
            **root_attributes(suite, variant)
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

    # In no image of the catalog: docker-library's have none either.
    cpython_bytecode_layer(
        name = release + ".bytecode",
        build_python = version + "_build",
        cpython = release,
        tags = ["manual"],
    )
    if lean:
        cpython_lean_layer(
            name = release + ".lean",
            build_python = version + "_build",
            cpython = release,
            label = label,
            stripped = release + ".stripped",
            tags = ["manual"],
        )
    for name in below.keys() + ["stripped", "unstripped", "links", "bytecode"] + (["lean"] if lean else []):
        layer = "{}.{}".format(release, name)
        catalog_layer_blob(
            name = layer + ".blob",
            tags = ["manual"],
            tar = layer,
        )

def profile_of(facts, suite, suite_facts, platform, target):
    """The profile a CPython is optimised by.

    Args:
      facts: what the catalog says of the release.
      suite: name of the suite.
      suite_facts: what the catalog says of it.
      platform: name of the platform.
      target: what the catalog says of it.

    Returns:
      a label; None if its platform has none.
    """
    if not target["compile"]["profile"]:
        return None

    # amd64's of a free-threaded build doesn't fit arm64's eval loop: there it's the platform's own.
    profiled = platform if facts["free_threaded"] else target["compile"]["profile"]
    gcc = gcc_version(suite, platform, suite_facts["build_sets"]["cc_" + platform])
    profile = "cpython-{}{}-{}-gcc{}".format(
        facts["minor"],
        "t" if facts["free_threaded"] else "",
        profiled,
        gcc,
    )
    return "//third_party/profiles:{}.tar.xz".format(profile) if profile in PROFILES else None

def stencils_of(version, facts, platform, target):
    """The target with the JIT's code of a CPython.

    Args:
      version: the release.
      facts: what the catalog says of it.
      platform: name of the platform.
      target: what the catalog says of it.

    Returns:
      its name; None if no JIT is built in.
    """
    return "{}_{}.stencils".format(version, platform) if jit_clang(facts, target) else None

def _jit(version, facts, catalog):
    """Declares the JIT's code of a release for each platform that has one, the same for all suites."""
    rules = minor_rules(facts)
    for platform in catalog["suites"][TOOLS_SUITE]["platforms"]:
        target = catalog["platforms"][platform]
        clang = jit_clang(facts, target)
        if clang:
            jit_stencils(
                name = stencils_of(version, facts, platform, target),
                build_python = version + "_build",
                clang = "//toolchains/cc:clang_" + clang,
                clang_version = clang,
                config_site = rules.config_site,
                epoch = facts["epoch"],
                source = facts["source"],
                tags = ["manual"],
                toolchain = "//toolchains/cc:{}_{}".format(TOOLS_SUITE, platform),
                version = facts["release"],
            )

def build_python_of(version, facts):
    """What drives a release's compilation.

    Args:
      version: the release.
      facts: what the catalog says of it.

    Returns:
      a label; None if the tools' interpreter can.
    """
    return None if driven_by_tools(facts) else version + "_build"

def _train(release, version, facts, suite, suite_facts, platform, target):
    """Declares `<release>.train`, which writes the profile: `bazel run` it by //tools:train."""
    toolchain = "//toolchains/cc:{}_{}".format(suite, platform)
    flags = build_flags(suite_facts, platform)
    files = {
        "build-python": version + "_build",
        "cc": toolchain + "_cc",
        "config-site": minor_rules(facts).config_site or CONFIG_SITE,
        "host": "//toolchains/cc:host_tools",
        "source": facts["source"],
        "sysroot": toolchain + "_sysroot",
    }
    facts_of_it = {
        "cflags": " ".join([flags.cflags] + target["compile"]["frame_pointers"]),
        "epoch": facts["epoch"],
        "gcc": gcc_version(suite, platform, suite_facts["build_sets"]["cc_" + platform]),
        "gnu": target["gnu"],
        "ldflags": flags.ldflags,
        "triplet": target["triplet"],
        "version": facts["release"],
    }
    stencils = stencils_of(version, facts, platform, target)
    if stencils:
        files["stencils"] = stencils
    py_binary(
        name = release + ".train",
        srcs = ["//tools/cpython:train.py"],
        args = ["--{}=$(rootpath {})".format(key, file) for key, file in files.items()] +
               ["'--{}={}'".format(key, value) for key, value in facts_of_it.items()] +
               (["--free-threaded"] if facts["free_threaded"] else []),
        # Those of a minor version read the common ones.
        data = {file: None for file in files.values() + [CONFIG_SITE]}.keys(),
        main = "//tools/cpython:train.py",
        tags = ["manual"],
        deps = ["//tools/cpython:train_lib"],
    )

def cpythons(name, catalog):
    """Declares CPython for each release, suite and platform of the catalog.

    `<version>_<suite>_<platform>` is a CPython. Hanging off it: `.runtime` (the libraries it needs,
    above debian-slim), `.debian_runtime` (above debian), `.lean_runtime` (above distroless) and
    others that are called by the package set they lie on, `.stripped` and `.unstripped` (itself), `.lean`
    (without what develops), `.links` (python, pip ...) and `.bytecode`, layers all, each with its `.blob`. `<version>_build` is the
    build python they share, `<version>_<platform>.stencils` the code of its JIT, `<version>.bundled` lists what the source bundles. The newest release's
    CPython, `.bytecode.blob` and `_build` have a name with the label, too: `3.14_trixie_amd64`. All
    are manual: compiling is dear.

    Args:
      name: name of the filegroup of all CPythons.
      catalog: CATALOG of @catalog//:catalog.bzl.
    """
    for version, facts in catalog["versions"].items():
        source = facts["source"]
        build_python(
            name = version + "_build",
            epoch = facts["epoch"],
            free_threaded = facts["free_threaded"],
            setup_py = facts["setup_py"],
            source = source,
            tags = ["manual"],
            version = version,
        )
        cpython_bundled(
            name = version + ".bundled",
            source = source,
            tags = ["manual"],
        )
        _jit(version, facts, catalog)
        _label_alias(facts, version, "_build")
    suite_cpythons(name, catalog)

def _label_alias(facts, version, rest):
    """Declares `<label><rest>`, such as 3.14_build, for the label's newest release."""
    if facts["newest"]:
        native.alias(
            name = facts["label"] + rest,
            actual = version + rest,
            tags = ["manual"],
        )

def cpython_names(catalog, suite, platform):
    """Names of what suite_cpythons declares for a suite's images on a platform.

    Args:
      catalog: CATALOG of @catalog//:catalog.bzl.
      suite: name of the suite.
      platform: name of the platform.

    Returns:
      list of strings.
    """
    layers = {
        name: None
        for variant in catalog["variants"].values()
        if suite in variant["suites"]
        for name in layer_names(variant)
    }
    return [
        cpython_name(version, suite, platform) + suffix
        for version in catalog["versions"]
        for suffix in [""] + [".{}{}".format(name, end) for name in layers for end in ("", ".blob")]
    ]

def _max_mismatched(stencils, target):
    """How many of a thousand functions need not fit a CPython's profile."""

    # The functions that write the JIT's code, 286 of 17,300, are other ones on each platform, and the
    # profile was trained where the build machine runs the programs itself.
    return 30 if stencils and target["qemu"] else 10

def suite_cpythons(name, catalog):
    """Declares CPython for each release, suite and platform of a catalog; see cpythons.

    Args:
      name: name of the filegroup of all CPythons.
      catalog: CATALOG of @catalog//:catalog.bzl, or one with other suites.
    """
    releases = []
    for version, facts in catalog["versions"].items():
        source = facts["source"]
        rules = minor_rules(facts)
        for suite, suite_facts in catalog["suites"].items():
            below = _layers_below(catalog["variants"], suite)
            lean = any([
                _is_lean(variant)
                for variant in catalog["variants"].values()
                if suite in variant["suites"]
            ])
            for platform in suite_facts["platforms"]:
                release = cpython_name(version, suite, platform)
                target = catalog["platforms"][platform]
                profile = profile_of(facts, suite, suite_facts, platform, target)
                if release in PREBUILT:
                    prebuilt_cpython(
                        name = release,
                        entry = PREBUILT[release],
                        facts = facts,
                        wheels = catalog["wheels"],
                    )
                else:
                    cpython(
                        name = release,
                        build_python = build_python_of(version, facts),
                        config_site = rules.config_site,
                        epoch = facts["epoch"],
                        frame_pointers = rules.frame_pointers,
                        free_threaded = facts["free_threaded"],
                        setup_py = facts["setup_py"],
                        # Their setup.py would need other options.
                        lto = target["compile"]["lto"] and not facts["setup_py"],
                        max_mismatched = _max_mismatched(stencils_of(version, facts, platform, target), target),
                        profile = profile,
                        source = source,
                        stencils = stencils_of(version, facts, platform, target),
                        tags = ["manual"],
                        toolchain = "//toolchains/cc:{}_{}".format(suite, platform),
                        version = facts["release"],
                        wheels = ["@image_wheels//:" + wheel for wheel in facts["wheels"]],
                    )

                # Only programs that the build machine runs can train a profile.
                if not target["qemu"] and target["compile"]["profile"] and not facts["setup_py"]:
                    _train(release, version, facts, suite, suite_facts, platform, target)
                arch = target["debian"]
                _layers(release, version, facts["label"], suite, platform, arch, below, lean)
                for suffix in ("", ".bytecode.blob"):
                    _label_alias(facts, version, "_{}_{}{}".format(suite, platform, suffix))
                releases.append(release)
    native.filegroup(
        name = name,
        srcs = releases,
        tags = ["manual"],
    )
