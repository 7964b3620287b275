"""Repository rule: the wheels of third_party/wheels/requirements.lock as Python libraries."""

load("//tools/cli:commands.bzl", "renewal")

def parse_lock(rctx):
    """Reads a lock of wheels; fails on a line of another form.

    Args:
      rctx: the repository's context, with the attribute lock.

    Returns:
      [(name, version, sha256)] of its lines.
    """
    path = rctx.path(rctx.attr.lock)
    rows = []
    for number, line in enumerate(rctx.read(path).split("\n")):
        if not line or line.startswith("#"):
            continue
        pin, _, digest = line.partition(" --hash=sha256:")
        name, _, version = pin.partition("==")
        if not (name and version and len(digest) == 64):
            fail("{}:{}: not a pin of the form name==version --hash=sha256:…: {}".format(
                path,
                number + 1,
                line,
            ))
        rows.append((name, version, digest))
    return rows

def download_wheels(rctx, requirements, options = []):
    """Downloads the wheels a file of requirements pins into the folder `wheels`.

    Args:
      rctx: the repository's context, with the attributes pip and python.
      requirements: path of the file; every line has a hash.
      options: further options of `pip download`.

    Returns:
      what rctx.execute returns of pip.
    """

    # pip itself fetches: the index, its mirrors, proxies and certificates are set up for pip on
    # the machine, and no index is named here. --require-hashes refuses any other bytes.
    return rctx.execute([
        rctx.path(rctx.attr.python),
        str(rctx.path(rctx.attr.pip)) + "/pip",
        "download",
        "--quiet",
        "--require-hashes",
        "--no-deps",
        "--only-binary=:all:",
        "--disable-pip-version-check",
        "--dest=wheels",
        "--requirement=" + str(requirements),
    ] + options, timeout = 1800)

def _wheels_impl(rctx):
    rows = parse_lock(rctx)
    python = rctx.path(rctx.attr.python)
    lock = rctx.path(rctx.attr.lock)
    rctx.report_progress("Downloading {} wheels".format(len(rows)))
    result = download_wheels(rctx, lock)
    if result.return_code != 0:
        fail("{}: the pinned wheels can't be fetched.\n{}\n".format(lock, result.stderr) +
             "Is the package index set for pip (pip config list)? " +
             "Or " + renewal("./bazelw run //tools:lock_wheels"))

    # From Bazel 8 on, a label's path is watched only by who says so.
    rctx.watch(rctx.attr._unpack)
    rctx.report_progress("Unpacking {} wheels".format(len(rows)))
    result = rctx.execute([python, rctx.path(rctx.attr._unpack), "wheels", "site"])
    if result.return_code != 0:
        fail("{}: unpacking the wheels failed.\n{}".format(lock, result.stderr))
    rctx.delete("wheels")

    rctx.file("BUILD.bazel", """\
load("{rules}", "py_library")

package(default_visibility = ["//visibility:public"])

exports_files(glob(
    ["site/*/bin/*", "site/*/*/bin/*"],
    allow_empty = True,
))

# All of them, one folder each, as a single input: for programs with thousands of files.
exports_files(["site"])
""".format(rules = Label("//toolchains/python:rules.bzl")) + "".join(["""
py_library(
    name = "{name}",
    srcs = glob(["site/{name}/**/*.py"], allow_empty = True),
    data = glob(
        ["site/{name}/**"],
        allow_empty = True,
        exclude = ["site/{name}/**/*.py"],
    ),
    imports = ["site/{name}"],
)
""".format(name = name) for name, _, _ in rows]))

    # The lock and the interpreter decide the content wholly.
    return rctx.repo_metadata(reproducible = True) if hasattr(rctx, "repo_metadata") else None

wheels_repo = repository_rule(
    implementation = _wheels_impl,
    doc = "Fetches pinned wheels with pip and offers each as //:<name>, a py_library, and " +
          "//:site, a folder that has a folder of each.",
    attrs = {
        "lock": attr.label(mandatory = True, doc = "requirements.lock"),
        "pip": attr.label(mandatory = True, doc = "pip's own wheel"),
        "python": attr.label(mandatory = True, doc = "the tool interpreter"),
        "_unpack": attr.label(default = "//tools/wheels:unpack.py"),
    },
)

def _wheel_files_impl(rctx):
    rctx.file("requirements.txt", "".join([
        "{} --hash=sha256:{}\n".format(wheel, sha256)
        for wheel, sha256 in rctx.attr.wheels.items()
    ]), executable = False)
    rctx.report_progress("Downloading {} wheels".format(len(rctx.attr.wheels)))
    result = download_wheels(rctx, rctx.path("requirements.txt"))
    if result.return_code != 0:
        fail("{} can't be fetched.\n".format(rctx.attr.subject) +
             result.stderr + "\nIs the package index set for pip (pip config list)?")
    found = {}
    for file in rctx.path("wheels").readdir():
        name, version = file.basename.split("-")[:2]
        found["{}=={}".format(name, version)] = file.basename
    rctx.file("BUILD.bazel", 'package(default_visibility = ["//visibility:public"])\n' + "".join([
        """
filegroup(
    name = "{}",
    srcs = ["wheels/{}"],
)
""".format(wheel, found[wheel.replace("-", "_")])
        for wheel in rctx.attr.wheels
    ]), executable = False)

wheel_files_repo = repository_rule(
    implementation = _wheel_files_impl,
    doc = "Fetches pinned wheels with pip and offers each file as //:<name>==<version>.",
    attrs = {
        "pip": attr.label(mandatory = True, doc = "pip's own wheel"),
        "python": attr.label(mandatory = True, doc = "the tool interpreter"),
        "subject": attr.string(
            default = "catalog/versions.yaml: the wheels that images have beside pip",
            doc = "which wheels these are, for errors",
        ),
        "wheels": attr.string_dict(mandatory = True, doc = "name==version -> sha256"),
    },
)
