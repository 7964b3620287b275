"""Module extension: reads the catalog once, for everything that depends on it.

The YAML is read and checked by tools/catalog, run with the tool interpreter; a bad catalog stops
the build with that program's message. It gives the repository @catalog, whose catalog.bzl
holds the catalog as CATALOG, in the shape tools/catalog/export.py describes, and
@cpython_sources//:<version>, the source archive of each release.
"""

load(":cpython_source.bzl", "cpython_source", "cpython_sources")

def _read_catalog(mctx):
    """Returns the checked catalog as JSON, keys in the catalog's own order, and what is wrong with it."""
    root = mctx.path(Label("//:MODULE.bazel")).dirname
    yaml = mctx.path(Label("@wheels//:BUILD.bazel")).dirname.get_child("site/pyyaml")

    # A new or changed file is a new catalog.
    for folder, suffix in (("catalog", ".yaml"), ("tools/catalog", ".py")):
        for file in root.get_child(folder).readdir():
            if file.basename.endswith(suffix):
                mctx.watch(file)

    result = mctx.execute(
        [
            mctx.path(Label("@tool_python//:bin/python3")),
            "-m",
            "tools.catalog.export",
            "--catalog={}".format(root.get_child("catalog")),
            "--shown=catalog",
            "--output=catalog.json",
        ],
        environment = {
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONPATH": "{}:{}".format(root, yaml),
        },
    )
    if result.return_code != 0:
        return None, result.stderr.strip()
    return mctx.read("catalog.json", watch = "no"), None

def _catalog_repo_impl(rctx):
    rctx.file("BUILD.bazel", 'exports_files(["catalog.json"])\n')
    if rctx.attr.error:
        # Said when a BUILD file loads the catalog. Bazel 7 follows an extension that fails with a
        # crash of its own (`query` prints a Java stack trace), which would bury the message.
        rctx.file("catalog.bzl", "fail({})\n".format(repr(rctx.attr.error)))
        return
    rctx.file("catalog.json", rctx.attr.json)
    rctx.file("catalog.bzl", '"""The catalog; see tools/catalog/export.py."""\n\nCATALOG = {}\n'.format(
        repr(json.decode(rctx.attr.json)),
    ))

_catalog_repo = repository_rule(
    implementation = _catalog_repo_impl,
    attrs = {
        "error": attr.string(doc = "what is wrong with the catalog; else empty"),
        "json": attr.string(doc = "the catalog"),
    },
)

def _source_repo(version):
    return "cpython_source_" + version

def _catalog_impl(mctx):
    # The text itself: json.encode would sort the keys, and the order of `env` is the image's.
    text, error = _read_catalog(mctx)
    _catalog_repo(name = "catalog", error = error, json = text)
    catalog = json.decode(text) if text else {"versions": {}}
    for version, facts in catalog["versions"].items():
        cpython_source(
            name = _source_repo(version),
            pool = facts["pool"],
            sha256 = facts["sha256"],
            url = facts["url"],
            version = version,
        )
    cpython_sources(
        name = "cpython_sources",
        repos = {version: _source_repo(version) for version in catalog["versions"]},
    )
    return mctx.extension_metadata(
        reproducible = True,
        root_module_direct_deps = ["catalog", "cpython_sources"],
        root_module_direct_dev_deps = [],
    )

catalog = module_extension(
    implementation = _catalog_impl,
    doc = "The catalog, and one repository for each source it names.",
)
