"""family_images: the images of another family, on the layers of //images. A macro: data to targets."""

load("@debian//:sets.bzl", "BUILD_SETS", "PACKAGE_SETS")
load("//python_images/private/tools:near.bzl", "near")
load("//third_party:unlocked.bzl", "unlocked")
load("//third_party/ubuntu:locked.bzl", "ubuntu_locked")
load(":names.bzl", "COMPANIONS", "image_name")
load(":python.bzl", "python_images")
load(":yaml_tests.bzl", "yaml_tests")

_NO_WINDOWS = {
    "archives": {},
    "images": [],
    "joints": [],
    "releases": [],
}

def _locked(entry, suites):
    """Whether the packages of an image are locked, for all its platforms."""
    platforms = suites[entry["suite"]]["platforms"] if entry["suite"] in suites else []
    return not [platform for platform in entry["platforms"] if platform not in platforms]

def _family_catalog(catalog, facts, images):
    """The catalog as if the family's images were all there is."""
    return catalog | {
        "images": images,
        "platforms": {
            name: about | {"aliases": facts["aliases"].get(name, about["aliases"])}
            for name, about in catalog["platforms"].items()
        },
        "versions": {
            name: about | {"env": facts["env"]}
            for name, about in catalog["versions"].items()
        },
        "windows": _NO_WINDOWS,
    }

def _unlocked(names, suite, platforms):
    """Declares stand-ins for an image or index and its companion targets, under each of its names."""
    for name in names:
        for suffix in [""] + ["." + companion for companion in COMPANIONS]:
            unlocked(
                name = name + suffix,
                options = "--mirror=URL --ports-mirror=URL",
                page = "docs/ubuntu.md",
                platform = ", ".join(platforms),
                release = suite,
                tags = ["manual"],
            )

def family_images(name, catalog, family, structure_test = None, tests = [], cpythons = None):
    """Declares the images of a family in this package, named by its own tags.

    As for `python_images` there is `<tag>`, the index, and `<tag>_<platform>`, one image, with
    their companion targets, `publish` and `sign`. Layers are those of the variant that
    catalog/families/<family>.yaml names, so an image shares its compilation with //images;
    its environment and command are the family's. Images on an Ubuntu suite that isn't locked
    fail when they are analysed, with the command that locks it.

    Args:
      name: file group of all indexes that can be built.
      catalog: the catalog, see tools/catalog/export.py.
      family: the family's name, one of the catalog's `families`.
      structure_test: as for `python_images`; in its place, `tests` are enough as a rule.
      tests: files of container-structure-test that each image has to pass. {{VERSION}}, {{MINOR}},
        {{SHA256}}, {{SUITE}}, {{VARIANT}}, {{PLATFORM}}, {{DEBIAN_ARCH}} and {{TRIPLET}} are replaced in them.
      cpythons: as for `python_images`.
    """
    if bool(structure_test) == bool(tests):
        fail("//{}:{}: family_images: give either tests, a list of YAML files, or structure_test".format(
            native.package_name(),
            name,
        ))
    if family not in catalog["families"]:
        fail("//{}:{}: family_images: family = {} isn't in the catalog; {}".format(
            native.package_name(),
            name,
            repr(family),
            near(family, catalog["families"].keys()),
        ))
    facts = catalog["families"][family]
    suites = ubuntu_locked(catalog, PACKAGE_SETS, BUILD_SETS)["suites"]
    locked = [entry for entry in facts["missing"] if _locked(entry, suites)]
    python_images(
        name = name,
        catalog = _family_catalog(catalog, facts, facts["images"] + locked),
        cmd = facts["cmd"],
        cpythons = cpythons,
        repository = "localhost/" + facts["repository"],
        structure_test = structure_test or yaml_tests(catalog, tests),
    )
    for entry in facts["missing"]:
        if entry in locked:
            continue
        _unlocked(entry["tags"], entry["suite"], entry["platforms"])
        for platform in entry["platforms"]:
            known_as = [platform] + facts["aliases"][platform]
            _unlocked(
                [image_name(tag, alias) for tag in entry["tags"] for alias in known_as],
                entry["suite"],
                [platform],
            )
