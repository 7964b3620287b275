"""Repository rules: python.org's zip archives for Windows, checked against catalog/windows.yaml."""

load(":python_org.bzl", "fetch_archive", "name_files")

_FILE = "python.zip"

def _windows_python_impl(rctx):
    if not rctx.attr.sha256:
        fail("\n".join([
            "",
            "catalog/windows.yaml has no sha256 of {}".format(rctx.attr.url.rpartition("/")[2]),
            "Take it from the page of release {} at python.org, and add it there:".format(rctx.attr.version),
            "  sha256:",
            "    {}:".format(rctx.attr.version),
            "      archive: <64 hex digits>",
        ]))
    fetch_archive(
        rctx,
        _FILE,
        "Python {} for Windows".format(rctx.attr.version),
        "catalog/windows.yaml",
    )

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
    name_files(rctx, {
        version: "{}//:{}".format(repo, _FILE)
        for version, repo in rctx.attr.repos.items()
    })

windows_pythons = repository_rule(
    implementation = _windows_pythons_impl,
    doc = "Names the archives of all releases: //:<version>.",
    attrs = {
        "repos": attr.string_dict(mandatory = True, doc = "version -> repository of its archive"),
    },
)
