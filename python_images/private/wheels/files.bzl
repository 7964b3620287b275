"""Repository rule: pinned wheels as files, for layers of images."""

load(":repository.bzl", "download_wheels", "parse_lock")

def _normal(name):
    """A distribution's name as locks write it: lower case, runs of - _ . as one dash."""
    return "-".join([part for part in name.lower().replace("_", "-").replace(".", "-").split("-") if part])

def _wheel_files_impl(rctx):
    rows = parse_lock(rctx)
    lock = rctx.path(rctx.attr.lock)
    options = ["--python-version=" + rctx.attr.python_version] if rctx.attr.python_version else []
    options += ["--platform=" + platform for platform in rctx.attr.platforms]
    rctx.report_progress("Downloading {} wheels".format(len(rows)))
    result = download_wheels(rctx, lock, options)
    if result.return_code != 0:
        fail("{}: the pinned wheels can't be fetched.\n{}\n".format(lock, result.stderr) +
             "Is the package index set for pip (pip config list)? " +
             "Does each pin have a wheel for this version of Python and these platforms?")
    files = {}
    for wheel in rctx.path("wheels").readdir():
        files[_normal(wheel.basename.split("-")[0])] = wheel.basename
    names = [_normal(name) for name, _, _ in rows]
    rctx.file("BUILD.bazel", """\
package(default_visibility = ["//visibility:public"])

filegroup(
    name = "all",
    srcs = {all},
)
""".format(all = [":" + name for name in names]) + "".join(["""
filegroup(
    name = "{name}",
    srcs = ["wheels/{file}"],
)
""".format(name = name, file = files[name]) for name in names]), executable = False)
    return rctx.repo_metadata(reproducible = True) if hasattr(rctx, "repo_metadata") else None

wheel_files = repository_rule(
    implementation = _wheel_files_impl,
    doc = """Fetches pinned wheels, for layers of images: //:<name> is a wheel, //:all are all of them.

The index is the one pip is set up for on the machine.""",
    attrs = {
        "lock": attr.label(
            mandatory = True,
            doc = "Lines of the form name==version --hash=sha256:…, dependencies included.",
        ),
        "pip": attr.label(default = "@tool_python//:share/pip.whl", doc = "pip's own wheel"),
        "platforms": attr.string_list(
            doc = "pip's names of the image's platform, such as manylinux_2_28_aarch64; else this machine's.",
        ),
        "python": attr.label(default = "@tool_python//:bin/python3", doc = "the tool interpreter"),
        "python_version": attr.string(doc = "The image's Python, 3.13, where it isn't the tools'."),
    },
)
