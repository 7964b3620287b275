"""Images and their companion targets. The only file that loads rules_oci.

Images and indexes are written by our own rules, so that a digest doesn't depend on which rules_oci
a build has: the real one from the Bazel Central Registry, or the stand-in in third_party/rules_oci of a
closed network. rules_oci loads and pushes them; nothing here may need more than the real one documents.
"""

load("@bazel_skylib//rules:write_file.bzl", "write_file")
load("@rules_oci//oci:defs.bzl", "oci_load", "oci_push")
load("//toolchains/emulator:emulator.bzl", "emulator_for")
load(":archive.bzl", "image_archive")
load(":image_run.bzl", "image_run")
load(":layouts.bzl", "image_layout", "index_layout")
load(":platforms.bzl", "check_platforms", "platform_of")

_ANNOTATION = "org.opencontainers.image."

# buildifier: disable=attr-licenses
def image_annotations(
        title,
        version,
        created = None,
        source = None,
        revision = None,
        license_expression = None,
        base_name = None,
        base_digest = None,
        **others):
    """Returns the OCI annotations of an image, to be given to manifest and index alike.

    Args:
      title: the image's name for people.
      version: the version of the software packaged.
      created: time of creation, YYYY-MM-DDTHH:MM:SSZ; default: the `created` of the image that is
        annotated, and of an index that of its newest image.
      source: URL of the source the image is built from.
      revision: revision of that source.
      license_expression: SPDX licence expression of what the image contains.
      base_name: reference of the image this one equals or extends, host included.
      base_digest: digest of that base image.
      **others: further keys of org.opencontainers.image, a "." written as "_".

    Returns:
      a dict without keys that are None or empty, except `created`: if empty, it is what `image` and
      `image_index` fill in.
    """
    values = {
        "base.digest": base_digest,
        "base.name": base_name,
        "licenses": license_expression,
        "revision": revision,
        "source": source,
        "title": title,
        "version": version,
    } | {key.replace("_", "."): value for key, value in others.items()}
    found = {key: value for key, value in values.items() if value} | {"created": created or ""}
    return {_ANNOTATION + key: found[key] for key in sorted(found)}

def _companions(name, repo_tags, repository, remote_tags, load_format, common, emulator = None, runs = None):
    """Declares <name>.load, <name>.tar, <name>.push, <name>.run and <name>.shell."""
    oci_load(
        name = name + ".load",
        format = load_format,
        image = name,
        repo_tags = repo_tags,
        **common
    )
    image_archive(
        name = name + ".tar",
        format = load_format,
        image = name,
        repo_tags = repo_tags,
        **common
    )
    oci_push(
        name = name + ".push",
        image = name,
        remote_tags = remote_tags or None,
        repository = repository,
        **common
    )
    for suffix in ["run", "shell"]:
        if runs:
            native.alias(
                name = "{}.{}".format(name, suffix),
                actual = "{}.{}".format(runs, suffix),
                **common
            )
        else:
            image_run(
                name = "{}.{}".format(name, suffix),
                emulator = emulator,
                image = name,
                shell = suffix == "shell",
                **common
            )

def image_alone(name, layers, common, created = None, base = None, os = None, annotations = {}, env = {}, labels = {}, **config):
    """Declares `<name>` and `<name>.digest`, without the other companion targets.

    Args:
      name: the image's target.
      layers: as for image, like the following.
      common: dict of attributes that every rule has.
      created: time of creation.
      base: an image to lie on.
      os: the platform's operating system.
      annotations: dict of the manifest's annotations.
      env: dict of environment variables.
      labels: dict of the config's labels.
      **config: further attributes of image_layout, such as cmd.
    """
    if created:
        write_file(
            name = name + ".created",
            out = name + ".created.txt",
            content = [created],
            **(common | {"tags": ["manual"]})
        )
    image_layout(
        name = name,
        annotations = annotations or None,
        base = base,
        created = name + ".created" if created else None,
        env = env or None,
        labels = labels or None,
        newest = not created,
        os = os if base else os or "linux",
        tars = layers,
        **(common | config)
    )

def image(
        name,
        layers,
        repo_tags,
        architecture = None,
        base = None,
        created = None,
        os = None,
        variant = None,
        platform = None,
        env = {},
        labels = {},
        annotations = {},
        cmd = None,
        entrypoint = None,
        user = None,
        workdir = None,
        repository = None,
        remote_tags = [],
        validations = [],
        **common):
    """One image of one platform, with its companion targets.

    Declares <name> (an OCI layout directory), <name>.digest (a file with the image's digest),
    <name>.load (run: loads it into docker, podman, nerdctl or containerd), <name>.tar (that archive), <name>.push
    (run: pushes it; `-- --repository HOST/PATH --tag TAG`), <name>.run (run: runs its command, or another) and
    <name>.shell (run: opens a shell in it).

    Args:
      name: the image's target.
      layers: layer_blob targets, lowest first.
      repo_tags: repository:tag names the image gets when it is loaded.
      architecture: the platform's CPU, as Go names it; not with `base`, which has one.
      base: the image to build on, which gives the settings that are left out here.
      created: time of creation, YYYY-MM-DDTHH:MM:SSZ; a constant, never the clock. Default: that of
        the newest file in the layers.
      os: the platform's operating system, as Go names it; default without `base`: linux.
      variant: the CPU's variant (v8 ...), where it has one.
      platform: the platform by its name in catalog/platforms.yaml, by which .run and .shell have an
        emulator where they need one; without `base` it need not be said.
      env: dict of environment variables, in the order they are to be listed.
      labels: dict of the config's labels.
      annotations: dict of the manifest's annotations, see image_annotations.
      cmd: list: the container's default command.
      entrypoint: list: the container's program.
      user: the user it runs as.
      workdir: its working directory.
      repository: HOST/PATH .push pushes to, unless told another.
      remote_tags: tags .push sets.
      validations: files that are built with the image; building them fails if the image is wrong.
      **common: tags, visibility and other attributes every rule has.
    """
    if platform:
        check_platforms("//{}:{}: image".format(native.package_name(), name), {}, platform)
    elif not base:
        platform = platform_of(os or "linux", architecture, variant)
    image_alone(
        name = name,
        annotations = annotations,
        architecture = architecture,
        base = base,
        cmd = cmd,
        common = common,
        created = created,
        entrypoint = entrypoint,
        env = env,
        labels = labels,
        layers = layers,
        os = os,
        user = user,
        validations = validations,
        variant = variant,
        workdir = workdir,
    )
    _companions(name, repo_tags, repository, remote_tags, "docker", common, emulator = emulator_for(platform) if platform else None)

def image_index(
        name,
        images,
        repo_tags,
        annotations = {},
        repository = None,
        remote_tags = [],
        runs = None,
        **common):
    """An index of one image for several platforms, with its companion targets.

    Declares <name> (an OCI layout directory), <name>.digest, <name>.load, <name>.tar, <name>.push,
    <name>.run and <name>.shell, as `image` does; the last two run the image for this machine. .load and .tar are in OCI form, which docker takes with its containerd image store
    only.

    Args:
      name: the index's target.
      images: `image` targets, one per platform.
      repo_tags: repository:tag names it gets when it is loaded.
      annotations: dict of the index's annotations, see image_annotations.
      repository: HOST/PATH .push pushes to, unless told another.
      remote_tags: tags .push sets.
      runs: one of `images` whose .run and .shell are the index's, that for this machine, so that these build
        no other. Without it, they build the index, and choose from it.
      **common: tags, visibility and other attributes every rule has.
    """
    index_layout(
        name = name,
        annotations = annotations or None,
        images = images,
        **common
    )
    _companions(name, repo_tags, repository, remote_tags, "oci", common, runs = runs)
