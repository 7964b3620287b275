"""Ubuntu's suites for the macros of Debian's: what is locked as a catalog of its own, the rest apart."""

load("//third_party:unlocked.bzl", "unlocked")

# The variant of catalog/variants.yaml that Ubuntu's suites have: theirs are minimal images.
_VARIANT = "slim"

def _is_locked(catalog, package_sets, build_sets, suite, platform):
    """Whether a platform's packages are locked, and with them what compiles for it."""
    arch = catalog["platforms"][platform]["debian"]
    build = build_sets.get(suite, {})
    return arch in package_sets.get(suite, {}) and arch in build and "amd64" in build

def _with_suites(catalog, suites):
    variant = catalog["variants"][_VARIANT] | {"suites": suites.keys()}
    return catalog | {"suites": suites, "variants": {_VARIANT: variant}}

def ubuntu_locked(catalog, package_sets, build_sets):
    """The catalog with Ubuntu's suites instead of Debian's, as far as they are locked.

    Args:
      catalog: CATALOG of @catalog//:catalog.bzl.
      package_sets: PACKAGE_SETS of @debian//:sets.bzl.
      build_sets: BUILD_SETS of it.

    Returns:
      a catalog for debian_roots, suite_toolchains and suite_cpythons. Its platforms are those that
      are locked, its only variant is the slim one.
    """
    suites = {}
    for suite, facts in catalog["ubuntu"]["suites"].items():
        platforms = [
            platform
            for platform in facts["platforms"]
            if _is_locked(catalog, package_sets, build_sets, suite, platform)
        ]
        if platforms:
            suites[suite] = facts | {"platforms": platforms}
    return _with_suites(catalog, suites)

def ubuntu_unlocked(name, catalog, package_sets, build_sets, names):  # buildifier: disable=unused-variable
    """Declares, for each suite and platform that isn't locked, targets that say how to lock it.

    Args:
      name: unused; what there is comes from the catalog.
      catalog: CATALOG of @catalog//:catalog.bzl.
      package_sets: PACKAGE_SETS of @debian//:sets.bzl.
      build_sets: BUILD_SETS of it.
      names: function of a catalog, a suite and a platform: the names of the targets.
    """
    whole = _with_suites(catalog, catalog["ubuntu"]["suites"])
    for suite, facts in whole["suites"].items():
        for platform in facts["platforms"]:
            if _is_locked(catalog, package_sets, build_sets, suite, platform):
                continue
            for target in names(whole, suite, platform):
                unlocked(
                    name = target,
                    options = "--mirror=URL --ports-mirror=URL",
                    page = "docs/ubuntu.md",
                    platform = platform,
                    release = suite,
                    tags = ["manual"],
                )

def ubuntu_image_names(_catalog, suite, platform):
    """Names of the images that debian_images declares for an Ubuntu suite and a platform.

    Args:
      _catalog: unused.
      suite: name of the suite.
      platform: name of the platform.

    Returns:
      list of strings.
    """
    return ["{}_{}{}".format(suite, platform, what) for what in ["", ".digest", ".load", ".push", ".tar"]]
