"""debian_roots: the root file system layers every image of a suite and platform shares."""

load("@debian//:sets.bzl", "PACKAGE_SETS", "SNAPSHOTS")
load("//python_images/private:layer.bzl", "layer_blob")
load("//python_images/private:rootfs.bzl", "debian_layer")
load("//python_images/private:time.bzl", "snapshot_epoch")

def debian_roots(name, catalog):  # buildifier: disable=unused-variable
    """Declares the layers of each suite and platform of the catalog.

    `<suite>_<platform>_<set>` is a layer's tar for each package set that some variant has as a
    layer, each lying on the one before; `<the same>.blob` is it compressed. All are manual.

    Args:
      name: unused; what there is comes from the catalog.
      catalog: CATALOG of @catalog//:catalog.bzl.
    """
    for suite, facts in catalog["suites"].items():
        for platform in facts["platforms"]:
            arch = catalog["platforms"][platform]["debian"]
            declared = {}
            for variant in catalog["variants"].values():
                below = None
                for set in variant["layers"]:
                    layer = "{}_{}_{}".format(suite, platform, set)
                    if layer in declared:
                        if declared[layer] != below:
                            fail("catalog/variants.yaml: layer {} lies on {} here and on {} there".format(
                                set,
                                below,
                                declared[layer],
                            ))
                        below = layer
                        continue
                    if set not in PACKAGE_SETS[suite][arch]:
                        fail("third_party/debian/{}_{}.lock: no package is of the set {}. {}".format(
                            suite,
                            arch,
                            set,
                            "To lock it: ./bazelw run //tools:lock",
                        ))
                    packages = "@debian//{}/{}:{}".format(suite, arch, set)
                    debian_layer(
                        name = layer,
                        arch = arch,
                        below = below,
                        debs = packages,
                        epoch = snapshot_epoch(SNAPSHOTS["{}/{}".format(suite, arch)]),
                        packages = packages + ".json",
                        suite = suite,
                        tags = ["manual"],
                    )
                    layer_blob(
                        name = layer + ".blob",
                        tags = ["manual"],
                        tar = layer,
                    )
                    declared[layer] = below
                    below = layer
