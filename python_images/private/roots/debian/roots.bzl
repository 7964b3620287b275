"""debian_roots: the root file system layers every image of a suite and platform shares."""

load("@debian//:sets.bzl", "PACKAGE_SETS", "SOURCES")
load("//python_images/private/oci:layer_blob.bzl", "catalog_layer_blob")
load("//python_images/private/roots:user_layer.bzl", "user_layer")
load("//python_images/private/roots/debian:layer.bzl", "catalog_debian_layer")
load("//python_images/private/roots/distroless:layer.bzl", "distroless_layer")
load("//toolchains/cc:build_sets.bzl", "build_set")

# Prefix of the layers' names, by what catalog/variants.yaml calls root.
_PREFIX = {
    "debian": "debian_",
    "debian-slim": "",
    # Its package sets have names of their own.
    "distroless": "",
}

def layer_name(suite, platform, variant, set):
    """Name of the layer that a package set is in a variant; its blob is <name>.blob.

    Args:
      suite: name of the suite.
      platform: name of the platform.
      variant: the variant, a value of `variants` of the catalog.
      set: the package set.

    Returns:
      The target's name in //python_images/rootfs.
    """
    return "{}_{}_{}{}".format(suite, platform, _PREFIX[variant["root"]], set)

def user_layer_name(suite, platform, variant):
    """Name of the layer that adds a variant's user; its blob is <name>.blob.

    Args:
      suite: name of the suite.
      platform: name of the platform.
      variant: the variant, a value of `variants` of the catalog, with a user.

    Returns:
      The target's name in //python_images/rootfs.
    """
    top = layer_name(suite, platform, variant, variant["layers"][-1])
    return "{}.{}".format(top, variant["user"]["name"])

def _package_layer(name, suite, arch, variant, set, below):
    """Declares the layer of one package set."""
    packages = "@debian//{}/{}:{}".format(suite, arch, set)
    common = {
        "arch": arch,
        "below": below,
        "debs": packages,
        "packages": packages + ".json",
        "suite": suite,
        "tags": ["manual"],
    }
    if variant["root"] == "distroless":
        distroless_layer(name = name, **common)
        return
    catalog_debian_layer(
        name = name,
        sources = SOURCES.get("{}/{}".format(suite, arch), []),
        **(common | root_attributes(suite, variant))
    )

def root_names(catalog, suite, platform):
    """Names of the targets that debian_roots declares for a suite's variants on a platform.

    Args:
      catalog: CATALOG of @catalog//:catalog.bzl.
      suite: name of the suite.
      platform: name of the platform.

    Returns:
      list of strings.
    """
    layers = {
        layer_name(suite, platform, variant, set): None
        for variant in catalog["variants"].values()
        if suite in variant["suites"]
        for set in variant["layers"]
    }
    return [layer + suffix for layer in layers for suffix in ("", ".blob")]

# Package sets without Python modules, which would have to be compiled.
_WITHOUT_MODULES = ["base", "slim", "toolchain"]

def root_attributes(suite, variant):
    """Attributes of debian_layer for the layers of a variant.

    Args:
      suite: name of the suite.
      variant: the variant, a value of `variants` of the catalog.

    Returns:
      dict: attributes.
    """
    slim = variant["root"] == "debian-slim"
    if slim and not [set for set in variant["layers"] if set not in _WITHOUT_MODULES]:
        return {}
    return {
        "slim": slim,
        "tools": build_set(suite, "amd64", "rootfs_tools"),
        "tools_packages": build_set(suite, "amd64", "rootfs_tools.json"),
    }

def _user(suite, platform, variant, declared):
    """Declares the layer of a variant's user, unless another variant's is the same."""
    name = user_layer_name(suite, platform, variant)
    if name in declared:
        return
    user = variant["user"]
    user_layer(
        name = name,
        home = user["home"],
        id = str(user["id"]),
        place = variant["user_place"],
        root = layer_name(suite, platform, variant, variant["layers"][-1]),
        tags = ["manual"],
        user = user["name"],
    )
    catalog_layer_blob(
        name = name + ".blob",
        tags = ["manual"],
        tar = name,
    )
    declared[name] = None

def debian_roots(name, catalog):  # buildifier: disable=unused-variable
    """Declares the layers of each suite and platform of the catalog.

    `<suite>_<platform>_<set>` is a layer's tar for each package set that some variant with root
    debian-slim has as a layer, each lying on the one before; `<suite>_<platform>_debian_<set>` the
    same for root debian; `<the same>.<user>` adds a user; `<the same>.blob` is it compressed. All are manual.

    Args:
      name: unused; what there is comes from the catalog.
      catalog: CATALOG of @catalog//:catalog.bzl.
    """
    for suite, facts in catalog["suites"].items():
        for platform in facts["platforms"]:
            arch = catalog["platforms"][platform]["debian"]
            declared = {}
            for variant in catalog["variants"].values():
                if suite not in variant["suites"]:
                    continue
                below = None
                for set in variant["layers"] + variant.get("above", []):
                    layer = layer_name(suite, platform, variant, set)
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
                    _package_layer(layer, suite, arch, variant, set, below)
                    catalog_layer_blob(
                        name = layer + ".blob",
                        tags = ["manual"],
                        tar = layer,
                    )
                    declared[layer] = below
                    below = layer
                if variant.get("user"):
                    _user(suite, platform, variant, declared)
