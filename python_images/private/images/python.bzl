"""python_images: every image of a catalog, with its tags as aliases. A macro: data to targets."""

load("@debian//:sets.bzl", "SNAPSHOTS")
load("@prebuilt_cpythons//:prebuilt.bzl", "PREBUILT")
load("//python_images/private/apps:packages.bzl", "packages_layer", "root_of")
load("//python_images/private/attestations:sbom.bzl", "IMAGE_ATTESTATIONS", "build_tools", "image_attestations", "image_documents", "lock_file", "patches_of")
load("//python_images/private/attestations:signing.bzl", "INDEX_ATTESTATIONS", "images_sign", "index_attestations")
load("//python_images/private/cpython:cpythons.bzl", "layer_names")
load("//python_images/private/cpython:minors.bzl", "build_pythons", "jit_clang")
load("//python_images/private/cpython:names.bzl", "cpython_name")
load("//python_images/private/oci:annotations.bzl", "annotations_file")
load("//python_images/private/oci:image.bzl", "image", "image_alone", "image_index")
load("//python_images/private/oci:image_size.bzl", "image_size")
load("//python_images/private/oci:publish.bzl", "publish")
load("//python_images/private/roots/debian:roots.bzl", "layer_name", "user_layer_name")
load(":debian.bzl", "base_image")
load(":names.bzl", "COMPANIONS", "cpython_annotations", "image_alias", "image_name", "index_test", "known_as", "package_of")
load(":windows.bzl", "joint_tags", "windows_images")

# What docker-library calls its variants.
_OFFICIAL = ["{suite}", "slim-{suite}"]

_MANUAL = {"tags": ["manual"]}

# Where this repository declares its CPythons.
_CPYTHONS = package_of(Label("//python_images/cpython"))

def _cpython(entry, platform, cpythons):
    """The CPython of an image; its layers are companion targets of it."""
    return "{}:{}_{}_{}".format(cpythons, entry["version"], entry["suite"], platform)

def _layers(entry, variant, platform, cpythons):
    """The layer blobs of an image, lowest first, in docker-library's order; its own come last."""

    def blob(layer):
        return Label("//python_images/rootfs:{}.blob".format(layer))

    def package_blobs(sets):
        return [blob(layer_name(entry["suite"], platform, variant, set)) for set in sets]

    return package_blobs(variant["layers"]) + [
        "{}.{}.blob".format(_cpython(entry, platform, cpythons), layer)
        for layer in layer_names(variant)
    ] + package_blobs(variant["above"]) + (
        [blob(user_layer_name(entry["suite"], platform, variant))] if variant["user"] else []
    )

def _env(release, variant):
    """The environment: docker-library's, with a variant's own folders at the end of PATH."""
    if not variant["path"]:
        return release["env"]
    return release["env"] | {"PATH": ":".join([release["env"]["PATH"]] + variant["path"])}

def _annotations(name, entry, platform, release, variant, about):
    """Declares an image's annotations; a distroless one lies on no other image."""
    base = {}
    if variant["root"] != "distroless":
        index = base_image(entry["suite"], variant["root"], about["debian"])
        base = {
            "base": index.rpartition("/")[2],
            "base_digest": image_name(index, platform) + ".digest",
        }
    annotations_file(
        name = name,
        annotations = cpython_annotations(release["release"], release["revised"]),
        tags = ["manual"],
        visibility = ["//visibility:private"],
        **base
    )

def _upon(target, base, packages, platform, arch, repo_tags):
    """Declares an image of Debian packages on another one, as python_image does."""
    common = _MANUAL | {"visibility": ["//visibility:private"]}
    layer = packages_layer(target, root_of(target, base, common), arch, packages, common)
    image(
        name = target,
        base = base,
        layers = [layer + ".blob"],
        platform = platform,
        repo_tags = repo_tags,
        **_MANUAL
    )
    image_attestations(
        name = target,
        base = base + ".sbom",
        root = layer,
        title = "python",
    )

def _platform_image(entry, platform, catalog, structure_test, cpythons, repository, cmd, sample):
    """Declares one image of one platform; returns its name."""
    target = image_name(entry["name"], platform)
    release = catalog["versions"][entry["version"]]
    variant = catalog["variants"][entry["variant"]]
    about = catalog["platforms"][platform]
    prebuilt = PREBUILT.get(cpython_name(entry["version"], entry["suite"], platform))
    _annotations(target + ".annotations", entry, platform, release, variant, about)
    repo_tags = ["{}:{}".format(repository, tag) for tag in entry["tags"]]
    packages = variant["packages"].get(entry["suite"])

    # What packages of another workspace lie upon is an image of its own.
    first = target + ".base" if packages else target
    config = dict(
        annotations = target + ".annotations",
        architecture = about["architecture"],
        cmd = cmd,
        env = _env(release, variant),
        layers = _layers(entry, variant, platform, cpythons),
        os = about["os"],
        user = str(variant["user"]["id"]) if variant["user"] else None,
        variant = about["variant"] or None,
        workdir = variant["user"]["home"] if variant["user"] else None,
    )
    documents = dict(
        about = {
            "platform": platform,
            "snapshot": SNAPSHOTS["{}/{}".format(entry["suite"], about["debian"])],
            "suite": entry["suite"],
            "variant": entry["variant"],
            "version": entry["version"],
        } | ({"prebuilt": prebuilt["reference"]} if prebuilt else {}),
        bundled = Label("//python_images/cpython:{}.bundled".format(entry["version"])),
        packages = [
            Label("@debian//{}/{}:{}.json".format(entry["suite"], about["debian"], set))
            for set in variant["above"]
        ],
        patches = patches_of(release),
        # The uppermost layer of packages: the libraries CPython needs.
        root = "{}.{}".format(_cpython(entry, platform, cpythons), layer_names(variant)[0]),
        source = {
            "sha256": release["sha256"],
            "url": release["url"],
            # As CPython's headers have it, without the t of a free-threaded build.
            "version": release["release"],
        },
        title = "python",
        tools = build_tools(
            entry["suite"],
            platform,
            about["debian"],
            build_pythons = None if prebuilt else build_pythons(release, lean = variant["root"] == "distroless"),
            clang = jit_clang(release, about),
            debugging = not variant["strip"],
            rendered = variant["root"] == "debian",
        ),
    )
    lock = lock_file(entry["suite"], about["debian"])
    if packages:
        private = {"visibility": ["//visibility:private"]}
        image_alone(name = first, common = _MANUAL | private, **config)
        image_documents(name = first, **(documents | private))
        _upon(target, first, packages, platform, about["debian"], repo_tags)
    else:
        image(name = target, repo_tags = repo_tags, **(config | _MANUAL))
        image_attestations(name = target, lock = lock, **documents)
    image_size(
        name = target + ".size",
        image = target,
        tags = ["manual"],
    )
    structure_test(
        name = target + ".test",
        image = target,
        platform = platform,
        suite = entry["suite"],
        # Tests outside of the sample are //tests:matrix's.
        tags = [] if sample else ["manual"],
        variant = entry["variant"],
        version = entry["version"],
    )
    return target

def _image_aliases(target, tags, platform, about, few):
    """Declares an image under all its tags, and under all names of its platform.

    With `few`, companion targets have the platform's first name only: as many targets for each variant as
    docker-library's variants have would take the time of all of them to load.
    """
    for tag in tags:
        for name in known_as(platform, about):
            other = image_name(tag, name)
            if other == target:
                continue
            if few and name != platform:
                native.alias(
                    name = other,
                    actual = target,
                    tags = ["manual"],
                )
            else:
                image_alias(
                    name = other,
                    actual = target,
                    companions = COMPANIONS,
                    test = True,
                )

def python_images(
        name,
        catalog,
        structure_test,
        cpythons = None,
        windows_locked = [],
        windows_structure_test = None,
        repository = "localhost/python",
        cmd = ["python3"]):
    """Declares the images of a catalog in this package.

    For each image there is `<tag>`, the index of all its platforms, and `<tag>_<platform>`, one
    image, for every tag and every name of the platform. Each has the companion targets `.digest`,
    `.load`, `.push`, `.tar` and `.test`; an index's `.test` runs those of all its images. `publish`
    pushes all indexes with all their tags, `sign` signs them and the documents about them, and
    `publish_<label>` and `sign_<label>` do so for one version, such as 3.13. docs/targets.md
    describes each.

    Images that are archived, and platforms apart from an index, have the same targets, all manual; no
    file group, `publish` or `sign` has them.

    Args:
      name: file group of all indexes that are published. `<name>_sample` is one of the images whose tests
        `bazel test //...` runs.
      catalog: the catalog, see tools/catalog/export.py.
      structure_test: macro that declares the test of an image, given name, image, version, suite,
        variant, platform and tags.
      cpythons: package in which `cpythons` declared the CPythons of that catalog; default:
        //python_images/cpython of this repository.
      windows_locked: the Windows base images that are locked, see `windows_images`. With all of
        them, tags that stand for Linux and Windows name both.
      windows_structure_test: macro that declares the structure test of an image on Windows, as
        windows_images takes it.
      repository: where `.load` puts images; one that no registry answers for.
      cmd: the default command of images on Linux.
    """
    cpythons = cpythons or _CPYTHONS
    joint = joint_tags(catalog["windows"], windows_locked)
    linux_images = {}
    indexes = {}
    by_label = {}
    sample = []
    for entry in catalog["images"]:
        images = {
            platform: _platform_image(
                entry,
                platform,
                catalog,
                structure_test,
                cpythons,
                repository,
                cmd,
                platform in entry["sample"],
            )
            for platform in entry["platforms"] + entry["apart"]
        }
        for platform, target in images.items():
            if platform in entry["sample"]:
                sample.append(target)
            _image_aliases(
                target,
                entry["tags"],
                platform,
                catalog["platforms"][platform],
                few = catalog["variants"][entry["variant"]]["tag"] not in _OFFICIAL,
            )
            for tag in entry["tags"]:
                if tag != entry["name"]:
                    # Under its tags, but not under each alias of its platform.
                    for companion in IMAGE_ATTESTATIONS + ["size"]:
                        native.alias(
                            name = "{}_{}.{}".format(tag, platform, companion),
                            actual = "{}.{}".format(target, companion),
                            tags = ["manual"],
                        )

        published = {platform: images[platform] for platform in entry["platforms"]}
        index_tags = [tag for tag in entry["tags"] if tag not in joint.get(entry["name"], [])]
        image_index(
            name = entry["name"],
            images = published.values(),
            repo_tags = ["{}:{}".format(repository, tag) for tag in index_tags],
            runs = published.get("amd64"),
            tags = ["manual"],
        )
        index_attestations(entry["name"], published.values())
        for tag in index_tags:
            if tag != entry["name"]:
                image_alias(
                    name = tag,
                    actual = entry["name"],
                    companions = COMPANIONS + INDEX_ATTESTATIONS,
                    test = True,
                )
        index_test(entry["name"], published, catalog)
        if entry["archived"]:
            continue
        linux_images[entry["name"]] = published.values()
        indexes[entry["name"]] = index_tags
        by_label.setdefault(catalog["versions"][entry["version"]]["label"], []).append(entry["name"])

    on_windows = windows_images(
        name = name + "_windows",
        catalog = catalog,
        linux_images = linux_images,
        locked = windows_locked,
        structure_test = windows_structure_test,
    )
    for image, facts in on_windows.items():
        indexes[image] = facts.tags
        by_label[facts.label].append(image)

    native.filegroup(
        name = name,
        srcs = indexes.keys(),
        tags = ["manual"],
    )
    native.filegroup(
        name = name + "_sample",
        srcs = sample,
        tags = ["manual"],
    )
    publish(
        name = "publish",
        images = indexes,
        tags = ["manual"],
    )
    for label, chosen in by_label.items():
        publish(
            name = "publish_" + label,
            images = {image: indexes[image] for image in chosen},
            tags = ["manual"],
        )
        images_sign(
            name = "sign_" + label,
            images = {image + ".sign": indexes[image] for image in chosen},
            tags = ["manual"],
        )
    images_sign(
        name = "sign",
        images = {image + ".sign": tags for image, tags in indexes.items()},
        tags = ["manual"],
    )
