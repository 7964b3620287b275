"""image_cves: a program that reports an image's known vulnerabilities."""

load("//python_images/private/tools:program.bzl", "program")
load(":info.bzl", "AttestationsInfo")

def _image_cves_impl(ctx):
    info = ctx.attr.sbom[AttestationsInfo]
    bill = info.cyclonedx

    # What the image's own patches fix, then what has been said besides.
    statements = ([info.vex] if info.vex else []) + ctx.files.vex
    files = [bill] + statements
    arguments = ["--bill=" + bill.short_path]
    arguments += ["--vex=" + file.short_path for file in statements]
    if ctx.file.lock:
        files.append(ctx.file.lock)
        arguments.append("--lock=" + ctx.file.lock.short_path)

        # Alerts are shown in files of the repository that is built.
        if not ctx.label.repo_name:
            arguments.append("--lock-name=" + ctx.file.lock.short_path)
    return [program(
        ctx,
        tool = ctx.attr._cves,
        arguments = arguments,
        files = files,
    )]

image_cves = rule(
    implementation = _image_cves_impl,
    doc = """`bazel run <name> -- --data FILE|URL` reports the known vulnerabilities of an image.

As text, JSON or SARIF; nothing fails unless `--fail-on` asks for it.""",
    attrs = {
        "lock": attr.label(
            allow_single_file = [".lock"],
            doc = "The lock of its packages, where SARIF's alerts are to be shown.",
        ),
        "sbom": attr.label(
            mandatory = True,
            providers = [AttestationsInfo],
            doc = "The image's image_sbom.",
        ),
        "vex": attr.label_list(
            allow_files = [".json"],
            doc = "OpenVEX documents: vulnerabilities known to be harmless, with reasons.",
        ),
        "_cves": attr.label(
            default = "//tools/cves:main",
            executable = True,
            cfg = "exec",
        ),
    },
    executable = True,
)
