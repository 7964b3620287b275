"""debian_layer: one layer of a Debian root file system, computed from locked packages."""

DebianLayerInfo = provider(
    doc = "A layer of a Debian root file system, and what is below it.",
    fields = {
        "installed": "File: JSON of all packages in the tree, those of the layers below included.",
        "listing": "File: one line per path of the layer; type, mode, owner, size, digest.",
        "state": "File: the system the layer ends in, for the layer above. None when the layer's own " +
                 "share is chosen by need: no layer lies on it.",
        "tar": "File: the layer, an uncompressed tar.",
        "tars": "list of File: the layers below and this one, lowest first.",
    },
)

def _package_set(debs, packages):
    return struct(debs = debs, packages = packages)

def _spec_value(set):
    return {
        "debs": [deb.path for deb in set.debs],
        "packages": set.packages.path,
    }

def _debian_layer_impl(ctx):
    below = ctx.attr.below[DebianLayerInfo] if ctx.attr.below else None
    if below and not below.state:
        fail("{}: can't lie on {}, whose packages are chosen by need, hence unknown here".format(
            ctx.label,
            ctx.attr.below.label,
        ))
    own = _package_set(ctx.files.debs, ctx.file.packages)
    needed_by = ctx.file.needed_by

    # With `needed_by` the set is what is chosen from; the layer's own share is known only then.
    select = None
    if needed_by:
        select = _spec_value(own) | {"for": needed_by.path}
    tools = None
    if ctx.file.tools_packages:
        tools = _package_set(ctx.files.tools, ctx.file.tools_packages)
    spec = ctx.actions.declare_file(ctx.label.name + ".spec.json")
    ctx.actions.write(spec, json.encode({
        "add": [] if needed_by else [_spec_value(own)],
        "arch": ctx.attr.arch,
        "below": {
            "state": below.state.path,
            "tars": [layer.path for layer in below.tars],
        } if below else None,
        "epoch": ctx.attr.epoch,
        "select": select,
        "slim": ctx.attr.slim,
        "sources": ctx.attr.sources or None,
        "suite": ctx.attr.suite,
        "tools": _spec_value(tools) if tools else None,
    }))

    tar = ctx.actions.declare_file(ctx.label.name + ".tar")
    installed = ctx.actions.declare_file(ctx.label.name + ".installed.json")
    listing = ctx.actions.declare_file(ctx.label.name + ".listing.txt")
    args = ctx.actions.args()
    args.add(spec)
    args.add("--layer", tar)
    args.add("--installed", installed)
    args.add("--listing", listing)
    inputs = [spec, own.packages] + own.debs + ([needed_by] if needed_by else [])
    if below:
        inputs += [below.state] + below.tars
    if tools:
        inputs += [tools.packages] + tools.debs
    state = None if needed_by else ctx.actions.declare_file(ctx.label.name + ".state")
    if state:
        args.add("--state", state)
    ctx.actions.run(
        executable = ctx.executable._rootfs,
        arguments = [args],
        inputs = inputs,
        outputs = [tar, installed, listing] + ([state] if state else []),
        mnemonic = "DebianLayer",
        progress_message = "Computing the root file system layer %{label}",
    )
    return [
        DefaultInfo(files = depset([tar])),
        OutputGroupInfo(
            installed = depset([installed]),
            listing = depset([listing]),
        ),
        DebianLayerInfo(
            installed = installed,
            listing = listing,
            state = state,
            tar = tar,
            tars = (below.tars if below else []) + [tar],
        ),
    ]

debian_layer = rule(
    implementation = _debian_layer_impl,
    doc = """One layer of a Debian root file system, <name>.tar; no package script is run.

Output groups: `installed` (JSON of all packages in the tree) and `listing` (what the layer holds).""",
    attrs = {
        "arch": attr.string(mandatory = True, doc = "Debian's name of the architecture"),
        "below": attr.label(
            providers = [DebianLayerInfo],
            doc = "The layer this one lies on; none for a base.",
        ),
        "debs": attr.label(
            mandatory = True,
            allow_files = [".deb"],
            doc = "The package files, @debian//<suite>/<arch>:<set>.",
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
            doc = "What the package files are, @debian//<suite>/<arch>:<set>.json.",
        ),
        "slim": attr.bool(
            default = True,
            doc = "Leave out documentation and translations, as debian:<suite>-slim does.",
        ),
        "sources": attr.string_list(
            doc = "URLs the image's apt is to ask, of the archive and of its security updates; " +
                  "Debian's images have those their apt package tells.",
        ),
        "suite": attr.string(mandatory = True, doc = "Debian's name of the suite"),
        "tools": attr.label(
            allow_files = [".deb"],
            doc = "Packages of the build machine whose programs make byte code and databases, " +
                  "@debian//<suite>/amd64:rootfs_tools.",
        ),
        "tools_packages": attr.label(
            allow_single_file = [".json"],
            doc = "What those are, @debian//<suite>/amd64:rootfs_tools.json.",
        ),
        "_rootfs": attr.label(
            default = "//tools/rootfs:main",
            executable = True,
            cfg = "exec",
        ),
    },
    provides = [DebianLayerInfo],
)
