"""oci_load: an image into the local container engine, or as a tar for one."""

load("@python_images//python_images:rules_oci.bzl", "outline_of")
load(":private/launcher.bzl", "launcher")

def _oci_load_impl(ctx):
    tarball = ctx.actions.declare_file(ctx.label.name + "/tarball.tar")
    args = ctx.actions.args()
    args.add("archive")
    args.add("--output", tarball)
    args.add_all("--image", [ctx.file.image], expand_directories = False)
    args.add("--format", ctx.attr.format)
    args.add("--tags", ctx.file.repo_tags)

    # Runs only where the output group is asked for: `bazel run` streams instead.
    ctx.actions.run(
        executable = ctx.executable._assemble,
        arguments = [args],
        inputs = [ctx.file.image, ctx.file.repo_tags],
        outputs = [tarball],
        mnemonic = "OCITarball",
        progress_message = "Packing an archive for %{label}",
    )

    # With an outline layers are fetched when it turns out that the engine lacks them.
    image = outline_of(ctx.attr.image) or ctx.file.image
    arguments = ["--image", image, "--format", ctx.attr.format, "--tags", ctx.file.repo_tags]
    runfiles = []
    if ctx.executable.loader:
        arguments += ["--loader", ctx.executable.loader]
        runfiles.append(ctx.attr.loader[DefaultInfo].default_runfiles)
    return [
        launcher(
            ctx,
            name = ctx.label.name + ".sh",
            tool = ctx.attr._load,
            arguments = arguments,
            files = [image, ctx.file.repo_tags] +
                    ([ctx.executable.loader] if ctx.executable.loader else []),
            runfiles = runfiles,
        ),
        OutputGroupInfo(tarball = depset([tarball])),
    ]

oci_load = rule(
    implementation = _oci_load_impl,
    doc = "`bazel run` loads the image; the output group `tarball` is the tar it would load.",
    attrs = {
        "format": attr.string(
            default = "docker",
            values = ["docker", "oci"],
            doc = "docker: what every engine loads, one image. oci: an image index, too.",
        ),
        "image": attr.label(
            mandatory = True,
            allow_single_file = True,
            doc = "An oci_image, or an oci_image_index with format oci.",
        ),
        "loader": attr.label(
            executable = True,
            allow_files = True,
            cfg = "target",
            doc = "A program run as `load --input FILE`; default: docker, podman, nerdctl or ctr on PATH.",
        ),
        "repo_tags": attr.label(
            mandatory = True,
            allow_single_file = [".txt"],
            doc = "repository:tag names for the image, one per line.",
        ),
        "_assemble": attr.label(default = Label("@python_images//tools/oci/assembler:assemble"), executable = True, cfg = "exec"),
        "_launcher": attr.label(default = Label("//oci:private/launcher.sh.tpl"), allow_single_file = True),
        "_load": attr.label(default = Label("@python_images//tools/oci/load"), executable = True, cfg = "exec"),
    },
    executable = True,
)
