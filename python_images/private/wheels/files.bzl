"""Repository rule: pinned wheels as files, for layers of images."""

load(":locked.bzl", "fetch_wheels", "wheel_targets")

def _machine(platforms):
    """The options for pip's names of a platform; fails where they aren't of Linux."""
    options = ["--pip-platform=" + platform for platform in platforms]
    return options or ["--this-machine"]

def _wheel_files_impl(rctx):
    options = _machine(rctx.attr.platforms)
    if rctx.attr.python_version:
        options.append("--python=" + rctx.attr.python_version)
    files = fetch_wheels(rctx, rctx.attr.lock, options)
    rctx.file("BUILD.bazel", """\
package(default_visibility = ["//visibility:public"])

filegroup(
    name = "all",
    srcs = {all},
)
""".format(all = ["wheels/" + file for file in files]) + wheel_targets(files), executable = False)
    return rctx.repo_metadata(reproducible = True) if hasattr(rctx, "repo_metadata") else None

wheel_files = repository_rule(
    implementation = _wheel_files_impl,
    doc = """Fetches pinned wheels for one platform: //:<name> is a wheel, //:all are all of them.

The index is the one pip is set up for on the machine. `wheels.lock` of extensions.bzl serves all
platforms by one lock.""",
    attrs = {
        "lock": attr.label(
            mandatory = True,
            doc = "requirements.txt with hashes (pip-compile, uv pip compile), uv.lock or pylock.toml, " +
                  "dependencies included.",
        ),
        "pip": attr.label(default = "@tool_python//:share/pip.whl", doc = "pip's own wheel"),
        "platforms": attr.string_list(
            doc = "pip's names of the image's platform, such as manylinux_2_28_aarch64; else this machine's.",
        ),
        "python": attr.label(default = "@tool_python//:bin/python3", doc = "the tool interpreter"),
        "python_version": attr.string(doc = "The image's Python, 3.13, where it isn't the tools'."),
    },
)
