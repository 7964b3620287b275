"""oci_image: one image from layers and settings."""

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
    """Returns the file with digest, size and diff ID of a layer."""
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

    layout = ctx.actions.declare_directory(ctx.label.name)
    digest = ctx.actions.declare_file(ctx.label.name + ".json.sha256")
    inputs = []
    args = ctx.actions.args()
    args.add("image")

    # Not the path of the directory's files: only the directory is named.
    args.add_all("--output", [layout], expand_directories = False)
    args.add("--digest", digest)
    if ctx.file.base:
        args.add_all("--base", [ctx.file.base], expand_directories = False)
        inputs.append(ctx.file.base)
    number = 0
    for target in ctx.attr.tars:
        for tar in target[DefaultInfo].files.to_list():
            facts = _layer_facts(ctx, target, tar, number)
            number += 1
            inputs += [tar, facts]
            args.add("--layer").add(tar).add(facts)

            # Without the repository: the same image as a dependency of another module is equal.
            args.add("bazel build //%s:%s" % (tar.owner.package, tar.owner.name))
    for name in _SETTINGS:
        file = getattr(ctx.file, name)
        if file:
            args.add("--" + name.replace("_", "-"), file)
            inputs.append(file)
    for name in _STRINGS:
        value = getattr(ctx.attr, name)
        if value:
            args.add("--%s=%s" % (name, value))

    ctx.actions.run(
        executable = ctx.executable._assemble,
        arguments = [args],
        inputs = inputs,
        outputs = [layout, digest],
        mnemonic = "OCIImage",
        progress_message = "Assembling image %{label}",
    )
    return [
        DefaultInfo(files = depset([layout])),
        OutputGroupInfo(digest = depset([digest])),
    ]

def _file(doc):
    return attr.label(allow_single_file = True, doc = doc)

oci_image = rule(
    implementation = _oci_image_impl,
    doc = "An image as an OCI layout directory. Most use the macro of the same name.",
    attrs = {
        "annotations": _file("Annotations of the manifest, key=value lines; added to the base's."),
        "architecture": attr.string(doc = "CPU, as Go names it: amd64, arm64, arm, s390x ..."),
        "base": _file("Another oci_image to build upon."),
        "cmd": _file("Default arguments of the container, one per line."),
        "created": _file("Time of creation, YYYY-MM-DDTHH:MM:SSZ; no line break after it."),
        "entrypoint": _file("The container's program and its arguments, one per line; resets cmd."),
        "env": _file("Environment, key=value lines; $KEY in a value is the base's value of KEY."),
        "exposed_ports": _file("Comma-separated: 80/tcp,53/udp."),
        "labels": _file("Labels of the config, key=value lines; added to the base's."),
        "os": attr.string(doc = "Operating system, as Go names it: linux."),
        "resource_set": attr.string(
            default = "default",
            doc = "Accepted as in the real rules_oci; the assembly needs no reservation.",
        ),
        "tars": attr.label_list(
            allow_files = _TAR_EXTENSIONS,
            doc = "Layers, lowest first. A target with the output group oci_descriptor tells digest and diff ID itself; others are read once.",
        ),
        "user": attr.string(doc = "User the container runs as: user, uid, user:group ..."),
        "variant": attr.string(doc = "Variant of the CPU: v7, v8 ..."),
        "volumes": _file("Comma-separated paths: /srv/data,/srv/other."),
        "workdir": attr.string(doc = "Working directory of the container."),
        "_assemble": attr.label(default = Label("@python_images//tools/oci/assembler:assemble"), executable = True, cfg = "exec"),
    },
)
