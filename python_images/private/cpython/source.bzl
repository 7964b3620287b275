"""Repository rule: the source archive of one CPython release, checked against the catalog."""

load("//python_images/private/roots/debian:mirrors.bzl", "debian_mirrors", "debian_urls")

_OFFICIAL = "https://www.python.org/ftp/python/"

def source_urls(url, pool, mirror, debian):
    """The URLs a source archive may come from.

    Args:
      url: the official one.
      pool: path on a Debian mirror.
      mirror: URL of a copy of python.org's ftp/python folder, or "".
      debian: function from a pool path to URLs on Debian mirrors.

    Returns:
      the URLs in the order they are to be tried.
    """
    urls = [url] + debian(pool)
    if mirror and url.startswith(_OFFICIAL):
        urls = [mirror.rstrip("/") + "/" + url.removeprefix(_OFFICIAL)] + urls
    return urls

def _cpython_source_impl(rctx):
    # A machine without any Debian mirror still has python.org.
    mirrors = debian_mirrors(rctx)
    urls = source_urls(
        rctx.attr.url,
        rctx.attr.pool,
        rctx.getenv("PYTHON_MIRROR") or "",
        lambda pool: debian_urls(rctx, pool, mirrors = mirrors) if mirrors.main else [],
    )
    rctx.report_progress("Fetching the source of CPython {}".format(rctx.attr.version))
    result = rctx.download(urls, "source.tar.xz", sha256 = rctx.attr.sha256, allow_fail = True)
    if not result.success:
        fail("\n".join([
            "",
            "the source of CPython {} can't be fetched with the sha256 of catalog/versions.yaml".format(
                rctx.attr.version,
            ),
            "({}) from any of:".format(rctx.attr.sha256),
        ] + ["  " + url for url in urls] + [
            "From elsewhere: --repo_env=PYTHON_MIRROR=<URL of a copy of python.org's ftp/python folder>",
        ]))
    rctx.file("BUILD.bazel", 'exports_files(["source.tar.xz"])\n', executable = False)

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
    rctx.file("BUILD.bazel", "\n".join([
        'alias(\n    name = "{}",\n    actual = "@{}//:source.tar.xz",\n    {},\n)\n'.format(
            version,
            repo,
            'visibility = ["//visibility:public"]',
        )
        for version, repo in rctx.attr.repos.items()
    ]), executable = False)

cpython_sources = repository_rule(
    implementation = _cpython_sources_impl,
    doc = "Names the sources of all releases: //:<version>.",
    attrs = {
        "repos": attr.string_dict(mandatory = True, doc = "version -> repository of its source"),
    },
)
