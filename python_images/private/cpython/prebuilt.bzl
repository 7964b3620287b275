"""Module extension and rules: CPythons that others have compiled, by digest from a registry.

A workspace names a prebuilt.json, which //tools:prebuilt writes. What stands in it isn't compiled: the
blob is fetched when an image needs it, and checked. Without such a file nothing here does anything.
"""

load("//python_images/private/tools:root_module.bzl", "root_module")
load(":compile.bzl", "CPythonInfo")

_HUB = "prebuilt_cpythons"

# As tools/prebuilt/archive.py has them.
_FILES = ["cpython.tar", "gdb.py", "report.json", "stripped.tar"]

def _python(ctx, module, arguments):
    """Runs a program of tools/prebuilt with the tool interpreter."""
    root = ctx.path(Label("//:MODULE.bazel")).dirname
    site = ctx.path(Label("@wheels//:BUILD.bazel")).dirname.get_child("site")
    return ctx.execute(
        [ctx.path(Label("@tool_python//:bin/python3")), "-m", "tools.prebuilt." + module] + arguments,
        environment = {
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONPATH": ":".join([str(root)] + [
                str(site.get_child(wheel))
                for wheel in ("idna", "urllib3")
            ]),
        },
    )

def _prebuilt_cpython_repo_impl(rctx):
    rctx.report_progress("Fetching " + rctx.attr.cpython)
    result = _python(rctx, "fetch", [
        "--repository=" + rctx.attr.repository,
        "--digest=" + rctx.attr.blob,
        "--size={}".format(rctx.attr.size),
        "--output={}".format(rctx.path("archive.tar.gz")),
    ])
    if result.return_code != 0:
        fail("\n".join([
            "",
            "the prebuilt CPython {} of {} isn't available:".format(rctx.attr.cpython, rctx.attr.shown),
            "  " + result.stderr.strip(),
            "Remove its entry from {}, and it is compiled here.".format(rctx.attr.shown),
        ]))
    rctx.extract("archive.tar.gz")
    rctx.delete("archive.tar.gz")
    rctx.file("BUILD.bazel", "exports_files({})\n".format(repr(_FILES)), executable = False)

_prebuilt_cpython_repo = repository_rule(
    implementation = _prebuilt_cpython_repo_impl,
    doc = "What is in the archive of a CPython.",
    attrs = {
        "blob": attr.string(mandatory = True, doc = "its digest, sha256:..."),
        "cpython": attr.string(mandatory = True, doc = "its name, for messages"),
        "repository": attr.string(mandatory = True, doc = "HOST/PATH"),
        "shown": attr.string(mandatory = True, doc = "the file that names it, for messages"),
        "size": attr.int(mandatory = True, doc = "of the blob, bytes"),
    },
)

_HUB_FILE = '''\
"""CPythons that are fetched, by name; python_images/private/cpython/prebuilt.bzl reads it."""

PREBUILT = {{
{entries}}}
'''

_HUB_ENTRY = '    "{name}": {{"reference": "{reference}", "shown": "{shown}", "stale": {stale}, "facts": {facts}, "files": {{{files}}}}},\n'

def _hub_impl(rctx):
    rctx.file("BUILD.bazel", "exports_files([\"prebuilt.bzl\"])\n", executable = False)
    if rctx.attr.error:
        # Said when a BUILD file loads it, as of a catalog: catalog/extension.bzl says why.
        rctx.file("prebuilt.bzl", "fail({})\n".format(repr(rctx.attr.error)), executable = False)
        return
    entries = json.decode(rctx.attr.entries)
    rctx.file("prebuilt.bzl", _HUB_FILE.format(entries = "".join([
        _HUB_ENTRY.format(
            facts = repr(entry["facts"]),
            files = ", ".join([
                '"{0}": Label("@{1}//:{0}")'.format(file, entry["repo"])
                for file in _FILES
            ]),
            name = name,
            reference = entry["reference"],
            shown = entry["shown"],
            stale = entry["stale"],
        )
        for name, entry in entries.items()
    ])), executable = False)

_hub = repository_rule(
    implementation = _hub_impl,
    doc = "prebuilt.bzl, which has PREBUILT.",
    attrs = {
        "entries": attr.string(doc = "JSON: name -> facts, reference, repo, shown and stale"),
        "error": attr.string(doc = "what is wrong with the file; else empty"),
    },
)

def _tag(mctx):
    """The root module's only tag; None without any."""
    root = root_module(mctx, lambda tags: tags.cpythons, "name prebuilt CPythons")
    found = root.tags.cpythons if root else []
    if len(found) > 1:
        fail("prebuilt.cpythons: two files are named; make one of them")
    return found[0] if found else None

def _prebuilt_impl(mctx):
    tag = _tag(mctx)
    if not tag:
        _hub(name = _HUB, entries = "{}")
        return mctx.extension_metadata(reproducible = True)
    mctx.watch(tag.file)
    root = mctx.path(Label("//:MODULE.bazel")).dirname
    shown = "//{}:{}".format(tag.file.package, tag.file.name)
    result = _python(mctx, "check", [
        "--root={}".format(root),
        "--file={}".format(mctx.path(tag.file)),
        "--shown=" + shown,
    ])
    if result.return_code != 0:
        _hub(name = _HUB, error = result.stderr.strip())
        return mctx.extension_metadata(reproducible = True)
    checked = json.decode(result.stdout)
    listed = checked["listed"]
    entries = {}
    for name, entry in listed["cpythons"].items():
        repo = "prebuilt_cpython_" + name
        _prebuilt_cpython_repo(
            name = repo,
            blob = entry["blob"],
            cpython = name,
            repository = listed["repository"],
            shown = shown,
            size = int(entry["size"]),
        )
        entries[name] = {
            "facts": entry["facts"],
            "reference": "{}@{}".format(listed["repository"], entry["blob"]),
            "repo": repo,
            "shown": shown,
            "stale": listed["recipe"] != checked["recipe"],
        }
    _hub(name = _HUB, entries = json.encode(entries))
    for file in checked["files"]:
        mctx.watch(root.get_child(file))
    return mctx.extension_metadata(reproducible = True)

prebuilt = module_extension(
    implementation = _prebuilt_impl,
    doc = "CPythons that others have compiled: fetched from a registry instead of compiled here.",
    tag_classes = {
        "cpythons": tag_class(
            doc = "The CPythons to fetch; see docs/remote-cache.md. Only the root module can name them.",
            attrs = {
                "file": attr.label(
                    mandatory = True,
                    doc = "A prebuilt.json, as //tools:prebuilt writes it.",
                ),
            },
        ),
    },
)

def prebuilt_facts(facts, wheels):
    """What of a release goes into its CPython; `facts` in tools/prebuilt/listing.py says the same.

    Args:
      facts: the release, a value of `versions` of the catalog.
      wheels: `wheels` of the catalog.

    Returns:
      a dict.
    """
    return {
        "epoch": facts["epoch"],
        "free_threaded": facts["free_threaded"],
        "patches": [patch["sha256"] for patch in facts["patches"]],
        "release": facts["release"],
        "sha256": facts["sha256"],
        "wheels": {wheel: wheels[wheel] for wheel in facts["wheels"]},
    }

def _prebuilt_cpython_impl(ctx):
    if ctx.attr.outdated:
        fail("\n".join([
            "",
            "{} has this CPython as compiled {}. Either".format(ctx.attr.shown, ctx.attr.outdated),
            "take the file that was made for the version of python_images you have, or",
            "remove the entry {} from it, and it is compiled here.".format(ctx.label.name),
        ]))
    return [
        DefaultInfo(files = depset([ctx.file.tar])),
        OutputGroupInfo(gdb = depset([ctx.file.gdb]), report = depset([ctx.file.report])),
        CPythonInfo(
            epoch = ctx.attr.epoch,
            gdb = ctx.file.gdb,
            report = ctx.file.report,
            stripped = ctx.file.stripped,
            tar = ctx.file.tar,
            toolchain = None,
            version = ctx.attr.version,
        ),
    ]

_prebuilt_cpython = rule(
    implementation = _prebuilt_cpython_impl,
    doc = "A CPython from its archive.",
    attrs = {
        "epoch": attr.int(mandatory = True),
        "gdb": attr.label(mandatory = True, allow_single_file = True),
        "outdated": attr.string(doc = "why it can't be used; empty if it can"),
        "report": attr.label(mandatory = True, allow_single_file = True),
        "shown": attr.string(mandatory = True, doc = "the file that names it, for messages"),
        "stripped": attr.label(mandatory = True, allow_single_file = [".tar"]),
        "tar": attr.label(mandatory = True, allow_single_file = [".tar"]),
        "version": attr.string(mandatory = True, doc = "the release, with a t if it is free-threaded"),
    },
    provides = [CPythonInfo],
)

def prebuilt_cpython(name, entry, facts, wheels):
    """Declares a CPython that is fetched; one of another recipe or source fails when it is analysed.

    Args:
      name: the CPython's target.
      entry: its value in PREBUILT.
      facts: the release, a value of `versions` of the catalog.
      wheels: `wheels` of the catalog.
    """
    outdated = ""
    if entry["stale"]:
        outdated = "by another recipe than this python_images has: with other compilers, flags or programs"
    elif entry["facts"] != prebuilt_facts(facts, wheels):
        outdated = "of another source than the catalog has, or with other patches"
    _prebuilt_cpython(
        name = name,
        epoch = facts["epoch"],
        gdb = entry["files"]["gdb.py"],
        outdated = outdated,
        report = entry["files"]["report.json"],
        shown = entry["shown"],
        stripped = entry["files"]["stripped.tar"],
        tags = ["manual"],
        tar = entry["files"]["cpython.tar"],
        version = facts["release"] + ("t" if facts["free_threaded"] else ""),
    )
