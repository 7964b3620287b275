"""Which emulator runs which platform's programs."""

load("@catalog//:catalog.bzl", "CATALOG")
load("//toolchains/cc:build_sets.bzl", "TOOLS_SUITE", "build_set")

# QEMU's name of each platform that the build machine can't run itself.
EMULATORS = {
    platform: facts["qemu"]
    for platform, facts in CATALOG["platforms"].items()
    if facts["qemu"]
}

def what_is_wrong_with(platform):
    """Why `platform` can't be tested.

    Args:
      platform: a platform's name.

    Returns:
      a string, or None if nothing is wrong.
    """
    known = sorted(CATALOG["platforms"])
    return None if platform in known else "no platform {} is known; those of catalog/platforms.yaml are: {}".format(
        repr(platform),
        ", ".join(known),
    )

def emulator_for(platform):
    """The emulator of a platform. It is an error if there is no such platform.

    Args:
      platform: a platform's name.

    Returns:
      a label, or None where none is needed.
    """
    problem = what_is_wrong_with(platform)
    if problem:
        fail(problem)
    return Label("//toolchains/emulator:" + platform) if platform in EMULATORS else None

def _emulator_impl(ctx):
    out = ctx.actions.declare_file("qemu-" + ctx.attr.qemu)
    args = ctx.actions.args()
    args.add_all(ctx.files.debs, before_each = "--deb")
    args.add("--member=usr/bin/qemu-" + ctx.attr.qemu)
    args.add("--out", out)
    ctx.actions.run(
        executable = ctx.executable._extract,
        arguments = [args],
        inputs = ctx.files.debs,
        outputs = [out],
        mnemonic = "Emulator",
        progress_message = "Unpacking qemu-{} for images of {}".format(ctx.attr.qemu, ctx.label.name),
    )
    return [DefaultInfo(files = depset([out]), executable = out)]

_emulator = rule(
    implementation = _emulator_impl,
    attrs = {
        "debs": attr.label_list(allow_files = [".deb"], mandatory = True),
        "qemu": attr.string(mandatory = True),
        "_extract": attr.label(
            default = "//toolchains/emulator:extract",
            executable = True,
            cfg = "exec",
        ),
    },
    executable = True,
)

def emulator(name, **kwargs):
    """Declares the emulator of one platform, unpacked from the locked package.

    Args:
      name: the platform, as catalog/platforms.yaml names it.
      **kwargs: common attributes.
    """
    _emulator(
        name = name,
        debs = [build_set(TOOLS_SUITE, "amd64", "emulator")],
        qemu = EMULATORS[name],
        # Unpacked where it is needed, not by `bazel build //...`.
        tags = ["manual"],
        visibility = ["//visibility:public"],
        **kwargs
    )
