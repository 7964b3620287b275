"""Module extension: a repository for each locked set of Debian packages.

For every <suite>_<arch>.lock in a folder, and every package set in it, there is a repository
debian_<suite>_<arch>_<set>. They're reached through the hub, so that neither a new suite nor a new
set needs an edit of MODULE.bazel:

    @debian//bookworm/arm64:base         the .deb files
    @debian//bookworm/arm64:base.json    packages.json, see docs/locking.md
    @debian//:sets.bzl                   PACKAGE_SETS and SNAPSHOTS, what there is

Nothing is fetched before a target needs it.
"""

load(":debian_lock.bzl", "parse_lock", "parse_package")
load(":debian_packages.bzl", "debian_hub", "debian_packages", "set_repo_name")

def _lines_by_set(parsed, name):
    sets = {}
    for line, number in parsed.lines.items():
        package = parse_package(line, "{}:{}".format(name, number))
        for set in package.roles:
            sets.setdefault(set, []).append(line)
    return sets

def _debian_impl(mctx):
    hub = {}
    snapshots = {}
    for module in mctx.modules:
        for tag in module.tags.locks:
            for file in mctx.path(tag.beside).dirname.readdir():
                if not file.basename.endswith(".lock"):
                    continue
                name = "{}/{}".format(tag.beside.package, file.basename)
                parsed = parse_lock(mctx.read(file, watch = "yes"), name)
                key = "{}/{}".format(parsed.suite, parsed.arch)
                if file.basename != key.replace("/", "_") + ".lock":
                    fail("{}: its header says {}; name and header must agree".format(name, key))
                if key in hub:
                    fail("{}: a second lock for {}".format(name, key))
                sets = _lines_by_set(parsed, name)
                for set, lines in sets.items():
                    debian_packages(
                        name = set_repo_name(parsed.suite, parsed.arch, set),
                        beside = str(tag.beside),
                        lock = file.basename,
                        packages = lines,
                        set = set,
                    )
                hub[key] = sorted(sets)
                snapshots[key] = parsed.snapshot
    debian_hub(name = "debian", sets = hub, snapshots = snapshots)
    return mctx.extension_metadata(reproducible = True)

_locks = tag_class(
    doc = "A folder of lock files.",
    attrs = {
        "beside": attr.label(
            mandatory = True,
            doc = "a file in the folder of the locks, such as its BUILD.bazel",
        ),
    },
)

debian = module_extension(
    implementation = _debian_impl,
    doc = "Repositories of locked Debian packages, and @debian, which names them all.",
    tag_classes = {"locks": _locks},
)
