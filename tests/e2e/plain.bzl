"""plain: files as they are built without optimisation, whatever the flag says."""

def _plain_transition_impl(_settings, _attr):
    return {"//python_images:optimization": "none"}

_plain_transition = transition(
    implementation = _plain_transition_impl,
    inputs = [],
    outputs = ["//python_images:optimization"],
)

def _plain_impl(ctx):
    return [DefaultInfo(files = depset(transitive = [
        target[DefaultInfo].files
        for target in ctx.attr.srcs
    ]))]

plain = rule(
    implementation = _plain_impl,
    doc = "The files of `srcs`, with a CPython that is compiled without profile and link-time optimisation.",
    attrs = {
        "srcs": attr.label_list(mandatory = True, cfg = _plain_transition),
    },
)
