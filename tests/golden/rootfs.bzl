"""golden_rootfs: tests of the root file system layers of each suite and platform."""

# buildifier: disable=bzl-visibility
load("//python_images/private/roots/debian:roots.bzl", "layer_name")
load("//toolchains/python:rules.bzl", "py_binary")
load("//tools/testing:pytest.bzl", "py_pytest")

# What tests and golden files of a root are called, after suite and platform.
_SUFFIX = {
    "debian": "_full",
    "debian-slim": "",
}

# How a root's golden file is written: tests/golden/golden.py.
_FORM = {
    "debian": "--summary",
    "debian-slim": "--golden",
}

def golden_rootfs(name, catalog):
    """Declares tests of the catalog's layers, and the program `name`.

    `rootfs_<suite>_<platform>_test` is that of debian:<suite>-slim and the layers on it,
    `rootfs_<suite>_<platform>_full_test` that of debian:<suite> and those of buildpack-deps.
    Only platforms of the sample have a golden listing; the tests of the others are manual, and
    so are all `_full` ones, which take minutes.

    Args:
      name: program that writes the golden listings anew.
      catalog: CATALOG of @catalog//:catalog.bzl.
    """
    update_args = []
    update_data = []
    for suite, facts in catalog["suites"].items():
        for platform in facts["platforms"]:
            for variant in catalog["variants"].values():
                if suite not in variant["suites"] or variant["hardened"]:
                    continue
                listings = _root_test(suite, platform, variant, catalog["platforms"][platform])
                if listings:
                    update_data += listings
                    update_args.append(" ".join(
                        [_FORM[variant["root"]], _golden(suite, platform, variant)] +
                        ["$(rootpath {})".format(listing) for listing in listings],
                    ))
    py_binary(
        name = name,
        srcs = ["update.py"],
        args = update_args,
        data = update_data,
        main = "update.py",
        tags = ["manual"],
        deps = [":golden"],
    )

def _golden(suite, platform, variant):
    """Path of the golden file of a variant's layers, from the top."""
    return "{}/rootfs/{}_{}{}.listing".format(
        native.package_name(),
        suite,
        platform,
        _SUFFIX[variant["root"]],
    )

def _root_test(suite, platform, variant, about):
    """Declares the test of a variant's layers; returns the listings a golden file is made of."""
    slim = variant["root"] == "debian-slim"
    golden = _golden(suite, platform, variant)
    names = [layer_name(suite, platform, variant, set) for set in variant["layers"]]
    layers = ["//python_images/rootfs:" + name for name in names]
    listings = [name + ".listing" for name in names] if about["sample"] else []
    for listing, layer in zip(listings, layers):
        native.filegroup(
            name = listing,
            srcs = [layer],
            output_group = "listing",
            tags = ["manual"],
        )
    py_pytest(
        name = "rootfs_{}_{}{}_test".format(suite, platform, _SUFFIX[variant["root"]]),
        size = "medium",
        srcs = ["rootfs_test.py"],
        data = layers + listings + native.glob(
            [golden.removeprefix(native.package_name() + "/")] if listings else [],
            allow_empty = True,
        ),
        env = {
            "ARCH": about["debian"],
            "LAYERS": " ".join(["$(rootpath {})".format(layer) for layer in layers]),
            "SLIM": "1" if slim else "0",
        } | ({
            "GOLDEN": golden,
            "LISTINGS": " ".join(["$(rootpath {})".format(listing) for listing in listings]),
        } if listings else {}),
        tags = [] if slim and about["sample"] else ["manual"],
        deps = [
            ":golden",
            "//tools/rootfs:arches",
            "//tools/rootfs/debian",
        ],
    )
    return listings
