"""Repository rule: the source archive of one CPython release, checked against the catalog."""

load("//python_images/private/roots/debian:mirrors.bzl", "debian_mirrors", "debian_urls")
load(":python_org.bzl", "fetch_archive", "name_archives")

_FILE = "source.tar.xz"

def _cpython_source_impl(rctx):
    fetch_archive(
        rctx,
        _FILE,
        "the source of CPython " + rctx.attr.version,
        "catalog/versions.yaml",
        debian_urls(debian_mirrors(rctx), rctx.attr.pool),
    )

cpython_source = repository_rule(
    implementation = _cpython_source_impl,
    doc = "The source archive as //:source.tar.xz.",
    attrs = {
        "pool": attr.string(mandatory = True, doc = "its path on a Debian mirror"),
        "sha256": attr.string(mandatory = True),
        "url": attr.string(mandatory = True, doc = "its official URL"),
        "version": attr.string(mandatory = True, doc = "the release, for messages"),
    },
)

def _cpython_sources_impl(rctx):
    name_archives(rctx, _FILE)

cpython_sources = repository_rule(
    implementation = _cpython_sources_impl,
    doc = "Names the sources of all releases: //:<version>.",
    attrs = {
        "repos": attr.string_dict(mandatory = True, doc = "version -> repository of its source"),
    },
)
