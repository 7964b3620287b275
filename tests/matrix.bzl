"""matrix_tests: the tests of all images, toolchains and root file systems of the catalog."""

def matrix_tests(name, catalog):
    """Declares test suites of the whole matrix, all manual.

    `<name>` has all tests, `<name>_<platform>` those of one platform, `<name>_<label>` those of the
    images of a minor version (3.12, 3.14t, 3.15-rc), of all families that are built. Most of their
    time goes into compiling CPython, once for each version, suite and platform.

    Args:
      name: name of the suite of all.
      catalog: CATALOG of @catalog//:catalog.bzl.
    """
    tests = {platform: [] for platform in catalog["platforms"]}
    by_label = {}
    families = {"//images": catalog["images"]} | {
        "//images/" + family: facts["images"]
        for family, facts in catalog["families"].items()
    }
    for package, images in families.items():
        for image in images:
            if image["archived"]:
                continue
            label = catalog["versions"][image["version"]]["label"]
            for platform in image["platforms"]:
                target = "{}:{}_{}".format(package, image["name"], platform)
                declared = [target + ".test", target + ".validation"]
                tests[platform] += declared
                by_label.setdefault(label, []).extend(declared)
    for label, labels in by_label.items():
        native.test_suite(
            name = "{}_{}".format(name, label),
            tags = ["manual"],
            tests = labels,
        )
    for suite, facts in catalog["suites"].items():
        for platform in facts["platforms"]:
            root = "{}_{}".format(suite, platform)
            tests[platform] += [
                "//tests/golden:rootfs_{}_test".format(root),
                "//tests/golden:rootfs_{}_full_test".format(root),
                "//toolchains/cc:{}_test".format(root),
            ]
    for platform in {
        platform: None
        for release in catalog["alpine"]["releases"].values()
        for platform in release["platforms"]
    }:
        # No release is locked here: the tests' own Alpine, with one CPython.
        alpine = "//python_images/tests/alpine:{}_image".format(platform)
        tests[platform] += [alpine + ".test", alpine + ".validation"]
    suites = []
    for platform, labels in tests.items():
        if not labels:
            continue
        native.test_suite(
            name = "{}_{}".format(name, platform),
            tags = ["manual"],
            tests = labels,
        )
        suites.append("{}_{}".format(name, platform))
    native.test_suite(
        name = name,
        tags = ["manual"],
        tests = suites,
    )
