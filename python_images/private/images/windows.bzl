"""windows_images: every Windows image of a catalog, and the indexes that join it with others."""

load("//python_images/private/cpython:windows_layer.bzl", "windows_python_layer")
load("//python_images/private/oci:image_push.bzl", "image_push")
load("//python_images/private/oci:layer_blob.bzl", "layer_blob")
load("//python_images/private/oci:oci_image_index.bzl", "oci_image_index")
load("//python_images/private/oci:validation_test.bzl", "image_validation_test")
load("//python_images/private/oci:windows_image.bzl", "windows_image")
load(":names.bzl", "cpython_annotations", "image_alias", "oci_platform", "package_of")

_COMPANIONS = ["digest", "push"]

# Where this repository declares the base images.
_BASES = package_of(Label("//third_party/windows"))

def joint_tags(windows, locked):
    """The tags that name images on Windows and Linux together, where Windows is locked.

    Args:
      windows: `windows` of the catalog.
      locked: names of the releases that have a lock.

    Returns:
      a dict: name of the Linux image -> its tags that belong to a joint index.
    """
    return {
        joint["linux"]: joint["tags"]
        for joint in windows["joints"]
        if joint["linux"] and _complete(windows, locked)
    }

def _complete(windows, locked):
    """Whether all base images are locked: an index of some of them would be another one tomorrow."""
    return bool(windows["releases"]) and not [
        release
        for release in windows["releases"]
        if release not in locked
    ]

def _names(tags, platforms):
    """Declares aliases and tests of all tags of the target that is named as the first of them."""
    for tag in tags[1:]:
        image_alias(
            name = tag,
            actual = tags[0],
            companions = _COMPANIONS,
            test = True,
        )
    native.filegroup(
        name = tags[0] + ".digest",
        srcs = [tags[0]],
        output_group = "digest",
        tags = ["manual"],
    )
    image_push(
        name = tags[0] + ".push",
        image = tags[0],
    )
    image_validation_test(
        name = tags[0] + ".validation",
        image = tags[0],
        platforms = platforms,
        tags = ["manual"],
    )
    native.test_suite(
        name = tags[0] + ".test",
        tags = ["manual"],
        tests = [tags[0] + ".validation"],
    )

def _layers(catalog):
    """Declares Python's layer of each release; the same for all versions of Windows."""
    for version in catalog["windows"]["archives"]:
        name = version + "-windows.python"
        windows_python_layer(
            name = name,
            archive = Label("@windows_pythons//:" + version),
            # python.org's own build, which no patch of ours is in.
            epoch = catalog["versions"][version]["release_epoch"],
            leave_out = catalog["windows"]["leave_out"],
            tags = ["manual"],
            version = version,
        )
        layer_blob(
            name = name + ".blob",
            tags = ["manual"],
            tar = name,
        )

def _image(image, catalog, bases):
    windows = catalog["windows"]
    release = catalog["versions"][image["version"]]
    archive = windows["archives"][image["version"]]
    windows_image(
        name = image["name"],
        annotations = cpython_annotations(release["release"], release["release"]),
        base = "{}:{}".format(bases, image["release"]),
        cmd = windows["cmd"],
        env = windows["env"] | {
            "PYTHON_VERSION": release["release"],
        } | ({"PYTHON_SHA256": archive["sha256"]} if archive["sha256"] else {}),
        layers = [image["version"] + "-windows.python.blob"],
        path = windows["path"],
        shell = windows["shell"],
        system_path = windows["system_path"],
        tags = ["manual"],
    )
    _names(image["tags"], ["windows/amd64"])

def _linux_platforms(catalog, name):
    """os/architecture[/variant] of all platforms of an image."""
    image = [image for image in catalog["images"] if image["name"] == name][0]
    return [oci_platform(catalog["platforms"][platform]) for platform in image["platforms"]]

def _joint(joint, catalog, linux_images):
    """Declares an index of Windows images, and of a Linux image's for all its platforms."""
    linux = linux_images.get(joint["linux"], [])
    oci_image_index(
        name = joint["tags"][0],
        images = linux + joint["images"],
        tags = ["manual"],
    )
    platforms = _linux_platforms(catalog, joint["linux"]) if linux else []
    _names(joint["tags"], platforms + ["windows/amd64"] * len(joint["images"]))
    if linux:
        # An engine on Linux loads Linux' part.
        for tag in joint["tags"]:
            for companion in ["load", "tar"]:
                native.alias(
                    name = "{}.{}".format(tag, companion),
                    actual = "{}.{}".format(joint["linux"], companion),
                    tags = ["manual"],
                )

def windows_images(name, catalog, locked, linux_images = {}, bases = None):
    """Declares the Windows images of a catalog in this package, and what joins them with others.

    For each image there is `<tag>` for every tag, with `.digest`, `.push` and `.test`, and so for the
    index of each release's images on Windows. Where all base images are locked, tags that stand for
    Windows and Linux are joint indexes. `windowsservercore-<release>.lock_test` checks a base
    image's lock; Bazel reports it as skipped where there is none, also by `//images:all`.

    Args:
      name: file group of all that can be built, with the locks there are.
      catalog: the catalog, see tools/catalog/export.py.
      locked: names of the Windows releases that have a lock.
      linux_images: dict: name of a Linux image -> its targets for all platforms.
      bases: package in which `windows_bases` declared the base images; default: //third_party/windows
        of this repository.

    Returns:
      a dict of what can be published: target -> struct of `tags` and the `label` of the version.
    """
    bases = bases or _BASES
    windows = catalog["windows"]
    for release in windows["releases"]:
        native.test_suite(
            name = "windowsservercore-{}.lock_test".format(release),
            tests = ["{}:{}_lock_test".format(bases, release)],
        )
    _layers(catalog)
    published = {}
    for image in windows["images"]:
        _image(image, catalog, bases)
        if image["release"] in locked:
            published[image["name"]] = struct(
                label = catalog["versions"][image["version"]]["label"],
                tags = image["tags"],
            )
    complete = _complete(windows, locked)
    for joint in windows["joints"]:
        # Of Windows alone it's there, and says what is missing; the others are Linux' own till then.
        if not joint["linux"] or (complete and joint["linux"] in linux_images):
            _joint(joint, catalog, linux_images)
            if complete:
                published[joint["tags"][0]] = struct(
                    label = catalog["versions"][joint["version"]]["label"],
                    tags = joint["tags"],
                )
    native.filegroup(
        name = name,
        srcs = published.keys(),
        tags = ["manual"],
    )
    return published
