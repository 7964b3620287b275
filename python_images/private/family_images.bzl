"""family_images: the images of another family, on the layers of //images. A macro: data to targets."""

load(":python_images.bzl", "python_images")
load(":unlocked.bzl", "unlocked")

# What hangs off an image under each of its names.
_COMPANIONS = ["digest", "load", "push", "tar"]

_NO_WINDOWS = {
    "archives": {},
    "images": [],
    "joints": [],
    "releases": [],
}

def _family_catalog(catalog, facts):
    """The catalog as if the family's images were all there is."""
    return catalog | {
        "images": facts["images"],
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
    """Stands for an image or index, and what hangs off it, under each of its names."""
    for name in names:
        for suffix in [""] + ["." + companion for companion in _COMPANIONS]:
            unlocked(
                name = name + suffix,
                options = "--mirror=URL --ports-mirror=URL",
                page = "docs/ubuntu.md",
                platform = ", ".join(platforms),
                release = suite,
                tags = ["manual"],
            )

def family_images(name, catalog, family, structure_test, cpythons = "//python_images/cpython"):
    """Declares the images of a family in this package, named by its own tags.

    As for `python_images` there is `<tag>`, the index, and `<tag>_<platform>`, one image, with all
    that hangs off them, `publish` and `sign`. Layers are those of the variant that
    catalog/families/<family>.yaml names, so an image costs no compilation that //images hasn't
    had; its environment and command are the family's. What lies on a suite without locked packages
    fails when it is analysed, with the command that locks it.

    Args:
      name: file group of all indexes that can be built.
      catalog: the catalog, see tools/catalog/export.py.
      family: the family's name, one of the catalog's `families`.
      structure_test: as for `python_images`.
      cpythons: package in which `cpythons` declared the CPythons of that catalog.
    """
    facts = catalog["families"][family]
    python_images(
        name = name,
        catalog = _family_catalog(catalog, facts),
        cmd = facts["cmd"],
        cpythons = cpythons,
        repository = "localhost/" + facts["repository"],
        structure_test = structure_test,
    )
    for entry in facts["missing"]:
        _unlocked(entry["tags"], entry["suite"], entry["platforms"])
        for platform in entry["platforms"]:
            known_as = [platform] + facts["aliases"][platform]
            _unlocked(
                ["{}_{}".format(tag, alias) for tag in entry["tags"] for alias in known_as],
                entry["suite"],
                [platform],
            )
