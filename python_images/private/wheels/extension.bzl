"""Module extension: wheels of an application, out of one lock for all platforms.

For each tag `wheels.lock` there is a repository @<name>, whose //:<platform> are the wheels that an
image of that platform takes. Those of a platform are fetched when a target needs them. @wheel_bases has what
//tools:lock_app has to know of images.
"""

load("//python_images/private/tools:near.bzl", "near")
load(":locked.bzl", "LOCK_APP", "locked_wheels", "wheels_hub")

def known_bases(catalog):
    """What images there are to choose wheels for, in all families.

    Args:
      catalog: the catalog, see tools/catalog/export.py.

    Returns:
      struct(images = {tag: [release, suite]}, suites = {suite: {platform: its lock}}). A release is
      Python's, 3.14.1t if free-threaded; a lock a path below third_party.
    """
    debian = {name: about["debian"] for name, about in catalog["platforms"].items()}
    suites = {}
    for folder, known in (("debian", catalog["suites"]), ("ubuntu", catalog["ubuntu"].get("suites", {}))):
        for suite, about in known.items():
            suites[suite] = {
                name: "{}/{}_{}.lock".format(folder, suite, debian[name])
                for name in about["platforms"]
            }
    for release, about in catalog["alpine"]["releases"].items():
        suites[release] = {
            name: "alpine/{}_{}.lock".format(release, architecture)
            for name, architecture in about["platforms"].items()
        }
    images = list(catalog["images"])
    for family in catalog["families"].values():
        images += family["images"] + family["missing"]
    found = {tag: [image["version"], image["suite"]] for image in images for tag in image["tags"]}
    for image in catalog["alpine"]["images"]:
        found |= {tag: [image["version"], image["release"]] for tag in image["tags"]}
    return struct(images = found, suites = suites)

def libc_in_lock(text):
    """The C library among the packages of a lock.

    Args:
      text: of a lock of Debian's, Ubuntu's or Alpine's packages.

    Returns:
      a string such as "glibc 2.41"; "" if there is none.
    """
    for line in text.split("\n"):
        for package, kind in (("libc6 ", "glibc"), ("musl ", "musl")):
            if line.startswith(package):
                return "{} {}".format(kind, ".".join(line.split(" ")[1].split("-")[0].split(".")[:2]))
    return ""

def _libcs(mctx, suites):
    """The C library of each platform of each suite; "" where its packages aren't locked."""
    folder = mctx.path(Label("//third_party/wheels:BUILD.bazel")).dirname.dirname
    found = {}
    for suite, locks in suites.items():
        found[suite] = {}
        for platform, lock in locks.items():
            path = folder.get_child(lock)
            found[suite][platform] = libc_in_lock(mctx.read(path)) if path.exists else ""
    return found

def _bases_impl(rctx):
    rctx.file("bases.json", rctx.attr.json)
    rctx.file("BUILD.bazel", 'exports_files(["bases.json"])\n')

_wheel_bases = repository_rule(
    implementation = _bases_impl,
    doc = "//:bases.json, what images there are to lock wheels for, and what command locks.",
    attrs = {"json": attr.string(mandatory = True)},
)

def _declare(tag, images, libc, platforms):
    """Declares the repositories of a tag; returns an error or None."""
    if not images:
        return "the catalog can't be read: bazel build @python_images//images:latest tells why"
    if bool(tag.base) == bool(tag.python and tag.libc):
        return "wheels.lock(name = \"{}\"): give `base`, or `python` and `libc`".format(tag.name)
    if tag.base:
        # A label of another family's image ends with its tag.
        word = tag.base.rpartition(":")[2]
        if word not in images:
            return "wheels.lock(name = \"{}\", base = \"{}\"): no such tag; {}".format(
                tag.name,
                tag.base,
                near(word, images.keys()),
            )
        release, suite = images[word]
        libcs = libc[suite]
    else:
        release, suite = tag.python, ""
        libcs = {platform: tag.libc for platform in platforms}
    repos = {}
    for platform, libc in libcs.items():
        repo = "{}_{}".format(tag.name, platform)
        locked_wheels(
            name = repo,
            base = tag.base,
            libc = libc,
            lock = tag.lock,
            platform = platform,
            release = release,
            suite = suite,
        )
        for name in [platform] + platforms[platform]["aliases"]:
            repos[name] = repo
    wheels_hub(name = tag.name, repos = repos)
    return None

def _wheels_impl(mctx):
    # From Bazel 8 on, a label's path is watched only by who says so.
    file = mctx.path(Label("@catalog//:catalog.json"))
    catalog = json.decode(mctx.read(file)) if file.exists else None
    found = known_bases(catalog) if catalog else struct(images = {}, suites = {})
    libc = _libcs(mctx, found.suites)
    _wheel_bases(name = "wheel_bases", json = json.encode({
        "command": LOCK_APP,
        "images": found.images,
        "libc": libc,
    }))
    names = {"wheel_bases": "python_images"}
    for module in mctx.modules:
        for tag in module.tags.lock:
            if tag.name in names:
                fail("{} and {}: two locks of wheels are named {}; rename one".format(names[tag.name], module.name, tag.name))
            names[tag.name] = module.name
            error = _declare(tag, found.images, libc, catalog["platforms"] if catalog else {})
            if error:
                # Said when a target needs it: Bazel 7 follows an extension that fails with a crash
                # of its own, which would bury the message.
                wheels_hub(name = tag.name, error = error)
    return mctx.extension_metadata(reproducible = True)

wheels = module_extension(
    implementation = _wheels_impl,
    doc = "Wheels of applications, by hash, for each platform of an image.",
    tag_classes = {
        "lock": tag_class(
            doc = "A lock: a repository whose //:<platform> are the wheels that an image of that platform takes.",
            attrs = {
                "base": attr.string(doc = "The image they are for: a tag such as 3.13-slim, or a label that ends with one."),
                "libc": attr.string(doc = "Without `base`: the image's C library, such as glibc 2.36 or musl 1.2."),
                "lock": attr.label(
                    mandatory = True,
                    doc = "requirements.txt with hashes (pip-compile, uv pip compile), uv.lock or pylock.toml.",
                ),
                "name": attr.string(mandatory = True, doc = "The repository's name."),
                "python": attr.string(doc = "Without `base`: the image's Python, such as 3.13 or 3.14t."),
            },
        ),
    },
)
