"""Repository rule: a source archive out of Debian's pool, by its sha256."""

load(":mirrors.bzl", "debian_mirrors", "debian_urls")

def _debian_source_impl(rctx):
    urls = debian_urls(debian_mirrors(rctx), rctx.attr.pool)
    result = rctx.download(urls, rctx.attr.file, sha256 = rctx.attr.sha256, allow_fail = True)
    if not result.success:
        fail("\n".join([
            "",
            "{} can't be fetched with the sha256 of MODULE.bazel".format(rctx.attr.pool),
            "({}) from any of:".format(rctx.attr.sha256),
        ] + ["  " + url for url in urls] + [
            "From elsewhere: --repo_env=DEBIAN_MIRROR=<root URL of a Debian mirror>",
        ]))
    rctx.file("BUILD.bazel", "exports_files([{}])\n".format(repr(rctx.attr.file)), executable = False)

debian_source = repository_rule(
    implementation = _debian_source_impl,
    doc = "The archive as //:<file>.",
    attrs = {
        "file": attr.string(mandatory = True, doc = "what to call it"),
        "pool": attr.string(mandatory = True, doc = "its path on a Debian mirror"),
        "sha256": attr.string(mandatory = True),
    },
)
