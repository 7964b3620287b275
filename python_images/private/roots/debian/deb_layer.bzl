"""What the rules for layers of Debian's packages share, whether the root has programs or not."""

load("//python_images/private/roots:arch.bzl", "debian_arch")
load(
    "//python_images/private/roots:layer.bzl",
    "compute_layer",
    "root_layer_attrs",
    "set_inputs",
    "set_spec",
)

# What a package set's files are called in a layer's spec.
_DEBS = "debs"

def compute_deb_layer(
        ctx,
        below,
        mnemonic,
        own,
        state,
        suite,
        scripts = None,
        slim = False,
        sources = [],
        tools = None):
    """Declares the action that computes a layer.

    Args:
      ctx: context of a rule with root_layer_attrs.
      below: what knows `state` and `tars` of what the layer lies on, or None.
      mnemonic: of the action.
      own: its package set.
      state: File to write: the system the layer ends in, for layers above. None writes no such file.
      suite: Debian's name of the suite.
      scripts: the table of scripts that another workspace has reviewed: struct(files, name, path).
      slim: whether documentation and translations are left out.
      sources: what an image of Ubuntu names.
      tools: the package set whose programs make byte code and databases, or None.

    Returns:
      struct(root = RootInfo, tars = list of File: the layers below and this one, lowest first).
    """
    tars = below.tars if below else []
    inputs = [below.state] + tars if below else []
    root = compute_layer(
        ctx,
        arch = debian_arch(ctx),
        inputs = inputs + (set_inputs(tools) if tools else []) + (scripts.files if scripts else []),
        key = _DEBS,
        mnemonic = mnemonic,
        options = ["--state", state] if state else [],
        outputs = [state] if state else [],
        own = own,
        release = suite,
        spec = {
            "below": {
                "state": below.state.path,
                "tars": [layer.path for layer in tars],
            } if below else None,
            "scripts": {"name": scripts.name, "table": scripts.path} if scripts else None,
            "slim": slim,
            "sources": sources or None,
            "suite": suite,
            "tools": set_spec(tools, _DEBS) if tools else None,
        },
    )
    return struct(root = root, tars = tars + [root.tar])

def deb_layer_attrs(info, rootfs):
    """Attributes of a rule for layers of locked packages.

    Args:
      info: the provider by which layers of this kind know each other.
      rootfs: label of the program that computes a layer.

    Returns:
      dict: attributes.
    """
    return root_layer_attrs(
        info = info,
        packages = "@debian//<suite>/<arch>:<set>",
        rootfs = rootfs,
    ) | {
        "debs": attr.label(
            mandatory = True,
            allow_files = [".deb"],
            doc = "The package files, @debian//<suite>/<arch>:<set>.",
        ),
        "suite": attr.string(mandatory = True, doc = "Debian's name of the suite"),
    }
