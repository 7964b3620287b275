"""image_sign and images_sign: programs that attach documents to pushed images, and sign both."""

load("//python_images/private/tools:program.bzl", "program")
load(":info.bzl", "AttestationsInfo")

SigningInfo = provider(
    doc = "What there is to attach to some images, and to sign.",
    fields = {
        "entries": "list of dicts: the images of the plan that tools/oci/attest/attest.py reads",
        "runfiles": "runfiles: the images and their documents",
    },
)

# What both rules run.
_TOOLS = {
    "_attest": attr.label(
        default = "//tools/oci/attest",
        executable = True,
        cfg = "exec",
    ),
    "_cosign": attr.label(
        default = "//toolchains/oci:cosign",
        executable = True,
        cfg = "exec",
    ),
}

def _sign(ctx, entries, runfiles):
    plan = ctx.actions.declare_file(ctx.label.name + ".plan.json")
    ctx.actions.write(plan, json.encode_indent({"images": entries}) + "\n")
    return [
        program(
            ctx,
            tool = ctx.attr._attest,
            arguments = [
                "--plan=" + plan.short_path,
                "--cosign=" + ctx.executable._cosign.short_path,
            ],
            files = [plan],
            runfiles = [runfiles, ctx.attr._cosign[DefaultInfo].default_runfiles],
        ),
        SigningInfo(entries = entries, runfiles = runfiles),
    ]

def _image_sign_impl(ctx):
    layout = ctx.file.image
    runfiles = ctx.attr.image[DefaultInfo].default_runfiles
    groups = ctx.attr.image[OutputGroupInfo] if OutputGroupInfo in ctx.attr.image else struct()
    if hasattr(groups, "oci_outline"):
        # The image without its layers: they are in the registry, and nothing here reads them.
        (layout,) = groups.oci_outline.to_list()
        runfiles = ctx.runfiles()
    files = [layout]
    attestations = []
    for sbom in ctx.attr.sboms:
        info = sbom[AttestationsInfo]
        documents = {
            "cyclonedx": info.cyclonedx,
            "provenance": info.provenance,
            "spdx": info.spdx,
        } | ({"vex": info.vex} if info.vex else {})
        files += documents.values()
        attestations.append({name: file.short_path for name, file in documents.items()})
    entry = {
        "attestations": attestations,
        "layout": layout.short_path,
        "name": ctx.label.name.removesuffix(".sign"),
        "tags": ctx.attr.image_tags,
    }
    return _sign(ctx, [entry], ctx.runfiles(files = files).merge(runfiles))

image_sign = rule(
    implementation = _image_sign_impl,
    doc = """`bazel run <name> -- --repository HOST/PATH --key FILE` attaches documents and signs.

The image has to be in the repository already. `--attach-only` in the place of `--key` signs nothing.""",
    attrs = {
        "image": attr.label(
            mandatory = True,
            allow_single_file = True,
            doc = "An image, or an index of images.",
        ),
        "image_tags": attr.string_list(doc = "Further names that `--only` knows the image by."),
        "sboms": attr.label_list(
            mandatory = True,
            providers = [AttestationsInfo],
            doc = "The image_sbom of each of its images.",
        ),
    } | _TOOLS,
    executable = True,
    provides = [SigningInfo],
)

def _images_sign_impl(ctx):
    infos = [target[SigningInfo] for target in ctx.attr.images]
    entries = [entry for info in infos for entry in info.entries]
    return _sign(ctx, entries, ctx.runfiles().merge_all([info.runfiles for info in infos]))

images_sign = rule(
    implementation = _images_sign_impl,
    doc = """image_sign for many images: `bazel run <name> -- --repository … --key … [--only PATTERN]`.""",
    attrs = {
        "images": attr.label_list(
            mandatory = True,
            providers = [SigningInfo],
            doc = "The image_sign of each.",
        ),
    } | _TOOLS,
    executable = True,
    provides = [SigningInfo],
)

# What index_attestations declares, besides what hangs off every image.
INDEX_ATTESTATIONS = ["provenance", "sbom", "sign"]

def index_attestations(name, images, image_tags = [], **common):
    """Declares what there is to be said of an index, beside the index itself.

    `<name>.sbom` and `<name>.provenance`, the documents of all its images, and `<name>.sign` (run).

    Args:
      name: the index's target.
      images: the targets of its images, each with its image_attestations.
      image_tags: further names that `--only` knows it by.
      **common: visibility and testonly.
    """
    for companion in ["provenance", "sbom"]:
        native.filegroup(
            name = "{}.{}".format(name, companion),
            srcs = ["{}.{}".format(image, companion) for image in images],
            tags = ["manual"],
            **common
        )
    image_sign(
        name = name + ".sign",
        image = name,
        image_tags = image_tags,
        sboms = [image + ".sbom" for image in images],
        tags = ["manual"],
        **common
    )
