"""alpine_layer: one layer of an Alpine root file system, computed from locked packages."""

AlpineLayerInfo = provider(
    doc = "A layer of an Alpine root file system, and what is below it.",
    fields = {
        "installed": "File: JSON of all packages in the tree, those of the layers below included.",
        "listing": "File: one line per path of the layer; type, mode, owner, size, digest.",
        "sets": "list of struct(packages = File, apks = list of File): the package sets of this " +
                "layer and of those below, lowest first. None when the layer's own share is chosen " +
                "by need: no layer can lie on it.",
        "tar": "File: the layer, an uncompressed tar.",
    },
)

def _spec_value(set):
    return {
        "apks": [apk.path for apk in set.apks],
        "packages": set.packages.path,
    }

def _alpine_layer_impl(ctx):
    below = ctx.attr.below[AlpineLayerInfo].sets if ctx.attr.below else []
    if below == None:
        fail("{}: can't lie on {}, whose packages are chosen by need, hence unknown here".format(
            ctx.label,
            ctx.attr.below.label,
        ))
    own = struct(apks = ctx.files.apks, packages = ctx.file.packages)
    needed_by = ctx.file.needed_by
    spec = ctx.actions.declare_file(ctx.label.name + ".spec.json")
    ctx.actions.write(spec, json.encode({
        "add": [] if needed_by else [_spec_value(own)],
        "arch": ctx.attr.arch,
        "below": [_spec_value(set) for set in below],
        "epoch": ctx.attr.epoch,
        "release": ctx.attr.release,
        "repositories": ctx.attr.repositories,
        "select": _spec_value(own) | {"for": needed_by.path} if needed_by else None,
    }))
    tar = ctx.actions.declare_file(ctx.label.name + ".tar")
    installed = ctx.actions.declare_file(ctx.label.name + ".installed.json")
    listing = ctx.actions.declare_file(ctx.label.name + ".listing.txt")
    args = ctx.actions.args()
    args.add(spec)
    args.add("--layer", tar)
    args.add("--installed", installed)
    args.add("--listing", listing)
    if ctx.file.scripts:
        args.add("--table", ctx.file.scripts)
    inputs = [spec] + ([needed_by] if needed_by else []) + ctx.files.scripts
    for set in below + [own]:
        inputs += [set.packages] + set.apks
    ctx.actions.run(
        executable = ctx.executable._rootfs,
        arguments = [args],
        inputs = inputs,
        outputs = [tar, installed, listing],
        mnemonic = "AlpineLayer",
        progress_message = "Computing the root file system layer %{label}",
    )
    return [
        DefaultInfo(files = depset([tar])),
        OutputGroupInfo(
            installed = depset([installed]),
            listing = depset([listing]),
        ),
        AlpineLayerInfo(
            installed = installed,
            listing = listing,
            sets = None if needed_by else below + [own],
            tar = tar,
        ),
    ]

alpine_layer = rule(
    implementation = _alpine_layer_impl,
    doc = """One layer of an Alpine root file system, <name>.tar; no package script is run.

Output groups: `installed` (JSON of all packages in the tree) and `listing` (what the layer holds).""",
    attrs = {
        "apks": attr.label(
            mandatory = True,
            allow_files = [".apk"],
            doc = "The package files, @alpine//<release>/<arch>:<set>.",
        ),
        "arch": attr.string(mandatory = True, doc = "Alpine's name of the architecture"),
        "below": attr.label(
            providers = [AlpineLayerInfo],
            doc = "The layer this one lies on; none for a base.",
        ),
        "epoch": attr.int(
            mandatory = True,
            doc = "Time of everything that is computed, seconds since 1970.",
        ),
        "needed_by": attr.label(
            allow_single_file = [".tar"],
            doc = "Take only the packages whose shared libraries the programs in this tar need, " +
                  "and what those depend on, as if each had been asked for by name.",
        ),
        "packages": attr.label(
            mandatory = True,
            allow_single_file = [".json"],
            doc = "What the package files are, @alpine//<release>/<arch>:<set>.json.",
        ),
        "release": attr.string(mandatory = True, doc = "the release, such as alpine3.24"),
        "repositories": attr.string_list(
            mandatory = True,
            doc = "URLs for /etc/apk/repositories.",
        ),
        "scripts": attr.label(
            allow_single_file = [".toml"],
            doc = "Reviewed scripts, instead of tools/rootfs/alpine/scripts.toml.",
        ),
        "_rootfs": attr.label(
            default = "//tools/rootfs/alpine:main",
            executable = True,
            cfg = "exec",
        ),
    },
    provides = [AlpineLayerInfo],
)
