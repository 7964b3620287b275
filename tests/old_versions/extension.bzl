"""The catalog of old releases, for tests of this repository alone; no build of an image reads it."""

# buildifier: disable=bzl-visibility
load(
    "//python_images/private/catalog:extension.bzl",
    "catalog_repo",
    "declare_sources",
    "read_catalog",
)

_FILE = Label("//tests/old_versions:versions.yaml")

def _old_releases_impl(mctx):
    text, error = read_catalog(mctx, {"versions": _FILE}, [])
    catalog_repo(
        name = "old_catalog",
        error = error,
        json = text,
    )
    declare_sources([(json.decode(text), {"catalog": _FILE})] if text else [])
    return mctx.extension_metadata(reproducible = True)

old_releases = module_extension(
    implementation = _old_releases_impl,
    doc = "@old_catalog, like @catalog, and @cpython_sources of it. Wheels are those of @image_wheels.",
)
