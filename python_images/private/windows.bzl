"""Rules for images on Windows Server Core: base image, Python's layer, image."""

WindowsBaseInfo = provider(
    doc = "A locked Windows base image.",
    fields = {
        "lock": "File: the lock, see tools/windows/lockfile.py",
        "release": "string: the tag that was locked, such as ltsc2025",
    },
)

def _windows_base_impl(ctx):
    if not ctx.file.lock:
        fail("\n".join([
            "",
            "The base image Windows Server Core {} is not locked. Where a registry that has it can be reached:".format(
                ctx.attr.release,
            ),
            "  ./bazelw run //tools:lock -- {} --registry=HOST".format(ctx.attr.release),
            "writes {}/{}.lock; docs/windows.md says more.".format(ctx.label.package, ctx.attr.release),
        ]))
    return [
        DefaultInfo(files = depset([ctx.file.lock])),
        WindowsBaseInfo(lock = ctx.file.lock, release = ctx.attr.release),
    ]

windows_base = rule(
    implementation = _windows_base_impl,
    doc = "A Windows base image, of which only the lock is needed. Without a lock it fails, saying how to get one.",
    attrs = {
        "lock": attr.label(
            allow_single_file = [".lock"],
            doc = "The lock file; none where it has not been written yet.",
        ),
        "release": attr.string(mandatory = True, doc = "The base image's tag, such as ltsc2025."),
    },
    provides = [WindowsBaseInfo],
)

def _windows_python_layer_impl(ctx):
    tar = ctx.actions.declare_file(ctx.label.name + ".tar")
    args = ctx.actions.args()
    args.add("--archive", ctx.file.archive)
    args.add("--version", ctx.attr.version)
    args.add("--epoch", ctx.attr.epoch)
    args.add_all(ctx.attr.leave_out, before_each = "--leave-out")
    args.add("--output", tar)
    ctx.actions.run(
        executable = ctx.executable._layer,
        arguments = [args],
        inputs = [ctx.file.archive],
        outputs = [tar],
        mnemonic = "WindowsPythonLayer",
        progress_message = "Laying out Python for Windows %{label}",
    )
    return [DefaultInfo(files = depset([tar]))]

windows_python_layer = rule(
    implementation = _windows_python_layer_impl,
    doc = "Python in C:\\Python, as a tar in the form of Windows layers.",
    attrs = {
        "archive": attr.label(
            mandatory = True,
            allow_single_file = True,
            doc = "python.org's zip archive of the release.",
        ),
        "epoch": attr.int(mandatory = True, doc = "Seconds since 1970: all times in the layer."),
        "leave_out": attr.string_list(doc = "Files and folders of the archive that aren't wanted."),
        "version": attr.string(mandatory = True, doc = "The release, such as 3.14.7."),
        "_layer": attr.label(default = "//tools/windows:layer", executable = True, cfg = "exec"),
    },
)

def _windows_image_impl(ctx):
    settings = ctx.actions.declare_file(ctx.label.name + ".settings.json")
    ctx.actions.write(settings, json.encode({
        "annotations": ctx.attr.annotations,
        "cmd": ctx.attr.cmd,
        "created": ctx.attr.created,
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
        "annotations": attr.string_dict(doc = "Annotations of the manifest; the base's name and digest are added."),
        "base": attr.label(
            mandatory = True,
            providers = [WindowsBaseInfo],
            doc = "The base image, a windows_base.",
        ),
        "cmd": attr.string_list(doc = "The container's default command."),
        "created": attr.string(mandatory = True, doc = "Time of creation, YYYY-MM-DDTHH:MM:SSZ."),
        "env": attr.string_dict(doc = "Variables besides PATH."),
        "layers": attr.label_list(doc = "layer_blob targets to put upon the base, lowest first."),
        "path": attr.string_list(doc = "Folders in front of the base's PATH."),
        "shell": attr.string_list(doc = "What runs the commands of Dockerfiles built upon the image."),
        "system_path": attr.string_list(doc = "The base's PATH, where its config has none."),
        "_image": attr.label(default = "//tools/windows:image", executable = True, cfg = "exec"),
    },
)
