"""Repository rules: the .apk files of one locked package set, and the hub that names them all."""

load("//python_images/private/roots:mirrors.bzl", "public_mirrors")
load("//python_images/private/roots:packages.bzl", "fetch_packages", "hub_build", "write_package_set")
load(":lock.bzl", "alpine_mirrors", "parse_alpine_lock", "relock")

# What a set's repository calls its files.
_APKS = "apks"

def alpine_repo_name(release, arch, set):
    """Name of the repository that holds one package set."""
    return "{}_{}_{}".format(release, arch, set)

def _alpine_packages_impl(rctx):
    # The lines of the set are an attribute, and the lock isn't watched, so that a change of
    # another set fetches nothing here.
    lock = parse_alpine_lock("\n".join(rctx.attr.lines), rctx.attr.lock)
    machine = rctx.path("/etc/apk/repositories")
    mirrors = alpine_mirrors(
        rctx.getenv("ALPINE_MIRROR") or "",
        lock.repositories,
        rctx.read(machine, watch = "no") if machine.exists else "",
        public_mirrors(rctx)["alpine"],
    )
    packages = [
        struct(
            arch = lock.arch,
            name = package.name,
            path = package.path,
            requested = package.roles[rctx.attr.set] == "requested",
            sha256 = package.sha256,
            size = package.size,
            version = package.version,
            where = rctx.attr.lock,
        )
        for package in lock.packages
    ]
    fetch_packages(
        rctx,
        "Alpine",
        packages,
        lambda package: ["{}/{}".format(mirror, package.path) for mirror in mirrors],
        [
            "If mirrors dropped or replaced them, " + relock(lock.release),
            "For another mirror: --repo_env=ALPINE_MIRROR=<URL of the folder that has v3.24/>",
        ],
    )
    write_package_set(rctx, _APKS, packages)

alpine_packages = repository_rule(
    implementation = _alpine_packages_impl,
    doc = "The packages of one set: //:apks (the files) and //:packages.json (what they are).",
    attrs = {
        "lines": attr.string_list(mandatory = True, doc = "the lock's header and lines of the set"),
        "lock": attr.string(mandatory = True, doc = "the lock, for messages"),
        "set": attr.string(mandatory = True, doc = "name of the package set"),
    },
)

def _alpine_hub_impl(rctx):
    rctx.file("BUILD.bazel", "exports_files([\"sets.bzl\"])\n", executable = False)
    tree = {}
    for lock, sets in rctx.attr.sets.items():
        release, _, arch = lock.partition("/")
        rctx.file("{}/BUILD.bazel".format(lock), hub_build(_APKS, {
            set: alpine_repo_name(release, arch, set)
            for set in sets
        }), executable = False)
        tree.setdefault(release, {})[arch] = struct(
            repositories = rctx.attr.repositories[lock],
            sets = sets,
            time = rctx.attr.times[lock],
        )
    rctx.file(
        "sets.bzl",
        '"""What is locked: release -> Alpine architecture -> struct(repositories, sets, time)."""\n\n' +
        "LOCKS = {}\n".format(repr(tree)),
        executable = False,
    )

alpine_hub = repository_rule(
    implementation = _alpine_hub_impl,
    doc = "//<release>/<arch>:<set> and :<set>.json for every locked set; //:sets.bzl lists them.",
    attrs = {
        "repositories": attr.string_list_dict(mandatory = True, doc = "<release>/<arch> -> URLs"),
        "sets": attr.string_list_dict(mandatory = True, doc = "<release>/<arch> -> set names"),
        "times": attr.string_dict(mandatory = True, doc = "<release>/<arch> -> the lock's time"),
    },
)
