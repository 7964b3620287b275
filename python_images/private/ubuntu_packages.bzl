"""Repository rule: the .deb files of one locked set of Ubuntu packages."""

load(":debian_lock.bzl", "parse_package")
load(":debian_packages.bzl", "write_package_set")
load(
    ":ubuntu_lock.bzl",
    "parse_ubuntu_apt_uris",
    "parse_ubuntu_lock",
    "ubuntu_mirrors",
    "ubuntu_relock",
    "ubuntu_variable",
)

# Suites by which a source of apt's is known to be Ubuntu's own archive.
_SUITES = ["focal", "jammy", "noble", "plucky", "questing", "resolute"]

# Debian's name of the machine's architecture, by Bazel's.
_ARCHES = {"aarch64": "arm64", "amd64": "amd64", "x86_64": "amd64"}

def _machine_mirrors(rctx):
    apt = rctx.which("apt-get")
    if not apt:
        return []
    result = rctx.execute([apt, "update", "--print-uris"])
    return parse_ubuntu_apt_uris(result.stdout, _SUITES) if result.return_code == 0 else []

def _ubuntu_packages_impl(rctx):
    # The lines of the set are an attribute, and the lock isn't watched, so that a change of
    # another set fetches nothing here.
    lock = parse_ubuntu_lock("\n".join(rctx.attr.header + rctx.attr.packages), rctx.attr.lock)
    variable = ubuntu_variable(lock.arch)
    mirrors = ubuntu_mirrors(
        rctx.getenv(variable) or "",
        _machine_mirrors(rctx),
        _ARCHES.get(rctx.os.arch, rctx.os.arch),
        lock.mirror,
        lock.arch,
    )
    pending = []
    for line in rctx.attr.packages:
        parsed = parse_package(line, rctx.attr.lock)
        package = struct(
            name = parsed.name,
            version = parsed.version,
            arch = parsed.arch,
            path = parsed.path,
            sha256 = parsed.sha256,
            size = parsed.size,
            requested = parsed.roles[rctx.attr.set] == "requested",
        )
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
        fail("\n".join(["locked Ubuntu packages can't be fetched:"] + missing + [
            "If mirrors dropped or replaced them, " + ubuntu_relock(lock.suite),
            "For another mirror: --repo_env={}=<root URL>".format(variable),
        ]))
    write_package_set(
        rctx,
        [(package, file) for package, file, _, _ in pending],
        facts = {"distribution": "ubuntu"},
    )

ubuntu_packages = repository_rule(
    implementation = _ubuntu_packages_impl,
    doc = "The packages of one set, as debian_packages has them.",
    attrs = {
        "header": attr.string_list(mandatory = True, doc = "the lock's header"),
        "lock": attr.string(mandatory = True, doc = "the lock, for messages"),
        "packages": attr.string_list(mandatory = True, doc = "the lock's lines for the set"),
        "set": attr.string(mandatory = True, doc = "name of the package set"),
    },
)
