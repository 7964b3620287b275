"""Rules that generate documents from a family of the catalog, or from a user's own.

Each runs one of the programs behind `./bazelw run //tools:<name>`; those know more.
"""

_COMMON = {
    "catalog": attr.label(
        allow_single_file = [".yaml", ".json"],
        doc = "A family's YAML file or a versions.json of your own, instead of `family`.",
    ),
    "out": attr.output(
        doc = "The file to write.",
        mandatory = True,
    ),
}

_FAMILY = {
    "family": attr.string(
        default = "current",
        doc = "The family's name.",
    ),
}

_TEMPLATE = {
    "template": attr.label(
        allow_single_file = True,
        doc = "A Jinja template of your own.",
    ),
}

def _tool(label):
    return {
        "_tool": attr.label(
            cfg = "exec",
            default = label,
            executable = True,
        ),
    }

def _generate(ctx, words, options):
    """Runs the rule's tool and returns its output.

    Args:
      ctx: the rule's context.
      words: positional arguments.
      options: a dict of options; those without a value are left out.

    Returns:
      A list with DefaultInfo.
    """
    args = ctx.actions.args()
    args.add_all(words)
    inputs = []
    files = {"--catalog": ctx.file.catalog}
    if hasattr(ctx.file, "template"):
        files["--template"] = ctx.file.template
    for option, file in files.items():
        if file:
            args.add(option, file)
            inputs.append(file)
    for option, value in options.items():
        if value:
            args.add(option, value)
    args.add("--output", ctx.outputs.out)
    ctx.actions.run(
        arguments = [args],
        executable = ctx.executable._tool,
        inputs = inputs,
        mnemonic = "PythonImagesDocument",
        outputs = [ctx.outputs.out],
        progress_message = "Generating %{output}",
    )
    return [DefaultInfo(files = depset([ctx.outputs.out]))]

def _family(ctx):
    return [] if ctx.file.catalog else [ctx.attr.family]

image_readme = rule(
    implementation = lambda ctx: _generate(ctx, _family(ctx), {"--arch": ctx.attr.arch}),
    doc = "The page of a family: its tags, architectures, usage and variants.",
    attrs = _COMMON | _FAMILY | _TEMPLATE | _tool("//tools/pages/readme") | {
        "arch": attr.string(doc = "Only images for this architecture, such as `i386`."),
    },
)

image_library = rule(
    implementation = lambda ctx: _generate(ctx, _family(ctx), {
        "--commit": ctx.attr.commit,
        "--directory": ctx.attr.directory,
        "--repo": ctx.attr.repo,
    }),
    doc = "A family's manifest in the format of docker-library.",
    attrs = _COMMON | _FAMILY | _TEMPLATE | _tool("//tools/pages:library") | {
        "commit": attr.string(doc = "The commit to build from."),
        "directory": attr.string(doc = "What goes in front of every image's folder."),
        "repo": attr.string(doc = "The Git repository with the Dockerfiles."),
    },
)

image_versions = rule(
    implementation = lambda ctx: _generate(ctx, _family(ctx), {}),
    doc = "A family's releases as docker-library's versions.json.",
    attrs = _COMMON | _FAMILY | _tool("//tools/pages:versions"),
)

image_matrix = rule(
    implementation = lambda ctx: _generate(ctx, _family(ctx), {
        "--arch": ctx.attr.arch,
        "--provider": ctx.attr.provider,
    }),
    doc = "A build matrix of a family as JSON: one job per image and architecture.",
    attrs = _COMMON | _FAMILY | _tool("//tools/matrix") | {
        "arch": attr.string(doc = "Only this architecture."),
        "provider": attr.string(
            default = "github",
            doc = "Whose form the JSON has: `github` or `gitlab`.",
            values = ["github", "gitlab"],
        ),
    },
)

image_dockerfile = rule(
    implementation = lambda ctx: _generate(ctx, [ctx.attr.tag], {
        "--family": "" if ctx.file.catalog else ctx.attr.family,
        "--fragment": ctx.attr.fragment,
    }),
    doc = "The Dockerfile of an image, or a fragment for one of your own.",
    attrs = _COMMON | _FAMILY | _TEMPLATE | _tool("//tools/pages/dockerfile") | {
        "fragment": attr.string(
            doc = "Only this part: `runtime`, `build`, `links` or `copy`.",
            values = ["", "runtime", "build", "links", "copy"],
        ),
        "tag": attr.string(
            doc = "Any tag of the image.",
            mandatory = True,
        ),
    },
)

image_components = rule(
    implementation = lambda ctx: _generate(ctx, [ctx.attr.tag], {"--platform": ctx.attr.platform}),
    doc = "What an image of the current family is made from, as SPDX package objects.",
    attrs = _COMMON | _tool("//tools/pages:components") | {
        "platform": attr.string(doc = "The platform; the first one, amd64, when absent."),
        "tag": attr.string(
            doc = "Any tag of the image.",
            mandatory = True,
        ),
    },
)
