"""Module extension: which Windows base images are locked.

@windows_bases//:locked.bzl has LOCKED, the names of the lock files in a folder without their `.lock`. They
are written by `./bazelw run //tools:lock -- ltsc2025` on machines that reach a registry with the base
images; a checkout without them is the usual case.
"""

load("//python_images/private/roots:locks.bzl", "lock_folder_tag")

def _locked_repo_impl(rctx):
    rctx.file("BUILD.bazel", executable = False)
    rctx.file(
        "locked.bzl",
        '"""Windows base images that are locked."""\n\nLOCKED = {}\n'.format(repr(rctx.attr.locked)),
        executable = False,
    )

_locked_repo = repository_rule(
    implementation = _locked_repo_impl,
    attrs = {"locked": attr.string_list()},
)

def _windows_impl(mctx):
    locked = []
    for module in mctx.modules:
        for tag in module.tags.locks:
            for file in mctx.path(tag.beside).dirname.readdir():
                if file.basename.endswith(".lock"):
                    locked.append(file.basename.removesuffix(".lock"))
    _locked_repo(name = "windows_bases", locked = sorted(locked))
    return mctx.extension_metadata(reproducible = True)

_locks = lock_folder_tag()

windows = module_extension(
    implementation = _windows_impl,
    doc = "@windows_bases, which says what base images are locked.",
    tag_classes = {"locks": _locks},
)
