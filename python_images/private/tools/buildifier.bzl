"""Repository rule: the pinned buildifier, from its npm package.

Where no npm registry is known (npm.bzl), //:buildifier is an empty file, and the
check that wants it reports itself as skipped: formatting is no reason to fail a build.
"""

load(":npm.bzl", "npm_package")

def _buildifier_impl(rctx):
    if npm_package(rctx, "@bazel/buildifier", rctx.attr.version, rctx.attr.integrity):
        (program,) = [
            p
            for p in rctx.path("unpacked/package").readdir()
            if p.basename in ("buildifier-linux_amd64", "buildifier-linux_x64")
        ]
        rctx.symlink(program, "buildifier")
    else:
        rctx.file("buildifier", "", executable = False)
    rctx.file("BUILD.bazel", 'exports_files(["buildifier"])\n')

buildifier_repo = repository_rule(
    implementation = _buildifier_impl,
    doc = "The buildifier program as //:buildifier; an empty file where npm is out of reach.",
    attrs = {
        "integrity": attr.string(mandatory = True, doc = "npm's own checksum of the package"),
        "version": attr.string(mandatory = True),
    },
)
