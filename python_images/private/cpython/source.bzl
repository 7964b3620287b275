"""Repository rules: the source of each CPython release, checked against the catalog, and its patches."""

load("//python_images/private/roots/debian:mirrors.bzl", "debian_mirrors", "debian_urls")
load(":python_org.bzl", "fetch_archive", "name_files")

_FILE = "source.tar.xz"

# What a bill of materials says of a revision's patches; tools/attestations/sbom/patches.py reads it.
_FACTS = "patches.json"

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

_BUILD = """\
load("{rule}", "patched_source")

package(default_visibility = ["//visibility:public"])

filegroup(
    name = "patches",
    srcs = ["{facts}"] + {files},
)

patched_source(
    name = "source",
    names = {names},
    patches = {files},
    revised = "{revised}",
    source = "{source}",
)
"""

def _cpython_patches_impl(rctx):
    files = []
    facts = []
    for number, (patch, about) in enumerate(zip(rctx.attr.patches, json.decode(rctx.attr.facts))):
        # A name of its own for each, whatever folders they lie in.
        file = "{}.patch".format(number + 1)
        rctx.symlink(patch, file)
        files.append(file)
        facts.append(about | {"path": file})
    rctx.file(_FACTS, json.encode_indent(facts) + "\n", executable = False)
    rctx.file("BUILD.bazel", _BUILD.format(
        facts = _FACTS,
        files = repr(files),
        names = repr([about["file"] for about in facts]),
        revised = rctx.attr.revised,
        rule = Label(":patched_source.bzl"),
        source = rctx.attr.source,
    ), executable = False)

cpython_patches = repository_rule(
    implementation = _cpython_patches_impl,
    doc = "A revision: //:source, the patched source, and //:patches, its patches and what they are.",
    attrs = {
        "facts": attr.string(mandatory = True, doc = "`patches` of the release's row, as JSON"),
        "patches": attr.label_list(mandatory = True, doc = "their files, in the same order"),
        "revised": attr.string(mandatory = True, doc = "the revision, such as 3.13.15-r1"),
        "source": attr.label(mandatory = True, doc = "the release's own source"),
    },
)

def _cpython_sources_impl(rctx):
    name_files(rctx, rctx.attr.files)

cpython_sources = repository_rule(
    implementation = _cpython_sources_impl,
    doc = "Names sources: //:<version>, or //:<version>-r1 if patched, and //:<version>-r1.patches.",
    attrs = {
        "files": attr.string_dict(mandatory = True, doc = "name -> the file, as <repository>//:<name>"),
    },
)
