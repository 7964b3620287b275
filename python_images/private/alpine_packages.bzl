"""Repository rules: the .apk files of one locked package set, and the hub that names them all."""

load(":alpine_lock.bzl", "alpine_mirrors", "parse_alpine_lock", "relock")

_SET_BUILD = """\
package(default_visibility = ["//visibility:public"])

exports_files(["packages.json"])

filegroup(
    name = "apks",
    srcs = glob(["*.apk"]),
)
"""

_HUB_BUILD = """\
alias(
    name = "{set}",
    actual = "@{repo}//:apks",
    visibility = ["//visibility:public"],
)

alias(
    name = "{set}.json",
    actual = "@{repo}//:packages.json",
    visibility = ["//visibility:public"],
)
"""

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
    )
    pending = []
    for package in lock.packages:
        file = package.path.rpartition("/")[2]
        urls = ["{}/{}".format(mirror, package.path) for mirror in mirrors]
        pending.append((package, file, urls, rctx.download(
            urls,
            file,
            sha256 = package.sha256,
            allow_fail = True,
            block = False,
        )))
    missing = []
    for number, (package, _, urls, download) in enumerate(pending):
        rctx.report_progress("fetching {} ({} of {})".format(package.name, number + 1, len(pending)))
        if not download.wait().success:
            missing += ["{}: {} {}, sha256 {}, can't be had from any of".format(
                rctx.attr.lock,
                package.name,
                package.version,
                package.sha256,
            )] + ["    " + url for url in urls]
    if missing:
        fail("\n".join(["locked Alpine packages can't be fetched:"] + missing + [
            "If mirrors dropped or replaced them, " + relock(lock.release),
            "For another mirror: --repo_env=ALPINE_MIRROR=<URL of the folder that has v3.24/>",
        ]))
    rctx.file("BUILD.bazel", _SET_BUILD, executable = False)
    rctx.file("packages.json", json.encode_indent([
        {
            "architecture": lock.arch,
            "file": file,
            "package": package.name,
            "path": package.path,
            "requested": package.roles[rctx.attr.set] == "requested",
            "sha256": package.sha256,
            "size": package.size,
            "version": package.version,
        }
        for package, file, _, _ in pending
    ]) + "\n", executable = False)

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
    rctx.file("BUILD.bazel", "", executable = False)
    tree = {}
    for lock, sets in rctx.attr.sets.items():
        release, _, arch = lock.partition("/")
        rctx.file("{}/BUILD.bazel".format(lock), "\n".join([
            _HUB_BUILD.format(repo = alpine_repo_name(release, arch, set), set = set)
            for set in sets
        ]), executable = False)
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
