"""windows_images: every Windows image of a catalog, and the indexes that join it with others."""

load("//python_images/private/attestations:sbom.bzl", "add_tool", "image_documents")
load("//python_images/private/attestations:signing.bzl", "image_sign", "index_attestations")
load("//python_images/private/cpython:windows_layer.bzl", "windows_python_layer")
load("//python_images/private/oci:image_push.bzl", "image_push")
load("//python_images/private/oci:layer_blob.bzl", "layer_blob")
load("//python_images/private/oci:oci_image_index.bzl", "oci_image_index")
load("//python_images/private/oci:validation_test.bzl", "image_validation_test")
load("//python_images/private/oci:windows_image.bzl", "windows_image")
load("//toolchains/cc:build_sets.bzl", "TOOLS_SUITE", "build_set")
load(":names.bzl", "cpython_annotations", "image_alias", "oci_platform", "package_of")

# No distribution keeps a list of what is wrong with Windows, so there is no .cves.
_COMPANIONS = ["digest", "provenance", "push", "sbom", "sign"]

# Where this repository declares the base images.
_BASES = package_of(Label("//python_images/windows"))

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

def _names(tags, platforms, tests = []):
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
        tests = [tags[0] + ".validation"] + tests,
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

def windows_python_image(
        name,
        base,
        layer,
        version,
        archive,
        windows,
        bundled = None,
        about = {},
        testonly = False):
    """Declares one image with Python on a Windows base, and the documents about it.

    With it come `<name>.sbom`, `<name>.provenance` and `<name>.sign`.

    Args:
      name: the image's target.
      base: the base image, a windows_base.
      layer: the blob of Python's layer.
      version: the release of CPython, such as 3.14.7.
      archive: dict: `url` and `sha256` (may be empty) of python.org's archive that it is made from.
      windows: `windows` of the catalog, see tools/catalog/export.py: what all such images have.
      bundled: the libraries CPython's source bundles, a cpython_bundled.
      about: dict: what else the provenance says of how it is built.
      testonly: whether it is there for tests only.
    """
    sha256 = {"PYTHON_SHA256": archive["sha256"]} if archive["sha256"] else {}
    windows_image(
        name = name,
        annotations = cpython_annotations(version, version),
        base = base,
        cmd = windows["cmd"],
        env = windows["env"] | {"PYTHON_VERSION": version} | sha256,
        layers = [layer],
        path = windows["path"],
        shell = windows["shell"],
        system_path = windows["system_path"],
        tags = ["manual"],
        testonly = testonly,
    )
    tools = {}
    add_tool(tools, build_set(TOOLS_SUITE, "amd64", "python.json"), "tool=" + TOOLS_SUITE)
    image_documents(
        name = name,
        about = about,
        bundled = bundled,
        root = base,
        source = archive | {"version": version} if archive["sha256"] else {},
        testonly = testonly,
        title = "python",
        tools = tools,
    )
    image_sign(
        name = name + ".sign",
        image = name,
        sboms = [name + ".sbom"],
        tags = ["manual"],
        testonly = testonly,
    )

def _image(image, catalog, bases, structure_test):
    windows = catalog["windows"]
    windows_python_image(
        name = image["name"],
        about = {
            "platform": "windows-amd64",
            "suite": image["release"],
            "version": image["version"],
        },
        archive = windows["archives"][image["version"]],
        base = "{}:{}".format(bases, image["release"]),
        bundled = Label("//python_images/cpython:{}.bundled".format(image["version"])),
        layer = image["version"] + "-windows.python.blob",
        version = catalog["versions"][image["version"]]["release"],
        windows = windows,
    )
    tests = []
    if structure_test:
        tests.append(image["name"] + ".structure_test")
        structure_test(
            name = tests[0],
            image = image["name"],
            release = catalog["versions"][image["version"]],
            sha256 = windows["archives"][image["version"]]["sha256"],
            tags = ["manual"],
        )
    _names(image["tags"], ["windows/amd64"], tests)

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
    index_attestations(joint["tags"][0], linux + joint["images"], cves = linux)
    platforms = _linux_platforms(catalog, joint["linux"]) if linux else []
    _names(
        joint["tags"],
        platforms + ["windows/amd64"] * len(joint["images"]),
        [image + ".test" for image in joint["images"]] + ([joint["linux"] + ".test"] if linux else []),
    )
    if linux:
        for tag in joint["tags"][1:]:
            native.alias(
                name = tag + ".cves",
                actual = joint["tags"][0] + ".cves",
                tags = ["manual"],
            )

        # An engine on Linux loads Linux' part, and that is what runs here.
        for tag in joint["tags"]:
            for companion in ["load", "run", "shell", "tar"]:
                native.alias(
                    name = "{}.{}".format(tag, companion),
                    actual = "{}.{}".format(joint["linux"], companion),
                    tags = ["manual"],
                )

def windows_images(name, catalog, locked, linux_images = {}, bases = None, structure_test = None):
    """Declares the Windows images of a catalog in this package, and what joins them with others.

    For each image there is `<tag>` for every tag, with `.digest`, `.push`, `.sbom`, `.provenance`, `.sign`
    and `.test`, and so for the index of each release's images on Windows. Where all base images are locked, tags that stand for
    Windows and Linux are joint indexes. `windowsservercore-<release>.lock_test` checks a base
    image's lock; Bazel reports it as skipped where there is none, also by `//images:all`.

    Args:
      name: file group of all that can be built, with the locks there are.
      catalog: the catalog, see tools/catalog/export.py.
      locked: names of the Windows releases that have a lock.
      linux_images: dict: name of a Linux image -> its targets for all platforms.
      bases: package in which `windows_bases` declared the base images; default: //python_images/windows
        of this repository.
      structure_test: macro that declares the structure test of an image, given name, image, release (of
        `versions` of the catalog), sha256 (of the archive) and tags; without it, `.test` looks at
        the form alone.

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
        _image(image, catalog, bases, structure_test)
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
