"""Module extension: a repository for each locked set of Debian packages.

For every <suite>_<arch>.lock in a folder, and every package set in it, there is a repository
debian_<suite>_<arch>_<set>. They're reached through the hub, so that neither a new suite nor a new
set needs an edit of MODULE.bazel:

    @debian//bookworm/arm64:base         the .deb files
    @debian//bookworm/arm64:base.json    packages.json, see docs/locking.md
    @debian//:sets.bzl                   PACKAGE_SETS and SNAPSHOTS, what there is

Locks of Ubuntu's suites are reached in the same way, @debian//noble/arm64:base, and fetched from
mirrors of their own. Nothing is fetched before a target needs it.
"""

load("//python_images/private/roots:locks.bzl", "lock_folder_tag")
load("//python_images/private/roots/ubuntu:lock.bzl", "parse_ubuntu_lock")
load("//python_images/private/roots/ubuntu:packages.bzl", "ubuntu_packages")
load(":lock.bzl", "parse_lock", "parse_package")
load(":packages.bzl", "debian_hub", "debian_packages", "set_repo_name")

def _lines_by_set(parsed, name):
    sets = {}
    for line, number in parsed.lines.items():
        package = parse_package(line, "{}:{}".format(name, number))
        for set in package.roles:
            sets.setdefault(set, []).append(line)
    return sets

def _locks_of(mctx, tag, parse):
    """What the locks of a tag say: [(name, parsed, key)]."""
    found = []
    folder = mctx.path(tag.beside).dirname
    for file in folder.readdir():
        if not file.basename.endswith(".lock"):
            continue
        name = "{}/{}".format(tag.beside.package, file.basename)
        parsed = parse(mctx.read(file, watch = "yes"), name)
        key = "{}/{}".format(parsed.suite, parsed.arch)
        if file.basename != key.replace("/", "_") + ".lock":
            fail("{}: its header says {}; name and header must agree".format(name, key))
        found.append((name, parsed, key))
    return found

def _debian_impl(mctx):
    hub = {}
    snapshots = {}
    sources = {}
    for module in mctx.modules:
        for tag in module.tags.locks:
            for name, parsed, key in _locks_of(mctx, tag, parse_lock):
                if key in hub:
                    fail("{}: a second lock for {}".format(name, key))
                sets = _lines_by_set(parsed, name)
                for set, lines in sets.items():
                    debian_packages(
                        name = set_repo_name(parsed.suite, parsed.arch, set),
                        beside = str(tag.beside),
                        lock = name.rpartition("/")[2],
                        packages = lines,
                        set = set,
                    )
                hub[key] = sorted(sets)
                snapshots[key] = parsed.snapshot
        for tag in module.tags.ubuntu_locks:
            for name, parsed, key in _locks_of(mctx, tag, parse_ubuntu_lock):
                if key in hub:
                    fail("{}: a second lock for {}".format(name, key))
                sets = _lines_by_set(parsed, name)
                for set, lines in sets.items():
                    ubuntu_packages(
                        name = set_repo_name(parsed.suite, parsed.arch, set),
                        header = [
                            "suite " + parsed.suite,
                            "arch " + parsed.arch,
                            "snapshot " + parsed.snapshot,
                            "mirror " + parsed.mirror,
                            "security_mirror " + parsed.security_mirror,
                        ],
                        lock = name,
                        packages = lines,
                        set = set,
                    )
                hub[key] = sorted(sets)
                snapshots[key] = parsed.snapshot
                sources[key] = [parsed.mirror, parsed.security_mirror]
    debian_hub(name = "debian", sets = hub, snapshots = snapshots, sources = sources)
    return mctx.extension_metadata(reproducible = True)

_locks = lock_folder_tag()

debian = module_extension(
    implementation = _debian_impl,
    doc = "Repositories of locked Debian packages, and @debian, which names them all.",
    tag_classes = {
        "locks": _locks,
        "ubuntu_locks": _locks,
    },
)
