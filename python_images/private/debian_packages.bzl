"""Repository rules: the .deb files of one locked package set, and the hub that names them all."""

load(":debian_lock.bzl", "parse_lock")
load(":debian_mirrors.bzl", "download_debs", "select_packages")

_SET_BUILD = """\
package(default_visibility = ["//visibility:public"])

exports_files(["packages.json"] + {files})

filegroup(
    name = "debs",
    srcs = {files},
)
"""

def _list(items):
    return "[\n" + "".join(["    {},\n".format(repr(item)) for item in items]) + "]"

def write_package_set(rctx, packages, facts = {}):
    """Writes what the repository of a package set has besides the .deb files.

    Args:
      rctx: the repository context.
      packages: list of (package, file name); a package is a struct with name, version, arch, path,
        sha256, size and requested.
      facts: what packages.json says of all of them, besides.
    """
    files = [file for _, file in packages]
    rctx.file("BUILD.bazel", _SET_BUILD.format(files = _list(sorted(files))), executable = False)
    rctx.file("packages.json", json.encode_indent([
        {
            "architecture": package.arch,
            "file": file,
            "package": package.name,
            "path": package.path,
            "requested": package.requested,
            "sha256": package.sha256,
            "size": package.size,
            "version": package.version,
        } | facts
        for package, file in packages
    ]) + "\n", executable = False)

def _debian_packages_impl(rctx):
    # The lines of the set are an attribute, and the lock isn't watched, so that a change of
    # another set fetches nothing here. The file serves to tell the snapshot's time, and in errors
    # where a line stands. (A label of the lock itself would watch it.)
    beside = Label(rctx.attr.beside)
    name = "{}/{}".format(beside.package, rctx.attr.lock)
    file = rctx.path(beside).dirname.get_child(rctx.attr.lock)
    parsed = parse_lock(rctx.read(file, watch = "no"), name)
    chosen = select_packages(parsed, rctx.attr.packages, name, rctx.attr.set)
    write_package_set(rctx, zip(chosen.packages, download_debs(rctx, chosen)))

debian_packages = repository_rule(
    implementation = _debian_packages_impl,
    doc = "The packages of one set: //:debs (the files) and //:packages.json (what they are).",
    attrs = {
        "beside": attr.string(mandatory = True, doc = "label of a file in the lock's folder"),
        "lock": attr.string(mandatory = True, doc = "file name of the lock"),
        "packages": attr.string_list(mandatory = True, doc = "the lock's lines for the set"),
        "set": attr.string(mandatory = True, doc = "name of the package set"),
    },
)

_HUB_BUILD = """\
alias(
    name = "{set}",
    actual = "@{repo}//:debs",
    visibility = ["//visibility:public"],
)

alias(
    name = "{set}.json",
    actual = "@{repo}//:packages.json",
    visibility = ["//visibility:public"],
)
"""

def set_repo_name(suite, arch, set):
    """Name of the repository that holds one package set."""
    return "debian_{}_{}_{}".format(suite, arch, set)

def _debian_hub_impl(rctx):
    rctx.file("BUILD.bazel", "", executable = False)
    tree = {}
    for lock, sets in rctx.attr.sets.items():
        suite, _, arch = lock.partition("/")
        rctx.file("{}/BUILD.bazel".format(lock), "\n".join([
            _HUB_BUILD.format(repo = set_repo_name(suite, arch, set), set = set)
            for set in sets
        ]), executable = False)
        tree.setdefault(suite, {})[arch] = sets
    rctx.file(
        "sets.bzl",
        '"""The locked package sets: suite -> Debian architecture -> names."""\n\n' +
        "PACKAGE_SETS = {}\n\n".format(repr(tree)) +
        "# When the archive was as locked: <suite>/<architecture> -> YYYYMMDDTHHMMSSZ.\n" +
        "SNAPSHOTS = {}\n\n".format(repr(rctx.attr.snapshots)) +
        "# What images name as their sources, where that isn't their own apt's business:\n" +
        "# <suite>/<architecture> -> [URL, URL of security updates].\n" +
        "SOURCES = {}\n".format(repr(rctx.attr.sources)),
        executable = False,
    )

debian_hub = repository_rule(
    implementation = _debian_hub_impl,
    doc = "//<suite>/<arch>:<set> and :<set>.json for every locked set; //:sets.bzl lists them.",
    attrs = {
        "sets": attr.string_list_dict(mandatory = True, doc = "<suite>/<arch> -> set names"),
        "snapshots": attr.string_dict(mandatory = True, doc = "<suite>/<arch> -> lock's snapshot"),
        "sources": attr.string_list_dict(doc = "<suite>/<arch> of Ubuntu -> URLs of the lock"),
    },
)
