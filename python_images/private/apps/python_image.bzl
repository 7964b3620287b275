"""python_image: your own image on one of Python, with its companion targets. A macro."""

load("@catalog//:catalog.bzl", "CATALOG")
load("//python_images/private/attestations:sbom.bzl", "image_attestations")
load("//python_images/private/attestations:signing.bzl", "index_attestations")
load("//python_images/private/images:names.bzl", "index_test", "oci_platform")
load("//python_images/private/oci:image.bzl", "image", "image_index")
load("//python_images/private/oci:layer_blob.bzl", "image_layer", "layer_blob")
load("//python_images/private/oci:structure_test.bzl", "image_structure_test")
load("//python_images/private/oci:validation_test.bzl", "image_validation_test")
load("//python_images/private/roots:settings.bzl", "settings_layer")
load(":bases.bzl", "base_images")
load(":packages.bzl", "packages_layer", "root_of")
load(":parts.bzl", "layer_without", "user_check")

def _compressed(prefix, layers, common):
    """Declares the layers as images take them; returns their names."""
    names = []
    for number, layer in enumerate(layers):
        names.append("{}.layer{}".format(prefix, number))
        image_layer(
            name = names[-1],
            tar = layer,
            **common
        )
    return names

def _settings(name, root, settings, common):
    """Declares the layer of files, certificates and users; returns its name."""
    layer = name + ".settings"
    settings_layer(
        name = layer,
        below = root,
        **(common | settings)
    )
    layer_blob(
        name = layer + ".blob",
        tar = layer,
        **common
    )
    return layer + ".blob"

def _without(name, root, what, common):
    """Declares the layer that takes something away; returns the name of its blob."""
    layer = "{}.without_{}".format(name, what)
    layer_without(
        name = layer,
        below = root,
        what = what,
        **common
    )
    layer_blob(
        name = layer + ".blob",
        tar = layer,
        **common
    )
    return layer + ".blob"

def _tests(name, platform, tests, kwargs):
    """Declares `<name>.test`: that the image is valid, and what the YAML says."""
    about = oci_platform(CATALOG["platforms"][platform])
    found = [name + ".validation"]
    image_validation_test(
        name = found[0],
        image = name,
        platforms = [about],
        tags = ["manual"],
        testonly = kwargs.get("testonly"),
    )
    if tests:
        found.append(name + ".structure_test")
        image_structure_test(
            name = found[1],
            configs = tests,
            image = name,
            oci_platform = about,
            platform = platform,
            tags = list(kwargs.get("tags") or []),
            testonly = kwargs.get("testonly"),
        )
    native.test_suite(
        name = name + ".test",
        tags = ["manual"],
        tests = found,
        visibility = kwargs.get("visibility"),
    )

def python_image(
        name,
        base,
        platforms = None,
        layers = [],
        layers_by_platform = {},
        packages = None,
        pip = True,
        files = {},
        programs = {},
        ca_certificates = [],
        users = {},
        user = None,
        env = {},
        workdir = None,
        entrypoint = None,
        cmd = None,
        repo_tags = None,
        annotations = {},
        labels = {},
        tests = [],
        **kwargs):
    """Declares your own image on a Python image, for some platforms, with its companion targets.

    `<name>` is the index and `<name>_<platform>` an image. Each has `.load`, `.push`, `.tar`,
    `.run`, `.shell`, `.digest`, `.test`, `.sbom`, `.provenance`, `.cves` and `.sign`. The base's layers
    stay unchanged, so a registry that has the base only needs the added layers.

    Args:
      name: name of the index.
      base: a tag of this project, such as 3.13-slim; or a label to which `_<platform>` is added, such
        as //images:3.13-bookworm of a family of your own, or another python_image.
      platforms: list of platforms: amd64, arm64 ... Default: amd64 and arm64.
      layers: layers for all platforms, lowest first: layer_blob targets, or tars, such as a wheel_layer,
        which are compressed.
      layers_by_platform: dict: platform -> list of further layers, on top of those.
      packages: repository of Debian packages that debian.packages declares: "@acme_debs". They lie
        directly on the base.
      pip: whether to leave pip in; without it, ensurepip's copy is gone, too, and venv needs
        --without-pip.
      files: dict: file -> absolute path in the image; its mode is 644.
      programs: dict: file -> absolute path in the image; its mode is 755.
      ca_certificates: files with one certificate in PEM each, authorities to trust.
      users: dict: name -> number of users that can't log in; each has a group and a home.
      user: the user the container runs as: a name, or a number with or without `:` and a group.
      env: dict of environment variables that are added; $KEY in a value is the base's value of KEY.
      workdir: the working directory.
      entrypoint: list: the container's program; the base's `cmd` is not in force then.
      cmd: list: the default command, or the arguments of entrypoint.
      repo_tags: names that `.load` gives the image. Default: localhost/<name>:latest.
      annotations: dict of annotations, added to the base's; see image_annotations.
      labels: dict of labels of the config, added to the base's.
      tests: files of container-structure-test that each platform's image has to pass.
      **kwargs: tags, visibility and testonly.
    """
    where = "//{}:{}: python_image".format(native.package_name(), name)
    found = base_images(where, base, platforms)
    for platform in layers_by_platform:
        if platform not in found.images:
            fail("{}: layers_by_platform has {}, which isn't among platforms = {}".format(
                where,
                repr(platform),
                repr(found.images.keys()),
            ))
    repo_tags = repo_tags or ["localhost/{}:latest".format(name)]
    internal = {"tags": ["manual"], "testonly": kwargs.get("testonly")}
    public = {"testonly": kwargs.get("testonly"), "visibility": kwargs.get("visibility")}
    settings = {
        "certificates": ca_certificates,
        "files": files,
        "programs": programs,
        "users": users,
    }
    shared = _compressed(name, layers, internal)
    images = {}
    for platform, below in found.images.items():
        target = "{}_{}".format(name, platform)
        images[platform] = target
        own = []
        root = root_of(target, below, internal)
        documents = {}
        if packages:
            root = packages_layer(target, root, CATALOG["platforms"][platform]["debian"], packages, internal)
            own.append(root + ".blob")
            documents["root"] = root
        if not pip:
            own.append(_without(target, root, "pip", internal))
        configured = None
        if any(settings.values()):
            configured = _settings(target, root, settings, internal)
            own.append(configured)
        added = shared + _compressed(target, layers_by_platform.get(platform, []), internal)
        validations = []
        if user:
            validations.append(target + ".user_check")
            user_check(
                name = validations[0],
                below = root,
                layers = added,
                paths = (files | programs).values(),
                settings = configured,
                user = user,
                **internal
            )
        image(
            name = target,
            annotations = annotations,
            base = below,
            cmd = cmd,
            entrypoint = entrypoint,
            env = env,
            labels = labels,
            layers = own + added,
            platform = platform,
            repo_tags = repo_tags,
            user = user,
            validations = validations,
            workdir = workdir,
            **kwargs
        )
        image_attestations(
            name = target,
            base = below + ".sbom",
            title = name,
            **(public | documents)
        )
        _tests(target, platform, tests, kwargs)
    image_index(
        name = name,
        annotations = annotations,
        images = images.values(),
        repo_tags = repo_tags,
        runs = images.get("amd64"),
        **kwargs
    )
    index_attestations(name, images.values(), **public)
    index_test(name, images, CATALOG)
