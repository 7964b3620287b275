"""Repository rule: the tool interpreter, CPython of Debian made runnable on any x86-64 Linux."""

load("//python_images/private/roots/debian:mirrors.bzl", "download_debs", "read_lock")

_BUILD = """\
package(default_visibility = ["//visibility:public"])

exports_files([
    "bin/python3",
    "share/pip.whl",
])

# All that a running program needs; pip is not of it.
filegroup(
    name = "files",
    srcs = glob([
        "bin/**",
        "lib/**",
        "libexec/**",
    ]),
)
"""

def _lock(rctx):
    """The label of the one lock that has the interpreter's packages."""
    found = []
    for file in rctx.path(rctx.attr.locks).dirname.readdir(watch = "no"):
        # Only the one that is chosen is watched: read_lock does it.
        text = rctx.read(file, watch = "no") if file.basename.endswith("_amd64.lock") else ""
        if " {}=".format(rctx.attr.set) in text or ",{}=".format(rctx.attr.set) in text:
            found.append(rctx.attr.locks.same_package_label(file.basename))
    if len(found) != 1:
        fail("{}: the set {} has to be in one lock for amd64, and is in {}; {}".format(
            rctx.attr.locks.package,
            rctx.attr.set,
            " and ".join([label.name for label in found]) or "none",
            "leave it in the build_sets of one suite in catalog/suites.yaml and lock again: " +
            "./bazelw --bazelw-lock --keep --build",
        ))
    return found[0]

# What packages depend on that has none of the files assemble.py takes: programs, plug-ins, documents.
_NOTHING_TAKEN = ["gcc-14-base", "openssl", "openssl-provider-legacy"]

def _without_data(lock):
    """The lock without packages that only bring data, such as tzdata with its 1,800 files.

    What assemble.py takes is the interpreter, shared libraries, which no package for all
    architectures has, and pip, which the set requests.
    """
    return struct(
        name = lock.name,
        suite = lock.suite,
        arch = lock.arch,
        snapshot = lock.snapshot,
        packages = [
            package
            for package in lock.packages
            if (package.arch != "all" and package.name not in _NOTHING_TAKEN) or package.requested
        ],
    )

# The libraries that assemble.py needs to run, and so can't unpack itself.
_ASSEMBLE_LIBRARIES = ["libc6", "libexpat1", "liblzma5", "zlib1g"]

def _runs_assemble(package):
    """Whether assemble.py needs a package to run; it unpacks the others, faster than Bazel does."""
    return package.name.startswith(("libpython3", "python3.")) or package.name in _ASSEMBLE_LIBRARIES

def _tool_python_impl(rctx):
    lock = _without_data(read_lock(rctx, _lock(rctx), rctx.attr.set))
    packages = []
    for package, deb in zip(lock.packages, download_debs(rctx, lock, "debs")):
        if not _runs_assemble(package):
            packages.append(deb)
            continue
        rctx.extract(deb, "members")
        (data,) = [m for m in rctx.path("members").readdir() if m.basename.startswith("data.tar")]
        rctx.extract(data, "root")
        rctx.delete("members")

    # The interpreter unpacked arranges itself: no program of the machine is called. From Bazel 8 on,
    # a label's path is watched only by who says so.
    rctx.watch(rctx.attr._assemble)
    rctx.report_progress("Assembling the tool interpreter")
    libraries = "root/usr/lib/x86_64-linux-gnu"
    (program,) = [
        p
        for p in rctx.path("root/usr/bin").readdir()
        if p.basename.startswith("python3.") and p.basename[len("python3."):].isdigit()
    ]
    result = rctx.execute([
        libraries + "/ld-linux-x86-64.so.2",
        "--inhibit-cache",
        "--argv0",
        program,
        "--library-path",
        libraries,
        program,
        "-I",
        "-S",
        rctx.path(rctx.attr._assemble),
        "--root=root",
        "--out=.",
    ] + packages)
    if result.return_code != 0:
        fail("assembling the tool interpreter failed:\n" + result.stderr)
    rctx.template("bin/python3", rctx.attr._launcher, executable = True)
    rctx.delete("debs")
    rctx.delete("root")
    rctx.file("BUILD.bazel", _BUILD)

tool_python = repository_rule(
    implementation = _tool_python_impl,
    doc = "The pinned interpreter as //:bin/python3, its files as //:files, pip as //:share/pip.whl.",
    attrs = {
        "locks": attr.label(mandatory = True, doc = "a file in the folder of Debian's build locks"),
        "set": attr.string(default = "python", doc = "the package set that one lock for amd64 has"),
        "_assemble": attr.label(default = "//toolchains/python:assemble.py"),
        "_launcher": attr.label(default = "//toolchains/python:launcher.sh"),
    },
)
