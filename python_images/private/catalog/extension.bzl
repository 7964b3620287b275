"""Module extension: reads the catalog once, for everything that depends on it.

The YAML is read and checked by tools/catalog, run with the tool interpreter, unless what that gives
lies in catalog/exported already; a bad catalog stops the build with that program's message. It gives
these repositories:

- @catalog, whose catalog.bzl holds the catalog as CATALOG, in the shape tools/catalog/export.py describes;
- @cpython_sources//:<version>, the source archive of each release, //:<version>-r<number>, that with
  its patches, and //:<version>-r<number>.patches, the patches;
- @image_wheels//:<wheel>, what some images have beside pip;
- @windows_pythons//:<version>, the zip archives for Windows;
- one like @catalog for each tag `family`, with a family of images that the root module describes.

What the root module adds by the tags `versions`, `variants` and `revisions` is in all of them.
@catalog//:added has the files, for the tools: //catalog:added.
"""

load("//python_images/private/cpython:source.bzl", "cpython_patches", "cpython_source", "cpython_sources")
load("//python_images/private/cpython:windows_archive.bzl", "windows_python", "windows_pythons")
load("//python_images/private/tools:root_module.bzl", "root_module")
load("//python_images/private/wheels:repository.bzl", "wheel_files_repo")
load(":exported.bzl", "catalog_inputs", "exported_catalog", "watch_patches")

# mirrored: as if releases weren't there that no mirror of a closed network has, which ./bazelw says there.
_SOURCES = "PYTHON_IMAGES_SOURCES"

def read_catalog(mctx, files, packages):
    """Reads and checks the catalog.

    Args:
      mctx: the module context.
      files: dict: option of tools/catalog/export.py -> label of a file.
      packages: labels of repositories of Debian packages, which added variants may name.

    Returns:
      the catalog as JSON, keys in its own order, and what is wrong with it; one of them is None.
    """
    root = mctx.path(Label("//:MODULE.bazel")).dirname
    inputs = catalog_inputs(mctx, root)
    sources = mctx.getenv(_SOURCES, "") or "all"
    if sources not in ("all", "mirrored"):
        return None, "{}={}: must be all or mirrored".format(_SOURCES, sources)
    if not (files or packages):
        exported = exported_catalog(mctx, root, inputs, sources)
        if exported:
            return exported, None
    wheels = mctx.path(Label("@wheels//:BUILD.bazel"))
    yaml = wheels.dirname.get_child("site/pyyaml")

    # From Bazel 8 on, a label's path is watched only by who says so.
    mctx.watch(wheels)
    options = ["--added-packages={}=@@{}".format(label.name, label.repo_name) for label in packages]
    for option, label in files.items():
        mctx.watch(label)
        options.append("--{}={}".format(option, mctx.path(label)))
        watch_patches(mctx, mctx.path(label))
    result = mctx.execute(
        [
            mctx.path(Label("@tool_python//:bin/python3")),
            "-m",
            "tools.catalog.export",
            "--catalog={}".format(root.get_child("catalog")),
            "--shown=catalog",
            "--output=catalog.json",
            "--sources=" + sources,
        ] + options,
        environment = {
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONPATH": "{}:{}".format(root, yaml),
        },
    )
    if result.return_code != 0:
        return None, result.stderr.strip()
    return mctx.read("catalog.json", watch = "no"), None

_BUILD = """\
package(default_visibility = ["//visibility:public"])

exports_files(["catalog.bzl", "catalog.json"])

filegroup(
    name = "added",
    srcs = {added},
)
"""

def _catalog_repo_impl(rctx):
    added = []
    for label, path in rctx.attr.added.items():
        rctx.symlink(rctx.path(label), path)
        added.append(path)
    names = ["{}//:{}.txt".format(packages, name) for name, packages in rctx.attr.packages.items()]
    rctx.file("BUILD.bazel", _BUILD.format(added = repr(added + names)))
    if rctx.attr.error:
        # Said when a BUILD file loads the catalog. Bazel 7 follows an extension that fails with a
        # crash of its own (`query` prints a Java stack trace), which would bury the message.
        rctx.file("catalog.bzl", "fail({})\n".format(repr(rctx.attr.error)))
        return
    rctx.file("catalog.json", rctx.attr.json)
    rctx.file("catalog.bzl", '"""The catalog; see tools/catalog/export.py."""\n\nCATALOG = {}\n'.format(
        repr(json.decode(rctx.attr.json)),
    ))

catalog_repo = repository_rule(
    implementation = _catalog_repo_impl,
    attrs = {
        "added": attr.label_keyed_string_dict(doc = "files that another workspace adds: their paths"),
        "error": attr.string(doc = "what is wrong with the catalog; else empty"),
        "json": attr.string(doc = "the catalog"),
        "packages": attr.string_dict(doc = "repositories of Debian packages: by name, as labels"),
    },
)

def _source_repo(version):
    return "cpython_source_" + version

def _patches_repo(revised):
    return "cpython_patches_" + revised

def _windows_repo(version):
    return "windows_python_" + version

def _wheels(catalogs):
    """The wheels of all catalogs with their sha256; fails where two differ in one."""
    found = {}
    for catalog in catalogs:
        for wheel, sha256 in catalog["wheels"].items():
            if found.setdefault(wheel, sha256) != sha256:
                fail("catalog/versions.yaml and another file of versions give {} different sha256".format(wheel))
    return found

def _same(known, name, facts, keys):
    """Adds facts to those that are known by a name; fails where two catalogs differ in them."""
    other = known.setdefault(name, facts)
    for key in keys:
        if other[key] != facts[key]:
            fail("two catalogs have CPython {}, but with another `{}`; give one of them another {}".format(
                name,
                key,
                "revision" if facts["patches"] else "version",
            ))

def _patch_label(files, facts, patch):
    """The label of a release's patch, which lies beside the file that lists it."""
    beside = files[facts["listed_in"]]
    folder = beside.name.rpartition("/")[0]
    return beside.same_package_label((folder + "/" if folder else "") + patch["file"])

def declare_sources(catalogs):
    """Declares @cpython_sources, the source of each release and of each revision.

    Args:
      catalogs: list of (catalog, {what lists patches, as in the catalog's listed_in: label of the file}).
    """
    releases = {}
    revisions = {}
    for catalog, files in catalogs:
        for facts in catalog["versions"].values():
            # A free-threaded build has the same source.
            _same(releases, facts["release"], facts, ["sha256", "url"])
            if facts["patches"]:
                _same(revisions, facts["revised"], facts | {"files": files}, ["patches"])
    for release, facts in releases.items():
        cpython_source(
            name = _source_repo(release),
            pool = facts["pool"],
            sha256 = facts["sha256"],
            url = facts["url"],
            version = release,
        )
    named = {release: _source_repo(release) + "//:source.tar.xz" for release in releases}
    for revised, facts in revisions.items():
        repo = _patches_repo(revised)
        cpython_patches(
            name = repo,
            facts = json.encode(facts["patches"]),
            patches = [_patch_label(facts["files"], facts, patch) for patch in facts["patches"]],
            revised = revised,
            source = "@{}//:source.tar.xz".format(_source_repo(facts["release"])),
        )
        named |= {
            revised: repo + "//:source",
            revised + ".patches": repo + "//:patches",
        }
    cpython_sources(
        name = "cpython_sources",
        files = named,
    )

_CATALOG = Label("//catalog:versions.yaml")

# Tags of the root module that add to the catalog, and the options of tools/catalog/export.py.
_ADDED = {
    "revisions": "revisions",
    "variants": "added-variants",
    "versions": "added-versions",
}

def _wanted(mctx):
    """What the modules ask for.

    Only tags of this module and of the root module count: what a dependency in between asks for
    would be read for everybody.

    Returns:
      struct(catalogs = {name of a repository: label of a family's file}, the catalog's own first, with
      None; added = {tag: label of a file}; packages = [label of a repository of Debian packages]).
    """
    catalogs = {"catalog": None}
    added = {}
    packages = []
    root = root_module(
        mctx,
        lambda tags: tags.family or any([getattr(tags, name) for name in _ADDED]),
        "add to the catalog",
    )
    if root:
        for name in _ADDED:
            files = getattr(root.tags, name)
            if len(files) > 1:
                fail("{}: two tags catalog.{}; make one file of theirs".format(root.name, name))
            for tag in files:
                added[name] = tag.file
                packages = getattr(tag, "packages", []) or packages
        for tag in root.tags.family:
            if tag.name in catalogs:
                fail("{}: two catalogs are named {}; rename one".format(root.name, tag.name))
            catalogs[tag.name] = tag.file
    return struct(added = added, catalogs = catalogs, packages = packages)

def _added_files(added, catalog):
    """What the tools need of what is added: dict: label -> path, as tools/catalog/added.py has it."""
    files = {label: "{}.yaml".format(name) for name, label in added.items()}
    for facts in catalog["versions"].values():
        if facts["listed_in"] in added:
            for patch in facts["patches"]:
                files[_patch_label(added, facts, patch)] = patch["file"]
    return files

def _catalog_impl(mctx):
    wanted = _wanted(mctx)
    catalogs = []
    sources = []
    for name, file in wanted.catalogs.items():
        files = {_ADDED[tag]: label for tag, label in wanted.added.items()}
        files |= {"family": file} if file else {}

        # The text itself: json.encode would sort the keys, and the order of `env` is the image's.
        text, error = read_catalog(mctx, files, wanted.packages)
        catalog = json.decode(text) if text else None
        catalog_repo(
            name = name,
            added = _added_files(wanted.added, catalog) if catalog else {},
            error = error,
            json = text,
            packages = {label.name: "@@" + label.repo_name for label in wanted.packages},
        )
        if text:
            catalogs.append(catalog)
            sources.append((catalog, {"catalog": _CATALOG} | wanted.added))
    declare_sources(sources)
    archives = {
        version: archive
        for catalog in catalogs
        for version, archive in catalog["windows"]["archives"].items()
    }
    for version, archive in archives.items():
        windows_python(
            name = _windows_repo(version),
            sha256 = archive["sha256"],
            url = archive["url"],
            version = version,
        )
    windows_pythons(
        name = "windows_pythons",
        repos = {version: _windows_repo(version) for version in archives},
    )
    wheel_files_repo(
        name = "image_wheels",
        pip = "@tool_python//:share/pip.whl",
        python = "@tool_python//:bin/python3",
        wheels = _wheels(catalogs),
    )
    return mctx.extension_metadata(reproducible = True)

def _tag(doc, file, **attrs):
    """A tag with a file."""
    return tag_class(
        attrs = {"file": attr.label(doc = file, mandatory = True)} | attrs,
        doc = doc,
    )

_NAME = attr.string(
    doc = "The repository's name; its catalog.bzl has CATALOG.",
    mandatory = True,
)

catalog = module_extension(
    implementation = _catalog_impl,
    doc = "The catalog, and one repository for each source it names.",
    tag_classes = {
        "family": _tag(
            doc = "A family of images of your own: a repository like @catalog that has it, for `family_images`.",
            file = "The family's YAML file, such as catalog/families/infra7.yaml; its name is the family's.",
            name = _NAME,
        ),
        "revisions": _tag(
            doc = "Patches of your own for releases of the catalog; see docs/patching.md.",
            file = "A YAML file with `revisions`; the patches lie beside it, below `patches`.",
        ),
        "variants": _tag(
            doc = "Variants of your own, of each release and suite: docs/customise.md.",
            file = "A file of the form of catalog/variants.yaml. A row replaces an existing one with its name.",
            packages = attr.label_list(
                doc = "Repositories of debian.packages, such as @acme_debs, that the rows' `packages` name.",
            ),
        ),
        "versions": _tag(
            doc = "Releases of your own: docs/customise.md.",
            file = "A file of the form of catalog/versions.yaml, with `versions` and, optionally, `minors`, " +
                   "`wheels` and `source`. A row replaces an existing one with its name. Patches lie " +
                   "beside the file, below `patches`.",
        ),
    },
)
