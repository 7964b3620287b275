"""Repository rules: python.org's zip archives for Windows, checked against catalog/windows.yaml."""

_OFFICIAL = "https://www.python.org/ftp/python/"

def archive_urls(url, mirror):
    """The URLs an archive may come from.

    Args:
      url: the official one.
      mirror: URL of a copy of python.org's ftp/python folder, or "".

    Returns:
      the URLs in the order they are to be tried.
    """
    if mirror and url.startswith(_OFFICIAL):
        return [mirror.rstrip("/") + "/" + url.removeprefix(_OFFICIAL), url]
    return [url]

def _windows_python_impl(rctx):
    url = rctx.attr.url
    if not rctx.attr.sha256:
        fail("\n".join([
            "",
            "catalog/windows.yaml has no sha256 of {}".format(url.rpartition("/")[2]),
            "Take it from the page of release {} at python.org, and add it there:".format(rctx.attr.version),
            "  sha256:",
            "    {}:".format(rctx.attr.version),
            "      archive: <64 hex digits>",
        ]))
    urls = archive_urls(url, rctx.getenv("PYTHON_MIRROR") or "")
    rctx.report_progress("Fetching Python {} for Windows".format(rctx.attr.version))
    result = rctx.download(urls, "python.zip", sha256 = rctx.attr.sha256, allow_fail = True)
    if not result.success:
        fail("\n".join([
            "",
            "Python {} for Windows can't be fetched with the sha256 of catalog/windows.yaml".format(
                rctx.attr.version,
            ),
            "({}) from any of:".format(rctx.attr.sha256),
        ] + ["  " + url for url in urls] + [
            "From elsewhere: --repo_env=PYTHON_MIRROR=<URL of a copy of python.org's ftp/python folder>",
        ]))
    rctx.file("BUILD.bazel", 'exports_files(["python.zip"])\n', executable = False)

windows_python = repository_rule(
    implementation = _windows_python_impl,
    doc = "The archive of a release as //:python.zip.",
    attrs = {
        "sha256": attr.string(doc = "empty where it isn't known: fetching then says what to do"),
        "url": attr.string(mandatory = True, doc = "its official URL"),
        "version": attr.string(mandatory = True, doc = "the release"),
    },
)

def _windows_pythons_impl(rctx):
    rctx.file("BUILD.bazel", "\n".join([
        'alias(\n    name = "{}",\n    actual = "@{}//:python.zip",\n    {},\n)\n'.format(
            version,
            repo,
            'visibility = ["//visibility:public"]',
        )
        for version, repo in rctx.attr.repos.items()
    ]), executable = False)

windows_pythons = repository_rule(
    implementation = _windows_pythons_impl,
    doc = "Names the archives of all releases: //:<version>.",
    attrs = {
        "repos": attr.string_dict(mandatory = True, doc = "version -> repository of its archive"),
    },
)
