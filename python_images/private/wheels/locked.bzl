"""Repository rules behind `wheels.lock`: the wheels of one lock for one platform, and all platforms' hub."""

load("//tools/cli:commands.bzl", "IS_ROOT")

# The program that writes locks, as people run it.
LOCK_APP = "./bazelw run //tools:lock_app" if IS_ROOT else "bazel run @python_images//tools:lock_app"

# What the program that chooses and fetches consists of, below the module's root.
_SOURCES = ["tools", "tools/net", "tools/wheels", "tools/wheels/locks"]
_LIBRARIES = ["idna", "packaging", "urllib3"]

def lock_path(lock):
    """A lock as people type it in their workspace.

    Args:
      lock: its Label.

    Returns:
      a string.
    """
    return "/".join([part for part in [lock.package, lock.name] if part])

def fetch_wheels(rctx, lock, options):
    """Downloads the wheels that an image takes of a lock into the folder `wheels`; fails if it can't.

    Args:
      rctx: the repository's context, with the attributes pip and python.
      lock: Label of the lock.
      options: further options of tools/wheels/locks/fetch.py.

    Returns:
      list of the files' names.
    """
    root = rctx.path(Label("//:MODULE.bazel")).dirname
    for folder in _SOURCES:
        for file in root.get_child(folder).readdir():
            if file.basename.endswith(".py") and not file.basename.endswith("_test.py"):
                rctx.watch(file)
    site = rctx.path(Label("@wheels//:BUILD.bazel")).dirname.get_child("site")
    rctx.watch(lock)
    rctx.report_progress("Fetching the wheels of {}".format(lock_path(lock)))
    result = rctx.execute(
        [
            rctx.path(rctx.attr.python),
            "-m",
            "tools.wheels.locks.fetch",
            "--lock={}".format(rctx.path(lock)),
            "--name=" + lock_path(lock),
            "--pip={}".format(rctx.path(rctx.attr.pip)),
            "--output=wheels",
        ] + options,
        environment = {
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONPATH": ":".join([str(root)] + ["{}/{}".format(site, name) for name in _LIBRARIES]),
        },
        timeout = 1800,
    )
    if result.return_code != 0:
        fail(result.stderr.strip())
    return sorted([file.basename for file in rctx.path("wheels").readdir(watch = "no")])

def normal_name(name):
    """A distribution's name as locks write it: lower case, runs of - _ . as one dash.

    Args:
      name: as anybody writes it.

    Returns:
      a string.
    """
    return "-".join([part for part in name.lower().replace("_", "-").replace(".", "-").split("-") if part])

def wheel_targets(files):
    """The text of a target for each wheel, //:<name>.

    Args:
      files: names of files in `wheels`.

    Returns:
      a string.
    """
    return "".join(["""
filegroup(
    name = "{name}",
    srcs = ["wheels/{file}"],
)
""".format(name = normal_name(file.split("-")[0]), file = file) for file in files])

def minor_of(python):
    """The minor version of a release.

    Args:
      python: the release, such as 3.14.1t.

    Returns:
      a string, such as 3.14t.
    """
    return ".".join(python.removesuffix("t").split(".")[:2]) + ("t" if python.endswith("t") else "")

def _locked_wheels_impl(rctx):
    if not rctx.attr.libc:
        fail("{}: images on {} can't be built yet: its packages aren't locked for {}".format(
            lock_path(rctx.attr.lock),
            rctx.attr.suite,
            rctx.attr.platform,
        ))
    files = fetch_wheels(rctx, rctx.attr.lock, [
        "--libc=" + rctx.attr.libc,
        "--platform=" + rctx.attr.platform,
        "--python=" + rctx.attr.release,
        "--relock={} -- {} --lock={}".format(
            LOCK_APP,
            "--base=" + rctx.attr.base if rctx.attr.base else "--python=" + rctx.attr.release,
            lock_path(rctx.attr.lock),
        ),
    ])
    rctx.file("BUILD.bazel", """\
load("{rule}", "wheel_set")

package(default_visibility = ["//visibility:public"])

wheel_set(
    name = "all",
    libc = "{libc}",
    lock = "{lock}",
    platform = "{platform}",
    python = "{python}",
    wheels = {wheels},
)
""".format(
        libc = rctx.attr.libc,
        lock = lock_path(rctx.attr.lock),
        platform = rctx.attr.platform,
        python = minor_of(rctx.attr.release),
        rule = Label(":wheel_set.bzl"),
        wheels = ["wheels/" + file for file in files],
    ) + wheel_targets(files), executable = False)
    return rctx.repo_metadata(reproducible = True) if hasattr(rctx, "repo_metadata") else None

locked_wheels = repository_rule(
    implementation = _locked_wheels_impl,
    doc = "The wheels of a lock for one platform: //:all, a wheel_set, and //:<name>.",
    attrs = {
        "base": attr.string(doc = "the base's tag, for messages"),
        "libc": attr.string(doc = "the image's C library, such as glibc 2.41"),
        "lock": attr.label(mandatory = True),
        "pip": attr.label(default = "@tool_python//:share/pip.whl", doc = "pip's own wheel"),
        "platform": attr.string(mandatory = True, doc = "as catalog/platforms.yaml names it"),
        "python": attr.label(default = "@tool_python//:bin/python3", doc = "the tool interpreter"),
        "release": attr.string(mandatory = True, doc = "of Python: 3.14.1t"),
        "suite": attr.string(doc = "that the image is on, for messages"),
    },
)

def _wheels_hub_impl(rctx):
    if rctx.attr.error:
        rctx.file("error.bzl", "def stop():\n    fail({})\n".format(repr(rctx.attr.error)), executable = False)
        rctx.file("BUILD.bazel", 'load(":error.bzl", "stop")\n\nstop()\n', executable = False)
        return
    rctx.file("BUILD.bazel", 'package(default_visibility = ["//visibility:public"])\n' + "".join(["""
alias(
    name = "{name}",
    actual = "@{repo}//:all",
    tags = ["manual"],
)
""".format(name = name, repo = repo) for name, repo in rctx.attr.repos.items()]), executable = False)

wheels_hub = repository_rule(
    implementation = _wheels_hub_impl,
    doc = "//:<platform>, the wheels of a lock for each platform.",
    attrs = {
        "error": attr.string(doc = "what is wrong with the lock's tag; else empty"),
        "repos": attr.string_dict(doc = "name of a platform -> repository"),
    },
)
