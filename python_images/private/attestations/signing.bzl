"""image_sign and images_sign: programs that attach documents to pushed images, and sign both."""

load("//python_images/private/oci:selection.bzl", "choosing_program")
load("//python_images/private/tools:program.bzl", "program")
load(":cves.bzl", "image_cves")
load(":info.bzl", "AttestationsInfo")

_COSIGN = Label("//toolchains/oci:cosign")

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
    plan = ctx.actions.declare_file(ctx.label.name + ".plan.json")
    ctx.actions.write(plan, json.encode_indent({
        "attestations": attestations,
        "layout": layout.short_path,
        "name": ctx.label.name.removesuffix(".sign"),
    }) + "\n")
    return [program(
        ctx,
        tool = ctx.attr._attest,
        arguments = [
            "--plan=" + plan.short_path,
            "--cosign=" + ctx.executable._cosign.short_path,
        ],
        files = files + [plan],
        runfiles = [runfiles, ctx.attr._cosign[DefaultInfo].default_runfiles],
    )]

image_sign = rule(
    implementation = _image_sign_impl,
    doc = """`bazel run <name> -- --repository HOST/PATH --key FILE` attaches documents and signs.

The image has to be in the repository already. `--attach-only` instead of `--key` signs nothing.""",
    attrs = {
        "image": attr.label(
            mandatory = True,
            allow_single_file = True,
            doc = "An image, or an index of images.",
        ),
        "sboms": attr.label_list(
            mandatory = True,
            providers = [AttestationsInfo],
            doc = "The image_sbom of each of its images.",
        ),
        "_attest": attr.label(
            default = "//tools/oci/attest",
            executable = True,
            cfg = "exec",
        ),
        "_cosign": attr.label(
            default = _COSIGN,
            executable = True,
            cfg = "exec",
        ),
    },
    executable = True,
)

def images_sign(name, images, **kwargs):
    """image_sign for many images: `bazel run <name> -- --repository … --key … [--only PATTERN]`.

    It only builds the documents of the chosen images.

    Args:
      name: name of the program.
      images: the image_sign of each, named `<image>.sign`: a dict to the lists of the images' tags, by
        which `--only` knows them besides, or a list.
      **kwargs: tags, visibility and other attributes every rule has.
    """
    choosing_program(
        name = name,
        cosign = _COSIGN,
        images = images if type(images) == "dict" else {image: [] for image in images},
        tool = Label("//tools/oci/publishing:sign"),
        **kwargs
    )

# The companion targets that index_attestations declares, besides those of every image.
INDEX_ATTESTATIONS = ["cves", "provenance", "sbom", "sign"]

def index_attestations(name, images, cves = None, **common):
    """Declares the targets that sign an index and publish the documents about its images.

    `<name>.sbom` and `<name>.provenance`, the documents of all its images, `<name>.cves` and `<name>.sign`
    (both run).

    Args:
      name: the index's target.
      images: the targets of its images, each with its image_attestations.
      cves: those of them that `.cves` is about; all by default, and with none there is no `.cves`.
      **common: visibility and testonly.
    """
    for companion in ["provenance", "sbom"]:
        native.filegroup(
            name = "{}.{}".format(name, companion),
            srcs = ["{}.{}".format(image, companion) for image in images],
            tags = ["manual"],
            **common
        )
    cves = images if cves == None else cves
    if cves:
        image_cves(
            name = name + ".cves",
            images = [image + ".cves" for image in cves],
            tags = ["manual"],
            **common
        )
    image_sign(
        name = name + ".sign",
        image = name,
        sboms = [image + ".sbom" for image in images],
        tags = ["manual"],
        **common
    )
