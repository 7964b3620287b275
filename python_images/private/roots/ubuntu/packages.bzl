"""Repository rule: the .deb files of one locked set of Ubuntu packages."""

load("//python_images/private/roots:mirrors.bzl", "public_mirrors")
load("//python_images/private/roots:packages.bzl", "fetch_packages", "write_package_set")
load("//python_images/private/roots/debian:mirrors.bzl", "select_packages")
load("//python_images/private/roots/debian:packages.bzl", "DEBS")
load(
    ":lock.bzl",
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
    lock = parse_ubuntu_lock("\n".join(rctx.attr.header), rctx.attr.lock)
    variable = ubuntu_variable(lock.arch)
    mirrors = ubuntu_mirrors(
        rctx.getenv(variable) or "",
        _machine_mirrors(rctx),
        _ARCHES.get(rctx.os.arch, rctx.os.arch),
        lock,
        lock.arch,
        public_mirrors(rctx)["ubuntu"],
    )
    packages = select_packages(lock, rctx.attr.packages, rctx.attr.lock, rctx.attr.set).packages
    fetch_packages(
        rctx,
        "Ubuntu",
        packages,
        lambda package: ["{}/{}".format(mirror, package.path) for mirror in mirrors],
        [
            "If mirrors dropped or replaced them, " + ubuntu_relock(lock.suite, rctx.attr.lock),
            "For another mirror: --repo_env={}=<root URL>".format(variable),
        ],
    )
    write_package_set(rctx, DEBS, packages, facts = {"distribution": "ubuntu"})

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
