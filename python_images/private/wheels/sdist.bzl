"""Repository rule: a pinned source archive of a package index, of which nothing is run."""

def _sdist_impl(rctx):
    rctx.watch(rctx.attr._backend)
    rctx.file("backend/setuptools/__init__.py", executable = False)
    rctx.file(
        "backend/setuptools/build_meta.py",
        rctx.read(rctx.attr._backend),
        executable = False,
    )
    rctx.file(
        "requirements.txt",
        "{} --hash=sha256:{}\n".format(rctx.attr.sdist, rctx.attr.sha256),
        executable = False,
    )
    rctx.report_progress("Downloading " + rctx.attr.sdist)

    # As of wheels: the index is set up for pip on the machine.
    result = rctx.execute(
        [
            rctx.path(rctx.attr.python),
            str(rctx.path(rctx.attr.pip)) + "/pip",
            "download",
            "--quiet",
            "--require-hashes",
            "--no-deps",
            "--no-binary=:all:",
            "--no-build-isolation",
            "--use-pep517",
            "--disable-pip-version-check",
            "--dest=sdist",
            "--requirement=requirements.txt",
        ],
        environment = {"PYTHONPATH": str(rctx.path("backend"))},
        timeout = 1800,
    )
    if result.return_code != 0:
        fail("{}: the pinned source archive can't be fetched.\n{}\n".format(
            rctx.attr.sdist,
            result.stderr,
        ) + "Is the package index set for pip (pip config list)?")
    rctx.delete("backend")
    (file,) = rctx.path("sdist").readdir()
    rctx.symlink(file, "sdist.tar.gz")
    rctx.file(
        "BUILD.bazel",
        'exports_files(["sdist.tar.gz"], visibility = ["//visibility:public"])\n',
        executable = False,
    )
    return rctx.repo_metadata(reproducible = True) if hasattr(rctx, "repo_metadata") else None

sdist_repo = repository_rule(
    implementation = _sdist_impl,
    doc = "Fetches a pinned source archive with pip and offers it as //:sdist.tar.gz. Nothing in it runs.",
    attrs = {
        "pip": attr.label(mandatory = True, doc = "pip's own wheel"),
        "python": attr.label(mandatory = True, doc = "the tool interpreter"),
        "sdist": attr.string(mandatory = True, doc = "name==version"),
        "sha256": attr.string(mandatory = True, doc = "of the archive"),
        "_backend": attr.label(default = "//tools/wheels:metadata_only.py"),
    },
)
