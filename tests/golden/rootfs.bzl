"""golden_rootfs: tests of the root file system layers of each suite and platform."""

load("@rules_python//python:defs.bzl", "py_binary")
load("//tools/testing:pytest.bzl", "py_pytest")

_LAYERS = ["base", "slim"]

def golden_rootfs(name, catalog):
    """Declares rootfs_<suite>_<platform>_test for the catalog's, and the program `name`.

    Only platforms of the sample have a golden listing; the tests of the others are manual.

    Args:
      name: program that writes the golden listings anew.
      catalog: CATALOG of @catalog//:catalog.bzl.
    """
    update_args = []
    update_data = []
    for suite, facts in catalog["suites"].items():
        for platform in facts["platforms"]:
            root = "{}_{}".format(suite, platform)
            sample = catalog["platforms"][platform]["sample"]
            golden = "rootfs/{}.listing".format(root)
            layers = ["//python_images/rootfs:{}_{}".format(root, layer) for layer in _LAYERS]
            listings = []
            for layer in layers:
                listing = layer.rpartition(":")[2] + ".listing"
                native.filegroup(
                    name = listing,
                    srcs = [layer],
                    output_group = "listing",
                    tags = ["manual"],
                )
                listings.append(listing)
            paths = " ".join(["$(rootpath {})".format(listing) for listing in listings])
            py_pytest(
                name = "rootfs_{}_test".format(root),
                size = "medium",
                srcs = ["rootfs_test.py"],
                data = layers + (
                    listings + native.glob([golden], allow_empty = True) if sample else []
                ),
                env = {
                    "ARCH": catalog["platforms"][platform]["debian"],
                    "LAYERS": " ".join(["$(rootpath {})".format(layer) for layer in layers]),
                } | ({
                    "GOLDEN": "{}/{}".format(native.package_name(), golden),
                    "LISTINGS": paths,
                } if sample else {}),
                tags = [] if sample else ["manual"],
                deps = [
                    ":golden",
                    "//tools/rootfs",
                ],
            )
            if sample:
                update_args.append("--golden {}/{} {}".format(native.package_name(), golden, paths))
                update_data += listings
    py_binary(
        name = name,
        srcs = ["update.py"],
        args = update_args,
        data = update_data,
        main = "update.py",
        tags = ["manual"],
        deps = [":golden"],
    )
