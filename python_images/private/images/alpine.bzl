"""alpine_images: every image on Alpine, with its tags as aliases."""

load("//python_images/private/attestations:sbom.bzl", "IMAGE_ATTESTATIONS", "add_tool", "image_attestations", "patches_of")
load("//python_images/private/attestations:signing.bzl", "INDEX_ATTESTATIONS", "index_attestations")
load("//python_images/private/cpython:minors.bzl", "build_pythons")
load("//python_images/private/images:alpine_parts.bzl", "alpine_layer_names", "alpine_root")
load("//python_images/private/oci:annotations.bzl", "annotations_file")
load("//python_images/private/oci:image.bzl", "image", "image_index")
load("//third_party:unlocked.bzl", "unlocked")
load("//toolchains/cc:build_sets.bzl", "TOOLS_SUITE", "build_machine_tools", "build_set")
load("//toolchains/musl:toolchains.bzl", "musl_tools")
load(":names.bzl", "COMPANIONS", "cpython_annotations", "image_alias", "image_name", "index_test", "known_as", "package_of")

_IMAGE_COMPANIONS = COMPANIONS + IMAGE_ATTESTATIONS
_INDEX_COMPANIONS = COMPANIONS + INDEX_ATTESTATIONS
_REPOSITORY = "localhost/python"

# What an unlocked release doesn't fit; Bazel names it where it skips one.
_NOT_LOCKED = Label("//third_party/alpine:locked_by_tools_lock")

# Where this repository declares the layers.
_PARTS = package_of(Label("//python_images/alpine"))

def _aliases(names, actual, companions, test):
    for name in names:
        image_alias(
            name = name,
            actual = actual,
            companions = companions,
            test = test,
        )

def _unlocked(name, release, platform, companions):
    """Declares a stand-in for a target and its companion targets."""
    for suffix in [""] + ["." + companion for companion in companions + ["test"]]:
        unlocked(
            name = name + suffix,
            platform = platform,
            release = release,
            tags = ["manual"],
        )

def _lock(release, arch):
    return Label("//third_party/alpine:{}_{}.lock".format(release, arch))

def _build_tools(release, arch, platform, version):
    """What an image is built with, as attestations/sbom.bzl has it for Debian's."""
    tools = {
        Label("@alpine//{}/{}:sysroot.json".format(release, arch)): "sysroot=" + release,
        build_set(TOOLS_SUITE, "amd64", "python.json"): "tool=" + TOOLS_SUITE,
    } | musl_tools(platform)
    for label, role in build_machine_tools(build_pythons(version)).items():
        add_tool(tools, label, role)
    return tools

def _platform_image(entry, platform, arch, lock, catalog, parts, structure_test):
    """Declares the image of one platform; returns its name."""
    target = image_name(entry["name"], platform)
    version = catalog["versions"][entry["version"]]
    about = catalog["platforms"][platform]
    annotations_file(
        name = target + ".annotations",
        annotations = cpython_annotations(version["release"], version["revised"]),
        tags = ["manual"],
        visibility = ["//visibility:private"],
    )
    image(
        name = target,
        annotations = target + ".annotations",
        architecture = about["architecture"],
        cmd = ["python3"],
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
    image_attestations(
        name = target,
        about = {
            "platform": platform,
            "release": entry["release"],
            "snapshot": lock.time,
            "version": entry["version"],
        },
        bundled = Label("//python_images/cpython:{}.bundled".format(entry["version"])),
        lock = _lock(entry["release"], arch),
        patches = patches_of(version),
        root = "{}:{}".format(parts, alpine_root(entry["version"], entry["release"], platform)),
        source = {
            "sha256": version["sha256"],
            "url": version["url"],
            # As CPython's headers have it, without the t of a free-threaded build.
            "version": version["release"],
        },
        title = "python",
        tools = _build_tools(entry["release"], arch, platform, version),
    )
    structure_test(
        name = target + ".test",
        image = target,
        platform = platform,
        release = entry["release"],
        tags = ["manual"],
        version = entry["version"],
    )
    return target

def alpine_images(name, catalog, locks, structure_test, parts = None):
    """Declares the images on Alpine of a catalog in this package.

    As for Debian there is `<tag>`, the index, and `<tag>_<platform>`, one image, for every tag, with
    `.digest`, `.load`, `.push`, `.tar`, `.run`, `.shell`, `.sbom`, `.provenance`, `.cves` and `.test`, and
    `.sign` for the index. What isn't locked fails when it is analysed, with the command that locks it;
    `<release>.lock` represents a release's locks: Bazel reports it as skipped while some are missing.

    Args:
      name: file group of all indexes that can be built.
      catalog: the catalog, see tools/catalog/export.py.
      locks: LOCKS of @alpine//:sets.bzl.
      structure_test: macro that declares the test of an image, given name, image, version, release,
        platform and tags.
      parts: package in which `alpine_parts` declared the layers; default: //python_images/alpine of
        this repository.
    """
    parts = parts or _PARTS
    releases = catalog["alpine"]["releases"]
    for release, facts in releases.items():
        complete = not [
            arch
            for arch in facts["platforms"].values()
            if arch not in locks.get(release, {})
        ]
        native.filegroup(
            name = release + ".lock",
            srcs = [_lock(release, arch) for arch in facts["platforms"].values()] if complete else [],
            tags = ["alpine_lock"],
            target_compatible_with = [] if complete else [_NOT_LOCKED],
        )
    indexes = []
    for entry in catalog["alpine"]["images"]:
        release = entry["release"]
        images = {}
        missing = []
        for platform, arch in releases[release]["platforms"].items():
            target = image_name(entry["name"], platform)
            lock = locks.get(release, {}).get(arch)
            if lock:
                images[platform] = _platform_image(
                    entry,
                    platform,
                    arch,
                    lock,
                    catalog,
                    parts,
                    structure_test,
                )
            else:
                _unlocked(target, release, platform, _IMAGE_COMPANIONS)
                missing.append(platform)
            _aliases(
                [
                    image_name(tag, name)
                    for tag in entry["tags"]
                    for name in known_as(platform, catalog["platforms"][platform])
                    if image_name(tag, name) != target
                ],
                target,
                _IMAGE_COMPANIONS,
                test = bool(lock),
            )
        if missing:
            # An index of some of the platforms would be another one tomorrow.
            _unlocked(entry["name"], release, ", ".join(missing), _INDEX_COMPANIONS)
        else:
            if not entry["archived"]:
                indexes.append(entry["name"])
            image_index(
                name = entry["name"],
                images = images.values(),
                repo_tags = ["{}:{}".format(_REPOSITORY, tag) for tag in entry["tags"]],
                runs = images.get("amd64"),
                tags = ["manual"],
            )
            index_attestations(entry["name"], images.values())
            index_test(entry["name"], images, catalog)
        _aliases(entry["tags"][1:], entry["name"], _INDEX_COMPANIONS, test = not missing)
    native.filegroup(
        name = name,
        srcs = indexes,
        tags = ["manual"],
    )
