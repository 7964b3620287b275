"""settings_layer: certificates, users and files of your own, as a layer on a root file system."""

load("//python_images/private/roots/debian:layer.bzl", "DebianLayerInfo")

def _settings_layer_impl(ctx):
    below = ctx.attr.below[DebianLayerInfo].tars
    tar = ctx.actions.declare_file(ctx.label.name + ".tar")
    args = ctx.actions.args()
    args.add("--layer", tar)
    args.add("--epoch", ctx.attr.epoch)
    args.add_all(below, before_each = "--below")
    args.add_all(ctx.files.certificates, before_each = "--certificate")
    for name, number in ctx.attr.users.items():
        args.add("--user", "{}={}".format(name, number))
    inputs = below + ctx.files.certificates
    for option, files in (("--file", ctx.attr.files), ("--program", ctx.attr.programs)):
        for target, path in files.items():
            found = target[DefaultInfo].files.to_list()
            if len(found) != 1:
                fail("{}: {} has {} files; name one for {}".format(ctx.label, target.label, len(found), path))
            args.add(option, found[0], format = path.replace("%", "%%") + "=%s")
            inputs = inputs + found
    ctx.actions.run(
        executable = ctx.executable._settings,
        arguments = [args],
        inputs = inputs,
        outputs = [tar],
        mnemonic = "SettingsLayer",
        progress_message = "Computing the settings of %{label}",
    )
    return [DefaultInfo(files = depset([tar]))]

settings_layer = rule(
    implementation = _settings_layer_impl,
    doc = """Certificates, users and files of your own as a layer, <name>.tar; nothing of the image is run.

It changes what update-ca-certificates and useradd would. Give the tar to `layer_blob`, and that to an
image above the layer it was computed for.""",
    attrs = {
        "below": attr.label(
            mandatory = True,
            providers = [DebianLayerInfo],
            doc = "The uppermost `debian_layer` of the image, such as " +
                  "@python_images//python_images/rootfs:trixie_amd64_slim.",
        ),
        "certificates": attr.label_list(
            allow_files = [".crt", ".pem"],
            doc = "Authorities to trust: one certificate in PEM each.",
        ),
        "epoch": attr.int(doc = "Time of all that is added, in seconds since 1970."),
        "files": attr.label_keyed_string_dict(
            allow_files = True,
            doc = "Files, mode 644: label to absolute path in the image.",
        ),
        "programs": attr.label_keyed_string_dict(
            allow_files = True,
            doc = "Files, mode 755: label to absolute path in the image.",
        ),
        "users": attr.string_dict(
            doc = "Users that can't log in: name to number, which is that of the user's group, too.",
        ),
        "_settings": attr.label(
            default = "//tools/rootfs/settings:settings_layer",
            executable = True,
            cfg = "exec",
        ),
    },
)
