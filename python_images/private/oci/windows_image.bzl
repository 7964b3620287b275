"""windows_image: an image on a Windows base image, of whose layers only the digests are known."""

load("//python_images/private/roots/windows:base.bzl", "WindowsBaseInfo")
load(":publisher.bzl", "PUBLISHER_ATTRS", "published")

def _windows_image_impl(ctx):
    settings = ctx.actions.declare_file(ctx.label.name + ".settings.json")
    ctx.actions.write(settings, json.encode({
        "annotations": published(ctx),
        "cmd": ctx.attr.cmd,
        "created": ctx.attr.created or None,
        "env": [[name, value] for name, value in ctx.attr.env.items()],
        "path": ctx.attr.path,
        "shell": ctx.attr.shell,
        "system_path": ctx.attr.system_path,
    }))
    lock = ctx.attr.base[WindowsBaseInfo].lock
    blobs = []
    facts = []
    layers = []
    for target in ctx.attr.layers:
        blob = target[DefaultInfo].files.to_list()[0]
        fact = target[OutputGroupInfo].oci_descriptor.to_list()[0]
        blobs.append(blob)
        facts.append(fact)

        # Without the repository: the same image as a dependency of another module is equal.
        history = "bazel build //%s:%s" % (blob.owner.package, blob.owner.name)
        layers.append([blob.path, fact.path, history, str(blob.owner)])

    def assemble(layout, inputs, outputs, options, mnemonic, what):
        args = ctx.actions.args()
        args.add("--lock", lock)
        args.add("--settings", settings)
        for layer in layers:
            args.add("--layer").add_all(layer)
        args.add_all("--output", [layout], expand_directories = False)
        args.add_all(options)
        ctx.actions.run(
            executable = ctx.executable._image,
            arguments = [args],
            inputs = [lock, settings] + facts + inputs,
            outputs = [layout] + outputs,
            mnemonic = mnemonic,
            progress_message = what + " image %{label}",
        )

    layout = ctx.actions.declare_directory(ctx.label.name)
    digest = ctx.actions.declare_file(ctx.label.name + ".json.sha256")
    assemble(layout, blobs, [digest], ["--digest", digest.path], "WindowsImage", "Assembling")
    outline = ctx.actions.declare_directory(ctx.label.name + ".outline")
    assemble(outline, [], [], ["--outline"], "OCIOutline", "Outlining")
    return [
        DefaultInfo(files = depset([layout])),
        OutputGroupInfo(digest = depset([digest]), oci_outline = depset([outline])),
    ]

windows_image = rule(
    implementation = _windows_image_impl,
    doc = """An image on a Windows base as an OCI layout directory. The base's layers are not in it: its
manifest refers to them, and pushing mounts them from where the registry has them.""",
    attrs = {
        "annotations": attr.string_dict(doc = "Annotations of the manifest; the base's name and digest are added, and what the publisher says."),
        "base": attr.label(
            mandatory = True,
            providers = [WindowsBaseInfo],
            doc = "The base image, a windows_base.",
        ),
        "cmd": attr.string_list(doc = "The container's default command."),
        "created": attr.string(
            doc = "Time of creation, YYYY-MM-DDTHH:MM:SSZ; default: that of the newest file in the " +
                  "layers, or of the base.",
        ),
        "env": attr.string_dict(doc = "Variables besides PATH."),
        "layers": attr.label_list(doc = "layer_blob targets to put on the base, lowest first."),
        "path": attr.string_list(doc = "Folders in front of the base's PATH."),
        "shell": attr.string_list(doc = "The shell that runs the commands of Dockerfiles that build on the image."),
        "system_path": attr.string_list(doc = "The base's PATH, where its config has none."),
        "_image": attr.label(default = "//tools/windows:image", executable = True, cfg = "exec"),
    } | PUBLISHER_ATTRS,
)
