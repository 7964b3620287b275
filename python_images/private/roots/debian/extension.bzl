"""Module extension: a repository for each locked set of Debian packages.

For every <suite>_<arch>.lock in a folder, and every package set in it, there is a repository
debian_<suite>_<arch>_<set>, debian_build_<suite>_<arch>_<set> for build locks. They're reached
through the hub, so that neither a new suite nor a new set needs an edit of MODULE.bazel:

    @debian//bookworm/arm64:base            the .deb files
    @debian//bookworm/arm64:base.json       packages.json, see docs/locking.md
    @debian//build/bookworm/arm64:sysroot   the same of a build lock: what no image contains
    @debian//:sets.bzl                      PACKAGE_SETS, BUILD_SETS, TOOLS_SUITE and SNAPSHOTS, what there is

Locks of Ubuntu's suites are reached in the same way, @debian//noble/arm64:base, and fetched from
mirrors of their own. Nothing is fetched before a target needs it.
"""

load("//python_images/private/roots:locks.bzl", "lock_folder_tag")
load("//python_images/private/roots/ubuntu:lock.bzl", "parse_ubuntu_lock")
load("//python_images/private/roots/ubuntu:packages.bzl", "ubuntu_packages")
load(":lock.bzl", "parse_lock", "parse_package")
load(":packages.bzl", "BUILD", "debian_hub", "debian_packages", "set_repo_name")

def _lines_by_set(parsed, name):
    """The package lines of each set. Whoever fetches a set parses its lines wholly; here one of each role."""
    sets = {}
    known = {}
    for line, number in parsed.lines.items():
        roles = line.rpartition(" ")[2]
        if roles not in known:
            known[roles] = parse_package(line, "{}:{}".format(name, number)).roles
        for set in known[roles]:
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

def _new(hub, key, name):
    """The key of a lock in the hub, <suite>/<arch> or build/<suite>/<arch>; fails on a second lock."""
    if key in hub:
        fail("{}: a second lock for {}".format(name, key))
    return key

def _debian_sets(tag, name, parsed, key):
    """Declares the repositories of a lock's sets; returns the sets' names."""
    sets = _lines_by_set(parsed, name)
    for set, lines in sets.items():
        debian_packages(
            name = set_repo_name(key, set),
            beside = str(tag.beside),
            lock = name.rpartition("/")[2],
            packages = lines,
            set = set,
        )
    return sorted(sets)

def _ubuntu_sets(name, parsed, key):
    """As _debian_sets."""
    sets = _lines_by_set(parsed, name)
    for set, lines in sets.items():
        ubuntu_packages(
            name = set_repo_name(key, set),
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
    return sorted(sets)

def _debian_impl(mctx):
    hub = {}
    snapshots = {}
    sources = {}
    for module in mctx.modules:
        tags = module.tags
        if module.name != "python_images" and (tags.locks or tags.build_locks or tags.ubuntu_locks or tags.ubuntu_build_locks):
            fail("MODULE.bazel of {}: {}".format(
                module.name,
                "these locks are python_images' own; for packages besides: debian.packages of " +
                "@python_images//python_images:extensions.bzl, see docs/customise.md of python_images",
            ))
        for prefix, found in [("", tags.locks), (BUILD, tags.build_locks)]:
            for tag in found:
                for name, parsed, key in _locks_of(mctx, tag, parse_lock):
                    hub[prefix + key] = _debian_sets(tag, name, parsed, _new(hub, prefix + key, name))
                    snapshots[prefix + key] = parsed.snapshot
        for prefix, found in [("", tags.ubuntu_locks), (BUILD, tags.ubuntu_build_locks)]:
            for tag in found:
                for name, parsed, key in _locks_of(mctx, tag, parse_ubuntu_lock):
                    hub[prefix + key] = _ubuntu_sets(name, parsed, _new(hub, prefix + key, name))
                    snapshots[prefix + key] = parsed.snapshot
                    sources[key] = [parsed.mirror, parsed.security_mirror]
    debian_hub(name = "debian", sets = hub, snapshots = snapshots, sources = sources)
    return mctx.extension_metadata(reproducible = True)

_locks = lock_folder_tag()

debian = module_extension(
    implementation = _debian_impl,
    doc = "Repositories of locked Debian packages, and @debian, which names them all.",
    tag_classes = {
        "build_locks": _locks,
        "locks": _locks,
        "ubuntu_build_locks": _locks,
        "ubuntu_locks": _locks,
    },
)
