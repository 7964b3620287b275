"""Module extension: reads the catalog once, for everything that depends on it.

The YAML is read and checked by tools/catalog, run with the tool interpreter; a bad catalog stops
the build with that program's message. It gives these repositories:

- @catalog, whose catalog.bzl holds the catalog as CATALOG, in the shape tools/catalog/export.py describes;
- @cpython_sources//:<version>, the source archive of each release, //:<version>-r<number>, that with
  its patches, and //:<version>-r<number>.patches, the patches;
- @image_wheels//:<wheel>, what some images have beside pip;
- @windows_pythons//:<version>, the zip archives for Windows;
- one like @catalog for each tag `versions`, with the releases of another file (only this module's own
  tests have one), and for each tag `family`, with a family of images that another module describes.
"""

load("//python_images/private/cpython:source.bzl", "cpython_patches", "cpython_source", "cpython_sources")
load("//python_images/private/cpython:windows_archive.bzl", "windows_python", "windows_pythons")
load("//python_images/private/wheels:repository.bzl", "wheel_files_repo")

# mirrored: as if releases weren't there that no mirror of a closed network has, which ./bazelw says there.
_SOURCES = "PYTHON_IMAGES_SOURCES"

def _watch_patches(mctx, file):
    """Has the catalog read again when a patch beside a file of releases comes, goes or changes."""
    folder = file.dirname.get_child("patches")
    mctx.watch(folder)
    folders = [folder] if folder.exists else []

    # As deep as the layout in docs/patching.md: patches/<release>/<patch>, and a level more.
    for _ in range(3):
        below = []
        for one in folders:
            for entry in one.readdir():
                if entry.is_dir:
                    below.append(entry)
                else:
                    mctx.watch(entry)
        folders = below

def _read_catalog(mctx, versions = None, family = None, patches = None):
    """Returns the checked catalog as JSON, keys in the catalog's own order, and what is wrong with it.

    Args:
      mctx: the module context.
      versions: label of a file to read instead of the catalog's versions.yaml.
      family: label of a family's file to read beside those of the catalog.
      patches: label of a file of revisions, by which releases of the catalog are patched.
    """
    root = mctx.path(Label("//:MODULE.bazel")).dirname
    wheels = mctx.path(Label("@wheels//:BUILD.bazel"))
    yaml = wheels.dirname.get_child("site/pyyaml")

    # A new or changed file is a new catalog. From Bazel 8 on, a label's path is watched only by who
    # says so.
    mctx.watch(wheels)
    for folder, suffix in (("catalog", ".yaml"), ("catalog/families", ".yaml"), ("tools/catalog", ".py"), ("tools/cli", ".py"), ("tools/patches", ".py"), ("tools/text", ".py")):
        for file in root.get_child(folder).readdir():
            if file.basename.endswith(suffix):
                mctx.watch(file)
    _watch_patches(mctx, root.get_child("catalog/versions.yaml"))
    options = []
    for option, label in (("--versions", versions), ("--family", family), ("--patches", patches)):
        if label:
            mctx.watch(label)
            options.append("{}={}".format(option, mctx.path(label)))
            _watch_patches(mctx, mctx.path(label))

    sources = mctx.getenv(_SOURCES, "") or "all"
    if sources not in ("all", "mirrored"):
        return None, "{}={}: must be all or mirrored".format(_SOURCES, sources)
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
    beside = files["versions"] if facts["own_patches"] else files["patches"]
    folder = beside.name.rpartition("/")[0]
    return beside.same_package_label((folder + "/" if folder else "") + patch["file"])

def _declare_sources(catalogs):
    """Declares the source of each release and of each revision.

    Args:
      catalogs: list of (catalog, {"versions" and, if any, "patches": label of the file}).
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

def _wanted(mctx):
    """Returns {name of a repository: keyword arguments of _read_catalog}, the catalog's own first.

    Only tags of this module and of the root module count: what a dependency in between asks for
    would be read for everybody.
    """
    wanted = {"catalog": {}}
    revisions = {}
    for module in mctx.modules:
        tags = module.tags
        if not module.is_root and (tags.versions or tags.family or tags.revisions):
            fail("{}: only the root module can add catalogs; use dev_dependency = True".format(module.name))
        if len(module.tags.revisions) > 1:
            fail("{}: two files of revisions; make one of them".format(module.name))
        for tag in module.tags.revisions:
            revisions = {"patches": tag.file}
        for key, tags in (("versions", module.tags.versions), ("family", module.tags.family)):
            for tag in tags:
                if tag.name in wanted:
                    fail("{}: two catalogs are named {}; rename one".format(module.name, tag.name))
                wanted[tag.name] = {key: tag.file}

    # A catalog of other releases has its own patches.
    return {
        name: files if "versions" in files else files | revisions
        for name, files in wanted.items()
    }

def _catalog_impl(mctx):
    catalogs = []
    sources = []
    for name, files in _wanted(mctx).items():
        # The text itself: json.encode would sort the keys, and the order of `env` is the image's.
        text, error = _read_catalog(mctx, **files)
        _catalog_repo(name = name, error = error, json = text)
        if text:
            catalogs.append(json.decode(text))
            sources.append((catalogs[-1], {"versions": Label("//catalog:versions.yaml")} | files))
    _declare_sources(sources)
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

catalog = module_extension(
    implementation = _catalog_impl,
    doc = "The catalog, and one repository for each source it names.",
    tag_classes = {
        "family": tag_class(
            doc = "A family of images of your own: a repository like @catalog that has it, for `family_images`.",
            attrs = {
                "file": attr.label(
                    mandatory = True,
                    doc = "The family's YAML file, such as catalog/families/infra7.yaml; its name is the family's.",
                ),
                "name": attr.string(
                    mandatory = True,
                    doc = "The repository's name; its catalog.bzl has CATALOG.",
                ),
            },
        ),
        "revisions": tag_class(
            doc = "Patches of your own for releases of the catalog; see docs/patching.md.",
            attrs = {
                "file": attr.label(
                    mandatory = True,
                    doc = "A YAML file with `revisions`; the patches lie beside it, below `patches`.",
                ),
            },
        ),
        "versions": tag_class(
            doc = "A catalog of other releases, for tests of this repository.",
            attrs = {
                "file": attr.label(
                    mandatory = True,
                    doc = "A file of the form of catalog/versions.yaml.",
                ),
                "name": attr.string(
                    mandatory = True,
                    doc = "The repository's name; its catalog.bzl has CATALOG.",
                ),
            },
        ),
    },
)
