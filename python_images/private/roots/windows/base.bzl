"""windows_base: a Windows base image by its digests, the root file system of images on Windows."""

load("//python_images/private/roots:layer.bzl", "RootInfo")
load("//toolchains/python:rules.bzl", "py_test")
load("//tools/cli:commands.bzl", "IN_CHECKOUT")

# What an unlocked base image doesn't fit; Bazel names it where it skips one.
_NOT_LOCKED = Label("//third_party/windows:locked_by_tools_lock")

_CHECK_LOCK = Label("//tools/packages/windows:check_lock.py")
_LOCKFILE = Label("//tools/packages/windows:lockfile")

WindowsBaseInfo = provider(
    doc = "A locked Windows base image.",
    fields = {
        "lock": "File: the lock, see tools/packages/windows/lockfile.py",
    },
)

def _windows_base_impl(ctx):
    if not ctx.file.lock:
        fail("\n".join([
            "",
            "The base image Windows Server Core {} is not locked. Where a registry that has it can be reached{}".format(
                ctx.attr.release,
                IN_CHECKOUT,
            ),
            "  ./bazelw run //tools:lock -- {} --registry=HOST".format(ctx.attr.release),
            "writes {}/{}.lock; docs/windows.md says more.".format(ctx.label.package, ctx.attr.release),
        ]))
    return [
        DefaultInfo(files = depset([ctx.file.lock])),
        RootInfo(
            by_need = False,
            installed = None,
            listing = None,
            packages = [],
            release = ctx.attr.release,
            tar = None,
        ),
        WindowsBaseInfo(lock = ctx.file.lock),
    ]

windows_base = rule(
    implementation = _windows_base_impl,
    doc = "A Windows base image, of which only the lock is needed. Without a lock it fails, saying how to get one.",
    attrs = {
        "lock": attr.label(
            allow_single_file = [".lock"],
            doc = "The lock file; none where it has not been written yet.",
        ),
        "release": attr.string(mandatory = True, doc = "The base image's tag, such as ltsc2025."),
    },
    provides = [RootInfo, WindowsBaseInfo],
)

def windows_bases(name, windows, locked, package = ""):
    """Declares the base images, by the names of their releases.

    `<release>_lock_test` checks a lock, and is skipped where there is none, which Bazel reports.

    Args:
      name: file group of the locks there are.
      windows: `windows` of the catalog, see tools/catalog/export.py.
      locked: names of the releases that have a lock.
      package: where the locks are, such as //third_party/windows; the package that calls this if
        there is none.
    """
    locks = {release: "{}:{}.lock".format(package, release) for release in locked}
    for release in windows["releases"]:
        windows_base(
            name = release,
            lock = locks.get(release),
            release = release,
            # It fails without a lock.
            tags = ["manual"],
        )
        py_test(
            name = release + "_lock_test",
            size = "small",
            srcs = [_CHECK_LOCK],
            args = ["$(rootpath {})".format(locks[release])] if release in locks else [],
            data = [locks[release]] if release in locks else [],
            main = _CHECK_LOCK,
            target_compatible_with = [] if release in locks else [_NOT_LOCKED],
            deps = [_LOCKFILE],
        )
    native.filegroup(
        name = name,
        srcs = [locks[release] for release in windows["releases"] if release in locks],
    )
