"""user_layer: a layer that adds a user, with a home, to a root file system."""

load("//python_images/private/cpython:configuration.bzl", "one_configuration")
load("//python_images/private/roots/debian:layer.bzl", "DebianLayerInfo")
load("//python_images/private/roots/distroless:layer.bzl", "DistrolessLayerInfo")

def _tars(root):
    """The layers of a root file system, lowest first."""
    info = root[DebianLayerInfo] if DebianLayerInfo in root else root[DistrolessLayerInfo]
    return info.tars

def _user_layer_impl(ctx):
    tars = _tars(ctx.attr.root)
    out = ctx.actions.declare_file(ctx.label.name + ".tar")
    args = ctx.actions.args()
    args.add_all(tars, before_each = "--below")
    args.add("--name", ctx.attr.user)
    args.add("--id", ctx.attr.id)
    args.add("--home", ctx.attr.home)
    args.add("--place", ctx.attr.place)
    args.add("--output", out)
    ctx.actions.run(
        executable = ctx.executable._users,
        arguments = [args],
        inputs = tars,
        outputs = [out],
        mnemonic = "UserLayer",
        progress_message = "Adding a user in layer %{label}",
    )
    return [DefaultInfo(files = depset([out]))]

user_layer = rule(
    implementation = _user_layer_impl,
    cfg = one_configuration,
    doc = "A layer with a user of its own group: its lines of /etc/passwd and the like, and its home.",
    attrs = {
        "home": attr.string(mandatory = True, doc = "An absolute path."),
        # A string: Starlark's integers of attributes have 31 bits, users' numbers 32.
        "id": attr.string(mandatory = True, doc = "The number of the user and of its group."),
        "place": attr.string(mandatory = True, doc = "The file and line that ask for the user, for errors."),
        "root": attr.label(
            mandatory = True,
            providers = [[DebianLayerInfo], [DistrolessLayerInfo]],
            doc = "The uppermost layer that has users.",
        ),
        "user": attr.string(mandatory = True, doc = "The name of the user and of its group."),
        "_users": attr.label(
            default = "//tools/rootfs/users:user_layer",
            executable = True,
            cfg = "exec",
        ),
    },
)
