"""What a repository of debian.packages consists of; see own_extension.bzl."""

load("@catalog//:catalog.bzl", "CATALOG")
load("//python_images/private/roots:layer.bzl", "package_set")
load("//python_images/private/tools:near.bzl", "near")
load("//python_images/private/tools:program.bzl", "program")
load(":layer.bzl", "OwnPackagesInfo")
load(":packages.bzl", "DEBS")

def _locked_packages_impl(ctx):
    return [
        DefaultInfo(files = depset(ctx.files.debs)),
        OwnPackagesInfo(
            arch = ctx.label.name,
            lock = ctx.attr.lock,
            locked_by = ctx.attr.locked_by,
            scripts = ctx.file.table,
            scripts_name = ctx.attr.scripts,
            set = package_set(ctx.files.debs, ctx.file.packages),
            suite = ctx.attr.suite,
        ),
    ]

_locked_packages = rule(
    implementation = _locked_packages_impl,
    doc = "Locked packages for the architecture that is the target's name.",
    attrs = {
        "debs": attr.label(mandatory = True, allow_files = [".deb"]),
        "lock": attr.string(mandatory = True),
        "locked_by": attr.string(mandatory = True),
        "packages": attr.label(mandatory = True, allow_single_file = [".json"]),
        "scripts": attr.string(doc = "what people call the table"),
        "suite": attr.string(mandatory = True),
        "table": attr.label(allow_single_file = [".toml"], doc = "the table of reviewed scripts"),
    },
    provides = [OwnPackagesInfo],
)

def _unlocked_packages_impl(ctx):
    fail("\n\n{}: {}".format(ctx.label, ctx.attr.why))

_unlocked_packages = rule(
    implementation = _unlocked_packages_impl,
    doc = "Fails when it is analysed, with the command that locks.",
    attrs = {"why": attr.string(mandatory = True)},
    provides = [OwnPackagesInfo],
)

def _added_lock_impl(ctx):
    return [program(
        ctx,
        ctx.attr._lock,
        ["--command=" + ctx.attr.command, "--lock=" + ctx.attr.lock] +
        ["--images=" + file.short_path for file in ctx.files.images] +
        ctx.attr.packages,
        ctx.files.images,
    )]

_added_lock = rule(
    implementation = _added_lock_impl,
    doc = "Locks packages of another workspace: `bazel run` it.",
    attrs = {
        "command": attr.string(mandatory = True, doc = "what runs this"),
        "images": attr.label_list(allow_files = [".lock"], doc = "the locks of this module's images"),
        "lock": attr.string(mandatory = True, doc = "the file to write, relative to the workspace"),
        "packages": attr.string_list(mandatory = True),
        "_lock": attr.label(
            default = "//tools/packages/debian:lock_added",
            executable = True,
            cfg = "target",
        ),
    },
    executable = True,
)

def _platform_archs(where, suite, platforms):
    """Debian's names of the platforms; fails for an unknown suite or platform."""
    suites = CATALOG["suites"]
    if suite not in suites:
        fail("{}: suite = {} is no suite of Debian's in the catalog; {}".format(
            where,
            repr(suite),
            near(suite, suites.keys()),
        ))
    known = suites[suite]["platforms"]
    for platform in platforms:
        if platform not in known:
            fail("{}: platforms: {} isn't one of {}; {}".format(
                where,
                repr(platform),
                suite,
                near(platform, known),
            ))
    sample = [name for name in known if CATALOG["platforms"][name]["sample"]]
    return [CATALOG["platforms"][name]["debian"] for name in platforms or sample]

def _stale(lock, suite, packages, arch, locked, suites):
    """Why the lock isn't of what is declared, or None."""
    if arch not in locked:
        return "{} has nothing for {}".format(lock, arch) if locked else "there is no {}".format(lock)
    if suites[arch] != suite:
        return "{} is of {}".format(lock, suites[arch])
    absent = [name for name in packages if name not in locked[arch]]
    if absent:
        return "{} was written without {}".format(lock, ", ".join(absent))
    dropped = [name for name in locked[arch] if name not in packages]
    if dropped:
        return "{} still has {}".format(lock, ", ".join(dropped))
    return None

def added_packages(name, suite, platforms, packages, command, lock, locked, suites, scripts):
    """Declares the packages of each architecture, and the program that locks them.

    Args:
      name: name of the repository.
      suite: Debian's name of the suite.
      platforms: names of platforms; those of the catalog's sample if empty.
      packages: names of packages.
      command: what locks.
      lock: the lock, relative to the workspace.
      locked: dict: architecture -> names of the packages that the lock is for.
      suites: dict: architecture -> suite that the lock is for.
      scripts: the table of reviewed scripts, relative to the workspace; "" without one.
    """
    where = "MODULE.bazel: debian.packages(name = \"{}\")".format(name)
    archs = _platform_archs(where, suite, platforms)
    if not packages:
        fail("{}: packages = []: name one or more".format(where))
    _added_lock(
        name = "lock",
        command = command,
        images = [Label("//third_party/debian:{}_{}.lock".format(suite, arch)) for arch in archs],
        lock = lock,
        packages = packages,
    )
    for arch in archs:
        why = _stale(lock, suite, packages, arch, locked, suites)
        if why:
            _unlocked_packages(
                name = arch,
                visibility = ["//visibility:public"],
                why = "{} of {} for {}: {}. To lock them: {}".format(
                    ", ".join(packages),
                    suite,
                    arch,
                    why,
                    command,
                ),
            )
            continue
        repo = "@{}_{}".format(name, arch)
        _locked_packages(
            name = arch,
            debs = "{}//:{}".format(repo, DEBS),
            lock = lock,
            locked_by = command,
            packages = repo + "//:packages.json",
            scripts = scripts,
            suite = suite,
            table = "scripts.toml" if scripts else None,
            visibility = ["//visibility:public"],
        )
