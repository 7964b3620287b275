"""What the rules for root file systems share, whatever their kind."""

RootInfo = provider(
    doc = "A root file system up to one of its layers, as further layers and images see it. " +
          "Each kind gives it: debian_layer, alpine_layer, windows_base.",
    fields = {
        "by_need": "bool: whether the uppermost layer's packages are chosen by need, so that " +
                   "they are unknown before it is computed; no layer of packages can lie on it.",
        "installed": "File: JSON of all packages in the tree; None of a base image.",
        "listing": "File: one line per path of the uppermost layer: type, mode, owner, size, " +
                   "digest; None of a base image.",
        "packages": "list of File: what its package files are, <set>.json of each package set, " +
                    "those of the lowest layer first; empty of a base image.",
        "release": "string: the release of the distribution, such as trixie, alpine3.24 or ltsc2025.",
        "tar": "File: the uppermost layer, an uncompressed tar; None of a base image, whose " +
               "layers are only known by their digests.",
    },
)

def package_set(files, packages):
    """A locked package set: a struct of its `files`, and `packages`, the JSON that says what they are."""
    return struct(files = files, packages = packages)

def set_inputs(set):
    """The Files of a package set, for an action that reads its set_spec."""
    return [set.packages] + set.files

def set_spec(set, key):
    """A package set as it stands in a layer's spec; `key` says what its files are, such as debs."""
    return {
        "packages": set.packages.path,
        key: [file.path for file in set.files],
    }

def layer_below(ctx, info):
    """What a layer lies on.

    Args:
      ctx: context of a rule with the attribute below.
      info: the provider by which layers of this kind know each other.

    Returns:
      that provider; None for a base. Fails where no layer can lie.
    """
    if not ctx.attr.below:
        return None
    if ctx.attr.below[RootInfo].by_need:
        fail("{}: can't lie on {}, whose packages are chosen by need, hence unknown here".format(
            ctx.label,
            ctx.attr.below.label,
        ))
    return ctx.attr.below[info]

def given_epoch(ctx):
    """The epoch a layer's spec gives; None where the layer's packages decide."""
    return ctx.attr.epoch or None

def compute_layer(ctx, arch, own, key, release, spec, mnemonic, inputs = [], options = [], outputs = []):
    """Declares the action that computes a layer, <name>.tar.

    Args:
      ctx: context of a rule with root_layer_attrs.
      arch: the facts of the architecture, of arch.bzl.
      own: the layer's package set; with the attribute needed_by, what is chosen from.
      key: what its files are, such as debs.
      release: the release of the distribution.
      spec: dict: what the program has to be told besides.
      mnemonic: of the action.
      inputs: Files it reads besides.
      options: strings and Files, options of the program besides.
      outputs: Files it writes besides.

    Returns:
      a RootInfo.
    """
    needed_by = ctx.file.needed_by
    value = set_spec(own, key)
    file = ctx.actions.declare_file(ctx.label.name + ".spec.json")
    ctx.actions.write(file, json.encode({
        # What of the set is the layer's own is known only when it is computed.
        "add": [] if needed_by else [value],
        "arch": arch,
        "epoch": given_epoch(ctx),
        "select": value | {"for": needed_by.path} if needed_by else None,
    } | spec))
    tar = ctx.actions.declare_file(ctx.label.name + ".tar")
    installed = ctx.actions.declare_file(ctx.label.name + ".installed.json")
    listing = ctx.actions.declare_file(ctx.label.name + ".listing.txt")
    args = ctx.actions.args()
    args.add(file)
    args.add("--layer", tar)
    args.add("--installed", installed)
    args.add("--listing", listing)
    for option in options:
        args.add(option)
    ctx.actions.run(
        executable = ctx.executable._rootfs,
        arguments = [args],
        inputs = [file] + set_inputs(own) + ([needed_by] if needed_by else []) + inputs,
        outputs = [tar, installed, listing] + outputs,
        mnemonic = mnemonic,
        progress_message = "Computing the root file system layer %{label}",
    )
    below = ctx.attr.below[RootInfo].packages if ctx.attr.below else []
    return RootInfo(
        by_need = bool(needed_by),
        installed = installed,
        listing = listing,
        packages = below + [own.packages],
        release = release,
        tar = tar,
    )

def layer_providers(root):
    """What a rule for layers returns besides the provider of its kind; `root` is a RootInfo."""
    return [
        DefaultInfo(files = depset([root.tar])),
        OutputGroupInfo(
            installed = depset([root.installed]),
            listing = depset([root.listing]),
        ),
        root,
    ]

def root_layer_attrs(info, packages, rootfs):
    """Attributes of a rule for layers, whichever their kind.

    Args:
      info: the provider by which layers of this kind know each other.
      packages: for the documentation, a package set's label.
      rootfs: label of the program that computes a layer.

    Returns:
      dict: attributes.
    """
    return {
        "arch": attr.string(mandatory = True, doc = "The distribution's name of the architecture."),
        "below": attr.label(
            providers = [info, RootInfo],
            doc = "The layer below this one; none for a base.",
        ),
        "epoch": attr.int(
            doc = "Time of everything that is computed, seconds since 1970. As a rule, packages " +
                  "decide: it is the newest time that those of this layer record; of a layer " +
                  "without any of its own, the time of the layer below.",
        ),
        "needed_by": attr.label(
            allow_single_file = [".tar"],
            doc = "Take only the packages whose shared libraries the programs in this tar need, " +
                  "and what those depend on, as if each had been asked for by name.",
        ),
        "packages": attr.label(
            mandatory = True,
            allow_single_file = [".json"],
            doc = "What the package files are, {}.json.".format(packages),
        ),
        "_rootfs": attr.label(
            default = rootfs,
            executable = True,
            cfg = "exec",
        ),
    }
