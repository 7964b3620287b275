"""image_cves: a program that reports known vulnerabilities, of an image or of those of an index."""

load("//python_images/private/tools:program.bzl", "program")
load(":info.bzl", "AttestationsInfo")

_CvesInfo = provider(
    doc = "What a report of one image, or of several, is made from.",
    fields = {
        "arguments": "list of the program's arguments",
        "files": "list of Files that they name",
    },
)

def _of_image(ctx):
    """What the report of the image of a bill is made from."""
    info = ctx.attr.sbom[AttestationsInfo]
    bill = info.cyclonedx

    # What the image's own patches fix, then what has been said besides.
    statements = ([info.vex] if info.vex else []) + ctx.files.vex
    lock = ctx.file.lock

    # Alerts are shown in files of the repository that is built.
    shown = lock.short_path if lock and not ctx.label.repo_name else ""
    return _CvesInfo(
        arguments = [
            "--bill=" + bill.short_path,
            "--lock=" + (lock.short_path if lock else ""),
            "--lock-name=" + shown,
        ] + ["--vex=" + file.short_path for file in statements],
        files = [bill] + statements + ([lock] if lock else []),
    )

def _image_cves_impl(ctx):
    if bool(ctx.attr.sbom) == bool(ctx.attr.images):
        fail("{}: image_cves: give either sbom, of an image, or images, the image_cves of those of an index".format(ctx.label))
    parts = [image[_CvesInfo] for image in ctx.attr.images] or [_of_image(ctx)]

    # Images of one workspace have statements in common.
    arguments = []
    for part in parts:
        arguments += [word for word in part.arguments if not word.startswith("--vex=") or word not in arguments]
    files = depset([file for part in parts for file in part.files]).to_list()
    return [
        program(
            ctx,
            tool = ctx.attr._cves,
            arguments = arguments,
            files = files,
        ),
        _CvesInfo(arguments = arguments, files = files),
    ]

image_cves = rule(
    implementation = _image_cves_impl,
    doc = """`bazel run <name> -- --data FILE|URL` reports the known vulnerabilities of an image.

As text, JSON or SARIF; nothing fails unless `--fail-on` asks for it.""",
    attrs = {
        "images": attr.label_list(
            providers = [_CvesInfo],
            doc = "Of an index, instead of `sbom`: the image_cves of its images.",
        ),
        "lock": attr.label(
            allow_single_file = [".lock"],
            doc = "The lock of its packages, where SARIF's alerts are to be shown.",
        ),
        "sbom": attr.label(
            providers = [AttestationsInfo],
            doc = "The image's image_sbom.",
        ),
        "vex": attr.label_list(
            allow_files = [".json"],
            doc = "OpenVEX documents: vulnerabilities known to be harmless, with reasons.",
        ),
        "_cves": attr.label(
            default = "//tools/attestations/cves:report_cves",
            executable = True,
            cfg = "exec",
        ),
    },
    executable = True,
)
