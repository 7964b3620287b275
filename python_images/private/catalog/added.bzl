"""added_files: what another workspace adds to the catalog, where the tools look for it."""

def _added_files_impl(ctx):
    outputs = []
    for file in ctx.files.srcs:
        # Files of @catalog by their paths, those of repositories of Debian packages by their names.
        path = file.short_path.removeprefix("../").partition("/")[2]
        if file.owner.repo_name != ctx.attr.catalog.label.repo_name:
            path = "packages/" + path
        output = ctx.actions.declare_file("added/" + path)
        ctx.actions.symlink(output = output, target_file = file)
        outputs.append(output)
    return [DefaultInfo(files = depset(outputs))]

added_files = rule(
    implementation = _added_files_impl,
    doc = "The files below `added` of this package, as tools/catalog/added.py wants them.",
    attrs = {
        "catalog": attr.label(mandatory = True, allow_files = True, doc = "any file of the repository of the catalog"),
        "srcs": attr.label_list(allow_files = True),
    },
)
