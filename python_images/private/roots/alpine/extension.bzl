"""Module extension: a repository for each locked set of Alpine packages.

For every <release>_<arch>.lock in a folder, and every package set in it, there is a repository;
they're reached through the hub, so that a new lock needs no edit of MODULE.bazel:

    @alpine//alpine3.24/aarch64:base         the .apk files
    @alpine//alpine3.24/aarch64:base.json    packages.json, as docs/locking.md has it
    @alpine//:sets.bzl                       LOCKS, what there is

Nothing is fetched before a target needs it. There need not be any lock: //tools:lock makes them
where a mirror of Alpine's is in reach.
"""

load("//python_images/private/roots:locks.bzl", "lock_folder_tag")
load(":lock.bzl", "parse_alpine_lock")
load(":packages.bzl", "alpine_hub", "alpine_packages", "alpine_repo_name")

def _alpine_impl(mctx):
    hub = {}
    repositories = {}
    times = {}
    for module in mctx.modules:
        for tag in module.tags.locks:
            for file in mctx.path(tag.beside).dirname.readdir():
                if not file.basename.endswith(".lock"):
                    continue
                name = "{}/{}".format(tag.beside.package, file.basename)
                lock = parse_alpine_lock(mctx.read(file, watch = "yes"), name)
                key = "{}/{}".format(lock.release, lock.arch)
                if file.basename != key.replace("/", "_") + ".lock":
                    fail("{}: its header says {}; name and header must agree".format(name, key))
                if key in hub:
                    fail("{}: a second lock for {}".format(name, key))
                header = ["{} {}".format(k, getattr(lock, k)) for k in ("release", "arch", "time")]
                header += ["repository " + url for url in lock.repositories]
                sets = {}
                for package in lock.packages:
                    for set in package.roles:
                        sets.setdefault(set, []).append(package.line)
                for set, lines in sets.items():
                    alpine_packages(
                        name = alpine_repo_name(lock.release, lock.arch, set),
                        lines = header + lines,
                        lock = name,
                        set = set,
                    )
                hub[key] = sorted(sets)
                repositories[key] = lock.repositories
                times[key] = lock.time
    alpine_hub(name = "alpine", repositories = repositories, sets = hub, times = times)
    return mctx.extension_metadata(reproducible = True)

_locks = lock_folder_tag()

alpine = module_extension(
    implementation = _alpine_impl,
    doc = "Repositories of locked Alpine packages, and @alpine, which names them all.",
    tag_classes = {"locks": _locks},
)
