"""debian_layer: one layer of a Debian root file system, computed from locked packages."""

load(
    "//python_images/private/roots:layer.bzl",
    "RootInfo",
    "compute_layer",
    "layer_below",
    "layer_providers",
    "package_set",
    "root_layer_attrs",
    "set_inputs",
    "set_spec",
)

DebianLayerInfo = provider(
    doc = "A layer of a Debian root file system, as the layer above sees it.",
    fields = {
        "slim": "bool: whether documentation and translations are left out.",
        "state": "File: the system the layer ends in, for the layer above. None of what is no Debian.",
        "tars": "list of File: the layers below and this one, lowest first; of an image also those " +
                "above, such as CPython's.",
        "tools": "struct of the package set whose programs make byte code and databases, or None.",
    },
)

OwnPackagesInfo = provider(
    doc = "Locked Debian packages of another workspace, for one suite and architecture.",
    fields = {
        "arch": "string: Debian's name of the architecture",
        "lock": "string: the lock, for errors",
        "locked_by": "string: the command that writes it",
        "scripts": "File: reviewed scripts of that workspace, or None",
        "scripts_name": "string: what people call that file, a path below their workspace",
        "set": "struct: the package set",
        "suite": "string: Debian's name of the suite",
    },
)

# What a package set's files are called in a layer's spec.
_DEBS = "debs"

def _layer(ctx, below, own, arch, suite, slim, tools, sources = [], scripts = None):
    """Computes a layer.

    Args:
      ctx: context of a rule with root_layer_attrs.
      below: DebianLayerInfo of what it lies on, or None.
      own: its package set.
      arch: Debian's name of the architecture.
      suite: Debian's name of the suite.
      slim: whether documentation and translations are left out.
      tools: the package set whose programs make byte code and databases, or None.
      sources: what an image of Ubuntu names.
      scripts: the table of scripts that another workspace has reviewed, as the spec has it.

    Returns:
      the rule's providers.
    """
    state = ctx.actions.declare_file(ctx.label.name + ".state")
    inputs = [below.state] + below.tars if below else []
    root = compute_layer(
        ctx,
        inputs = inputs + (set_inputs(tools) if tools else []) + (scripts.files if scripts else []),
        key = _DEBS,
        mnemonic = "DebianLayer",
        options = ["--state", state],
        outputs = [state],
        own = own,
        release = suite,
        spec = {
            "arch": arch,
            "below": {
                "state": below.state.path,
                "tars": [layer.path for layer in below.tars],
            } if below else None,
            "scripts": {"name": scripts.name, "table": scripts.path} if scripts else None,
            "slim": slim,
            "sources": sources or None,
            "suite": suite,
            "tools": set_spec(tools, _DEBS) if tools else None,
        },
    )
    return layer_providers(root) + [DebianLayerInfo(
        slim = slim,
        state = state,
        tars = (below.tars if below else []) + [root.tar],
        tools = tools,
    )]

def _debian_layer_impl(ctx):
    below = layer_below(ctx, DebianLayerInfo)
    tools = None
    if ctx.file.tools_packages:
        tools = package_set(ctx.files.tools, ctx.file.tools_packages)
    return _layer(
        ctx,
        below = below,
        arch = ctx.attr.arch,
        own = package_set(ctx.files.debs, ctx.file.packages),
        slim = ctx.attr.slim,
        sources = ctx.attr.sources,
        suite = ctx.attr.suite,
        tools = tools,
    )

debian_layer = rule(
    implementation = _debian_layer_impl,
    doc = """One layer of a Debian root file system, <name>.tar; no package script is run.

Output groups: `installed` (JSON of all packages in the tree) and `listing` (what the layer holds).""",
    attrs = root_layer_attrs(
        info = DebianLayerInfo,
        packages = "@debian//<suite>/<arch>:<set>",
        rootfs = "//tools/rootfs/debian:main",
    ) | {
        "debs": attr.label(
            mandatory = True,
            allow_files = [".deb"],
            doc = "The package files, @debian//<suite>/<arch>:<set>.",
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
                  "@debian//build/<suite>/amd64:rootfs_tools.",
        ),
        "tools_packages": attr.label(
            allow_single_file = [".json"],
            doc = "What those are, @debian//build/<suite>/amd64:rootfs_tools.json.",
        ),
    },
    provides = [DebianLayerInfo, RootInfo],
)

def _own_packages_layer_impl(ctx):
    own = ctx.attr.packages[OwnPackagesInfo]
    below = layer_below(ctx, DebianLayerInfo)
    release = ctx.attr.below[RootInfo].release
    if not below.state:
        fail("{}: packages = \"{}\": the image is no Debian whose packages are known; take a tag on Debian as base".format(
            ctx.label,
            ctx.attr.packages.label,
        ))
    if own.suite != release or own.arch != ctx.attr.arch:
        fail("{}: packages = \"{}\" are of {} for {} ({}), but the base is of {} for {}; declare debian.packages with suite = \"{}\"".format(
            ctx.label,
            ctx.attr.packages.label,
            own.suite,
            own.arch,
            own.lock,
            release,
            ctx.attr.arch,
            release,
        ))
    table = own.scripts
    return _layer(
        ctx,
        below = below,
        arch = own.arch,
        own = own.set,
        scripts = struct(
            files = [table] if table else [],
            name = own.scripts_name if table else "",
            path = table.path if table else "",
        ),
        slim = below.slim,
        suite = own.suite,
        tools = below.tools,
    )

_OWN_ATTRS = root_layer_attrs(
    info = DebianLayerInfo,
    packages = "",
    rootfs = "//tools/rootfs/debian:main",
)

own_packages_layer = rule(
    implementation = _own_packages_layer_impl,
    doc = "A layer of packages that debian.packages declares, upon a whole image.",
    attrs = _OWN_ATTRS | {
        "below": attr.label(mandatory = True, providers = [DebianLayerInfo, RootInfo]),
        "packages": attr.label(mandatory = True, providers = [OwnPackagesInfo]),
    },
    provides = [DebianLayerInfo, RootInfo],
)
