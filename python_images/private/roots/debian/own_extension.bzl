"""Module extension: Debian packages of another workspace, on top of images of this module.

`debian.packages` in MODULE.bazel declares what a workspace adds, for one suite and some platforms. It
gives a repository of that name:

    @<name>//:<architecture>    the packages, for python_image's `packages`
    @<name>//:lock              locks them: bazel run

The packages themselves are in repositories of their own, so that only those that a build needs are
fetched.
"""

load("//python_images/private/roots:packages.bzl", "write_package_set")
load("//tools/cli:commands.bzl", "IS_ROOT")
load(":lock.bzl", "parse_lock")
load(":mirrors.bzl", "download_debs", "select_packages")
load(":packages.bzl", "DEBS")

# As tools/packages/debian/lock_added.py names it.
_SET = "own"

def sections(text):
    """The locks in a file, by architecture.

    Args:
      text: of the file, see tools/packages/debian/lock_added.py.

    Returns:
      dict: architecture -> text of its lock; each has as many lines before it as in the file.
    """
    found = {}
    arch = None
    starts = []
    lines = text.split("\n")
    for number, line in enumerate(lines):
        if line.startswith("suite "):
            starts.append(number)
    for index, start in enumerate(starts):
        end = starts[index + 1] if index + 1 < len(starts) else len(lines)
        for line in lines[start:end]:
            if line.startswith("arch "):
                arch = line.removeprefix("arch ")
                break
        found[arch or ""] = "\n" * start + "\n".join(lines[start:end])
        arch = None
    return found

def _added_impl(rctx):
    parsed = parse_lock(rctx.attr.text, rctx.attr.lock, rctx.attr.locked_by)
    chosen = select_packages(parsed, parsed.lines.keys(), rctx.attr.lock, _SET)
    download_debs(rctx, chosen, written_by = rctx.attr.locked_by)
    write_package_set(rctx, DEBS, chosen.packages)

_added_packages = repository_rule(
    implementation = _added_impl,
    doc = "The packages for one architecture: //:debs (the files) and //:packages.json (what they are).",
    attrs = {
        "lock": attr.string(mandatory = True, doc = "the file, for errors"),
        "locked_by": attr.string(mandatory = True, doc = "the command that writes it"),
        "text": attr.string(mandatory = True, doc = "the lock of this architecture"),
    },
)

_HUB = """\
load({rules}, "added_packages")

exports_files([{names}])

added_packages(
    name = {name},
    command = {command},
    lock = {lock},
    locked = {locked},
    packages = {packages},
    platforms = {platforms},
    scripts = {scripts},
    suite = {suite},
    suites = {suites},
)
"""

def _hub_impl(rctx):
    # For Dockerfiles of variants with these packages: //catalog:added.
    rctx.file(rctx.attr.shown + ".txt", "".join([name + "\n" for name in rctx.attr.packages]), executable = False)
    if rctx.attr.scripts:
        rctx.file("scripts.toml", rctx.attr.table, executable = False)
    rctx.file("BUILD.bazel", _HUB.format(
        command = repr(rctx.attr.command),
        lock = repr(rctx.attr.lock),
        locked = repr(rctx.attr.locked),
        names = repr(rctx.attr.shown + ".txt"),
        name = repr(rctx.attr.shown),
        packages = repr(rctx.attr.packages),
        platforms = repr(rctx.attr.platforms),
        rules = repr(str(Label(":own_rules.bzl"))),
        scripts = repr(rctx.attr.scripts),
        suite = repr(rctx.attr.suite),
        suites = repr(rctx.attr.suites),
    ), executable = False)

_hub = repository_rule(
    implementation = _hub_impl,
    doc = "What a declaration gives: //:<architecture> and //:lock, see own_rules.bzl.",
    attrs = {
        "command": attr.string(doc = "what locks"),
        "lock": attr.string(doc = "the lock, relative to the workspace"),
        "locked": attr.string_list_dict(doc = "architecture -> names of packages that the lock is for"),
        "packages": attr.string_list(),
        "platforms": attr.string_list(),
        "scripts": attr.string(doc = "the table of reviewed scripts, relative to the workspace"),
        "shown": attr.string(doc = "the repository's name"),
        "suite": attr.string(),
        "suites": attr.string_dict(doc = "architecture -> suite of the lock"),
        "table": attr.string(doc = "content of that table"),
    },
)

def _requested(text):
    """Names of the packages that a lock is for. Whether it is whole, its packages tell that are fetched."""
    return [
        line.partition(" ")[0]
        for line in text.split("\n")
        if line.endswith(" {}=requested".format(_SET))
    ]

def _place(label):
    """A file's path below its workspace."""
    return "/".join([part for part in [label.package, label.name] if part])

def _declare(mctx, tag):
    """Declares the repositories of a tag."""
    lock = _place(tag.lock)
    table = ""
    if tag.scripts:
        path = mctx.path(tag.scripts)
        mctx.watch(path)
        if not path.exists:
            fail("MODULE.bazel: debian.packages(name = \"{}\"): there is no {}; make an empty file".format(
                tag.name,
                _place(tag.scripts),
            ))
        table = mctx.read(path)
    command = "{} run @{}//:lock".format("./bazelw" if IS_ROOT else "bazel", tag.name)
    path = mctx.path(tag.lock)
    mctx.watch(path)
    texts = sections(mctx.read(path)) if path.exists else {}
    for arch, text in texts.items():
        _added_packages(
            name = "{}_{}".format(tag.name, arch),
            lock = lock,
            locked_by = command,
            text = text,
        )
    _hub(
        name = tag.name,
        command = command,
        lock = lock,
        locked = {arch: _requested(text) for arch, text in texts.items()},
        packages = tag.packages,
        platforms = tag.platforms,
        scripts = _place(tag.scripts) if tag.scripts else "",
        shown = tag.name,
        suite = tag.suite,
        suites = {
            arch: text.strip().partition("\n")[0].removeprefix("suite ")
            for arch, text in texts.items()
        },
        table = table,
    )

def _debian_impl(mctx):
    names = {}
    for module in mctx.modules:
        for tag in module.tags.packages:
            if tag.name in names:
                fail("MODULE.bazel of {}: debian.packages(name = \"{}\"): {} declares that name, too; choose another".format(
                    module.name,
                    tag.name,
                    names[tag.name],
                ))
            names[tag.name] = module.name
            _declare(mctx, tag)
    return mctx.extension_metadata(reproducible = True)

debian = module_extension(
    implementation = _debian_impl,
    doc = "Debian packages of your own for images built on this module's: docs/customise.md.",
    tag_classes = {
        "packages": tag_class(
            doc = "Packages for images on one suite: a repository for python_image's `packages`; " +
                  "`bazel run @NAME//:lock` locks them.",
            attrs = {
                "lock": attr.label(
                    mandatory = True,
                    doc = "The lock of all platforms, a file of this workspace; it need not be there yet.",
                ),
                "name": attr.string(mandatory = True, doc = "The repository's name."),
                "packages": attr.string_list(
                    mandatory = True,
                    doc = "Names of packages, not of virtual ones.",
                ),
                "platforms": attr.string_list(
                    doc = "Platforms as the catalog names them; default: amd64 and arm64.",
                ),
                "scripts": attr.label(
                    doc = "A table of maintainer scripts that you have reviewed, beside those of this module.",
                ),
                "suite": attr.string(mandatory = True, doc = "Debian's name of the suite."),
            },
        ),
    },
)
