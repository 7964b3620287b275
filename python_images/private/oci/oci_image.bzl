"""oci_image: one image of layers and settings, as an OCI layout."""

load(":image_run.bzl", "RUN_ATTRS", "RunnableImageInfo", "image_program")
load(":layers.bzl", "image_layers")
load(":outline.bzl", "outline_of")
load(":platforms.bzl", "what_is_wrong_with_oci_platform")

_TAR_EXTENSIONS = [
    ".tar",
    ".tar.gz",
    ".tar.zst",
    ".tgz",
    ".tzst",
]

# Attributes whose file goes to the assembler under the same name.
_SETTINGS = [
    "annotations",
    "cmd",
    "created",
    "entrypoint",
    "env",
    "exposed_ports",
    "labels",
    "volumes",
]

# Likewise, with a string.
_STRINGS = [
    "architecture",
    "os",
    "user",
    "variant",
    "workdir",
]

def _layer_facts(ctx, target, tar, number):
    """Returns the file with digest, size, diff ID and newest time of a layer."""
    if OutputGroupInfo in target and hasattr(target[OutputGroupInfo], "oci_descriptor"):
        facts = target[OutputGroupInfo].oci_descriptor.to_list()
        if len(facts) == 1:
            return facts[0]
    facts = ctx.actions.declare_file("%s.%d.descriptor.json" % (ctx.label.name, number))
    ctx.actions.run(
        executable = ctx.executable._assemble,
        arguments = [ctx.actions.args().add("layer").add("--input", tar).add("--output", facts)],
        inputs = [tar],
        outputs = [facts],
        mnemonic = "OCIDescriptor",
        progress_message = "Reading layer %{input} of image %{label}",
    )
    return facts

def _oci_image_impl(ctx):
    if not ctx.attr.base and not (ctx.attr.os and ctx.attr.architecture):
        fail("'os' and 'architecture' are needed where there is no 'base'")
    if ctx.attr.base and (ctx.attr.os or ctx.attr.architecture or ctx.attr.variant):
        fail("'os', 'architecture' and 'variant' are the base image's and can't be set with 'base'")
    if not ctx.attr.base:
        parts = [part for part in [ctx.attr.os, ctx.attr.architecture, ctx.attr.variant] if part]
        problem = what_is_wrong_with_oci_platform("/".join(parts))
        if problem:
            fail("'os', 'architecture' and 'variant': " + problem)

    layout = ctx.actions.declare_directory(ctx.label.name)
    digest = ctx.actions.declare_file(ctx.label.name + ".json.sha256")
    tars = []
    facts = []
    layers = []
    for target in ctx.attr.tars:
        for tar in target[DefaultInfo].files.to_list():
            fact = _layer_facts(ctx, target, tar, len(tars))
            tars.append(tar)
            facts.append(fact)

            # The history is without the repository: the same image as a dependency of another
            # module is equal. The label is for Bazel.
            history = "bazel build //%s:%s" % (tar.owner.package, tar.owner.name)
            layers.append([tar.path, fact.path, history, str(tar.owner)])
    settings = {
        "--" + name.replace("_", "-"): getattr(ctx.file, name)
        for name in _SETTINGS
        if getattr(ctx.file, name)
    }
    inputs = facts + settings.values()
    base = [ctx.file.base] if ctx.file.base else []
    args = _arguments(ctx, layout, base, layers, settings)
    args.add("--digest", digest)
    ctx.actions.run(
        executable = ctx.executable._assemble,
        arguments = [args],
        inputs = inputs + base + tars,
        outputs = [layout, digest],
        mnemonic = "OCIImage",
        progress_message = "Assembling image %{label}",
    )
    groups = {"digest": depset([digest])}

    # A base that has no outline (a layout from elsewhere) has its layers only itself.
    base_outline = outline_of(ctx.attr.base) if ctx.attr.base else None
    if base_outline or not ctx.attr.base:
        outline = ctx.actions.declare_directory(ctx.label.name + ".outline")
        base = [base_outline] if base_outline else []
        args = _arguments(ctx, outline, base, layers, settings)
        args.add("--outline")
        ctx.actions.run(
            executable = ctx.executable._assemble,
            arguments = [args],
            # Not the layers themselves: that is what it is for.
            inputs = inputs + base,
            outputs = [outline],
            mnemonic = "OCIOutline",
            progress_message = "Outlining image %{label}",
        )
        groups["oci_outline"] = depset([outline])
    if ctx.files.validations:
        groups["_validation"] = depset(ctx.files.validations)
    known = image_layers(ctx.attr.base, ctx.attr.tars)
    return [
        image_program(ctx, layout, shown = [layout]),
        RunnableImageInfo(),
        OutputGroupInfo(**groups),
    ] + ([known] if known else [])

def _arguments(ctx, layout, base, layers, settings):
    """Returns the assembler's arguments for an image.

    Args:
      ctx: the rule's context.
      layout: the directory to write.
      base: list of the base image's directory, or of nothing.
      layers: lists of a layer's path, its facts' path, its history and its label.
      settings: dict of options to files.
    """
    args = ctx.actions.args()
    args.add("image")
    if ctx.attr.newest:
        args.add("--newest")

    # Not the path of the directory's files: only the directory is named.
    args.add_all("--output", [layout], expand_directories = False)
    args.add_all("--base", base, expand_directories = False)
    for layer in layers:
        args.add("--layer").add_all(layer)
    for option, file in settings.items():
        args.add(option, file)
    for name in _STRINGS:
        value = getattr(ctx.attr, name)
        if value:
            args.add("--%s=%s" % (name, value))
    return args

def _file(doc):
    return attr.label(allow_single_file = True, doc = doc)

oci_image = rule(
    implementation = _oci_image_impl,
    doc = "An image as an OCI layout directory. Settings are files; the macros take dicts and lists.",
    attrs = RUN_ATTRS | {
        "annotations": _file("Annotations of the manifest, key=value lines; added to the base's."),
        "architecture": attr.string(doc = "CPU, as Go names it: amd64, arm64, arm, s390x ..."),
        "base": _file("Another oci_image to build upon."),
        "cmd": _file("Default arguments of the container, one per line."),
        "created": _file("Time of creation, YYYY-MM-DDTHH:MM:SSZ; no line break after it."),
        "entrypoint": _file("The container's program and its arguments, one per line; resets cmd."),
        "env": _file("Environment, key=value lines; $KEY in a value is the base's value of KEY."),
        "exposed_ports": _file("Comma-separated: 80/tcp,53/udp."),
        "labels": _file("Labels of the config, key=value lines; added to the base's."),
        "newest": attr.bool(
            doc = "Without `created`: the image is as new as the newest file in `tars`, or as its base.",
        ),
        "os": attr.string(doc = "Operating system, as Go names it: linux."),
        "resource_set": attr.string(
            default = "default",
            doc = "Accepted as in the real rules_oci; the assembly needs no reservation.",
        ),
        "tars": attr.label_list(
            allow_files = _TAR_EXTENSIONS,
            doc = "Layers, lowest first. A target with the output group oci_descriptor tells digest, diff ID and newest time itself; others are read once.",
        ),
        "user": attr.string(doc = "User the container runs as: user, uid, user:group ..."),
        "validations": attr.label_list(
            allow_files = True,
            doc = "Files that are built with the image; building them fails if the image is wrong.",
        ),
        "variant": attr.string(doc = "Variant of the CPU: v7, v8 ..."),
        "volumes": _file("Comma-separated paths: /srv/data,/srv/other."),
        "workdir": attr.string(doc = "Working directory of the container."),
        "_assemble": attr.label(default = "//tools/oci/assembler:assemble", executable = True, cfg = "exec"),
    },
    executable = True,
)
