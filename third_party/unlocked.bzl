"""unlocked: what stands for a target whose packages aren't locked."""

load("//tools/cli:commands.bzl", "IN_CHECKOUT")

def _unlocked_impl(ctx):
    fail("\n".join([
        "",
        "{}: no packages of {} are locked for {}. Where a mirror of them can be reached{}".format(
            ctx.label,
            ctx.attr.release,
            ctx.attr.platform,
            IN_CHECKOUT,
        ),
        "  ./bazelw run //tools:lock -- {} {}".format(ctx.attr.release, ctx.attr.options),
        "pins them; {} says more.".format(ctx.attr.page),
    ]))

unlocked = rule(
    implementation = _unlocked_impl,
    doc = "Fails when it is analysed, with the command that locks.",
    attrs = {
        "options": attr.string(default = "--mirror=URL", doc = "how the mirrors are named"),
        "page": attr.string(default = "docs/alpine.md", doc = "where to read on"),
        "platform": attr.string(mandatory = True, doc = "for which platform"),
        "release": attr.string(mandatory = True, doc = "what is to be locked"),
    },
)
