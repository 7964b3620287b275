"""Repository rules: the .deb files of one locked package set, and the hub that names them all."""

load("//python_images/private/roots:packages.bzl", "hub_build", "write_package_set")
load(":lock.bzl", "parse_lock")
load(":mirrors.bzl", "download_debs", "select_packages")

# What a set's repository calls its files.
DEBS = "debs"

def _debian_packages_impl(rctx):
    # The lines of the set are an attribute, and the lock isn't watched, so that a change of
    # another set fetches nothing here. The file serves to tell the snapshot's time, and in errors
    # where a line stands. (A label of the lock itself would watch it.)
    beside = Label(rctx.attr.beside)
    name = "{}/{}".format(beside.package, rctx.attr.lock)
    file = rctx.path(beside).dirname.get_child(rctx.attr.lock)
    parsed = parse_lock(rctx.read(file, watch = "no"), name)
    chosen = select_packages(parsed, rctx.attr.packages, name, rctx.attr.set)
    download_debs(rctx, chosen)
    write_package_set(rctx, DEBS, chosen.packages)

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

# Before the suite of a build lock in the hub.
BUILD = "build/"

def set_repo_name(lock, set):
    """Name of the repository that holds one package set.

    Args:
      lock: <suite>/<arch>, or build/<suite>/<arch>.
      set: name of the set.

    Returns:
      a string.
    """
    return "debian_{}_{}".format(lock.replace("/", "_"), set)

# What only one suite has: the interpreter of this repository's tools, and with it all of them.
_TOOLS = "python"

def _tools_suite(build):
    """The suite whose build lock has the tools; `build` as BUILD_SETS. Fails unless it is one."""
    suites = [suite for suite, archs in build.items() if _TOOLS in archs.get("amd64", [])]
    if len(suites) != 1:
        fail("third_party/debian/build: the set {} has to be in one lock for amd64, and is in those of {}; {}".format(
            _TOOLS,
            " and ".join(suites) or "no suite",
            "leave it in the build_sets of one suite in catalog/suites.yaml and lock again: " +
            "./bazelw --bazelw-lock --keep --build",
        ))
    return suites[0]

def _debian_hub_impl(rctx):
    rctx.file("BUILD.bazel", "exports_files([\"sets.bzl\"])\n", executable = False)
    images, build = {}, {}
    for lock, sets in rctx.attr.sets.items():
        rctx.file("{}/BUILD.bazel".format(lock), hub_build(DEBS, {
            set: set_repo_name(lock, set)
            for set in sets
        }), executable = False)
        suite, _, arch = lock.removeprefix(BUILD).partition("/")
        tree = build if lock.startswith(BUILD) else images
        tree.setdefault(suite, {})[arch] = sets
    rctx.file(
        "sets.bzl",
        '"""The locked package sets: suite -> Debian architecture -> names."""\n\n' +
        "PACKAGE_SETS = {}\n\n".format(repr(images)) +
        "# The same of build locks, //build/<suite>/<architecture>:<name>: what only the build uses.\n" +
        "BUILD_SETS = {}\n\n".format(repr(build)) +
        "# The suite whose build locks have the tools of the build machine.\n" +
        "TOOLS_SUITE = {}\n\n".format(repr(_tools_suite(build))) +
        "# When the archive was as locked: <suite>/<architecture> or build/<suite>/<architecture> ->\n" +
        "# YYYYMMDDTHHMMSSZ.\n" +
        "SNAPSHOTS = {}\n\n".format(repr(rctx.attr.snapshots)) +
        "# What images name as their sources, where that isn't their own apt's business:\n" +
        "# <suite>/<architecture> -> [URL, URL of security updates].\n" +
        "SOURCES = {}\n".format(repr(rctx.attr.sources)),
        executable = False,
    )

debian_hub = repository_rule(
    implementation = _debian_hub_impl,
    doc = "//<suite>/<arch>:<set> and :<set>.json for every locked set, //build/<suite>/<arch>:<set> " +
          "for those of build locks; //:sets.bzl lists them.",
    attrs = {
        "sets": attr.string_list_dict(
            mandatory = True,
            doc = "<suite>/<arch> or build/<suite>/<arch> -> set names",
        ),
        "snapshots": attr.string_dict(mandatory = True, doc = "the same -> lock's snapshot"),
        "sources": attr.string_list_dict(doc = "<suite>/<arch> of Ubuntu -> URLs of the lock"),
    },
)
