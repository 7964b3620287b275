"""alpine_images: every image on Alpine, with its tags as aliases."""

load(":alpine_parts.bzl", "alpine_layer_names")
load(":oci.bzl", "image", "image_annotations", "image_index")
load(":oci_test.bzl", "image_validation_test")
load(":unlocked.bzl", "unlocked")

_COMPANIONS = ["digest", "load", "push", "tar"]
_REPOSITORY = "localhost/python"

# What an unlocked release doesn't fit; Bazel names it where it skips one.
_NOT_LOCKED = "//third_party/alpine:locked_by_tools_lock"

def _aliases(names, actual):
    for name in names:
        for suffix in [""] + ["." + companion for companion in _COMPANIONS]:
            native.alias(
                name = name + suffix,
                actual = actual + suffix,
                tags = ["manual"],
            )

def _unlocked(name, release, platform):
    """Stands for a target and what hangs off it."""
    for suffix in [""] + ["." + companion for companion in _COMPANIONS]:
        unlocked(
            name = name + suffix,
            platform = platform,
            release = release,
            tags = ["manual"],
        )

def _oci_platform(platform):
    return "/".join([
        part
        for part in [platform["os"], platform["architecture"], platform["variant"]]
        if part
    ])

def _platform_image(entry, platform, catalog, parts):
    """Declares the image of one platform; returns its name."""
    target = "{}_{}".format(entry["name"], platform)
    version = catalog["versions"][entry["version"]]
    about = catalog["platforms"][platform]
    created = version["released"] + "T00:00:00Z"
    image(
        name = target,
        annotations = image_annotations(
            base_name = entry["release"].replace("alpine", "alpine:"),
            created = created,
            license_expression = "PSF-2.0",
            revision = "v" + version["release"],
            source = version["url"],
            title = "python",
            version = version["release"],
        ),
        architecture = about["architecture"],
        cmd = ["python3"],
        created = created,
        env = version["env"],
        layers = [
            "{}:{}.blob".format(parts, layer)
            for layer in alpine_layer_names(entry["version"], entry["release"], platform)
        ],
        os = about["os"],
        repo_tags = ["{}:{}".format(_REPOSITORY, tag) for tag in entry["tags"]],
        tags = ["manual"],
        variant = about["variant"] or None,
    )
    image_validation_test(
        name = target + ".test",
        image = target,
        platforms = [_oci_platform(about)],
        tags = ["manual"],
    )
    return target

def alpine_images(name, catalog, locks, parts = "//python_images/alpine"):
    """Declares the images on Alpine of a catalog in this package.

    As for Debian there is `<tag>`, the index, and `<tag>_<platform>`, one image, for every tag, with
    `.digest`, `.load`, `.push` and `.tar`. What isn't locked fails when it is analysed, with the
    command that locks it; `<release>.lock` stands for the locks of a release, which Bazel says to have
    skipped where some are missing.

    Args:
      name: file group of all indexes that can be built.
      catalog: the catalog, see tools/catalog/export.py.
      locks: LOCKS of @alpine//:sets.bzl.
      parts: package in which `alpine_parts` declared the layers.
    """
    releases = catalog["alpine"]["releases"]
    for release, facts in releases.items():
        complete = not [
            arch
            for arch in facts["platforms"].values()
            if arch not in locks.get(release, {})
        ]
        native.filegroup(
            name = release + ".lock",
            srcs = ["//third_party/alpine:{}_{}.lock".format(release, arch) for arch in facts["platforms"].values()] if complete else [],
            tags = ["alpine_lock"],
            target_compatible_with = [] if complete else [_NOT_LOCKED],
        )
    indexes = []
    for entry in catalog["alpine"]["images"]:
        release = entry["release"]
        images = []
        missing = []
        for platform, arch in releases[release]["platforms"].items():
            target = "{}_{}".format(entry["name"], platform)
            if arch in locks.get(release, {}):
                images.append(_platform_image(entry, platform, catalog, parts))
            else:
                _unlocked(target, release, platform)
                missing.append(platform)
            names = [platform] + [
                alias
                for alias in catalog["platforms"][platform]["aliases"]
                if alias != platform
            ]
            _aliases(
                [
                    "{}_{}".format(tag, known_as)
                    for tag in entry["tags"]
                    for known_as in names
                    if "{}_{}".format(tag, known_as) != target
                ],
                target,
            )
        if missing:
            # An index of some of the platforms would be another one tomorrow.
            _unlocked(entry["name"], release, ", ".join(missing))
        else:
            indexes.append(entry["name"])
            image_index(
                name = entry["name"],
                images = images,
                repo_tags = ["{}:{}".format(_REPOSITORY, tag) for tag in entry["tags"]],
                tags = ["manual"],
            )
        _aliases(entry["tags"][1:], entry["name"])
    native.filegroup(
        name = name,
        srcs = indexes,
        tags = ["manual"],
    )
