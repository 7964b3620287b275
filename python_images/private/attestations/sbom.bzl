"""image_sbom: an image's bill of materials and its provenance, and the macro that adds both targets."""

load("@bazel_skylib//rules:common_settings.bzl", "BuildSettingInfo")
load("@debian//:sets.bzl", "SOURCES")
load("//python_images/private/oci:publisher.bzl", "PUBLISHER_ATTRS", "publisher_settings")
load("//python_images/private/roots:layer.bzl", "RootInfo")
load("//toolchains/cc:build_sets.bzl", "TOOLS_SUITE", "build_machine_tools", "build_set")
load(":cves.bzl", "image_cves")
load(":info.bzl", "AttestationsInfo")
load(":signing.bzl", "image_sign")

_NO_BASE = struct(about = {}, bundled = None, packages = [], patches = [], source = None, suite = "", tools = [])

def _only_file(target):
    (file,) = target[DefaultInfo].files.to_list()
    return file

def _image_sbom_impl(ctx):
    stem = ctx.label.name.removesuffix(".sbom")
    target = "//{}:{}".format(ctx.label.package, stem)
    base = ctx.attr.base[AttestationsInfo].base if ctx.attr.base else _NO_BASE
    source = ctx.attr.source or base.source
    root = ctx.attr.root[RootInfo] if ctx.attr.root else None
    suite = ctx.attr.suite or (root.release if root else base.suite)
    if not suite:
        fail("{}: give root, the uppermost layer of packages, or suite".format(ctx.label))
    packages = (root.packages if root else base.packages) + ctx.files.packages
    bundled = ctx.file.bundled or base.bundled
    patches = ctx.files.patches or base.patches
    about = base.about | ctx.attr.about
    tools = base.tools + [
        (_only_file(set), roles)
        for set, roles in ctx.attr.tools.items()
    ]
    settings = publisher_settings(ctx)
    facts = ctx.actions.declare_file(stem + ".facts.json")
    ctx.actions.write(facts, json.encode({
        "builder": ctx.attr._builder[BuildSettingInfo].value,
        "internal": about,
        "name": target,
        "parameters": {
            "flags": {
                "//python_images:" + name: value
                for name, value in sorted((settings | {
                    "optimization": ctx.attr._optimization[BuildSettingInfo].value,
                }).items())
                # The revision has a field of its own.
                if value and name != "revision"
            },
            "target": target,
        },
        "revision": settings["revision"],
        "source": source,
        "suite": suite,
        "title": ctx.attr.title,
        "vendor": settings["vendor"],
    }))
    spdx = ctx.actions.declare_file(stem + ".spdx.json")
    cyclonedx = ctx.actions.declare_file(stem + ".cdx.json")
    args = ctx.actions.args()
    args.add_all("--image", [ctx.file.image], expand_directories = False)
    args.add("--facts", facts)
    args.add_all(packages, before_each = "--locked")
    if bundled:
        args.add("--bundled", bundled)
    vex = None
    if patches:
        vex = ctx.actions.declare_file(stem + ".vex.json")
        (facts_of_patches,) = [file for file in patches if file.extension == "json"]
        args.add("--patches", facts_of_patches)
        args.add("--vex", vex)
    args.add("--spdx", spdx)
    args.add("--cyclonedx", cyclonedx)
    ctx.actions.run(
        executable = ctx.executable._sbom,
        arguments = [args],
        inputs = [ctx.file.image, facts] + packages + ([bundled] if bundled else []) + patches,
        outputs = [spdx, cyclonedx] + ([vex] if vex else []),
        mnemonic = "ImageSbom",
        progress_message = "Listing what is in %{label}",
    )

    provenance = ctx.actions.declare_file(stem + ".intoto.json")
    args = ctx.actions.args()
    args.add("--facts", facts)
    args.add("--cyclonedx", cyclonedx)
    inputs = [facts, cyclonedx, ctx.file._wheels]
    for file, roles in tools:
        inputs.append(file)
        for role in roles.split(" "):
            args.add(file, format = "--locked={}=%s".format(role))
    args.add("--wheels", ctx.file._wheels)
    args.add("--out", provenance)
    ctx.actions.run(
        executable = ctx.executable._provenance,
        arguments = [args],
        inputs = inputs,
        outputs = [provenance],
        mnemonic = "ImageProvenance",
        progress_message = "Writing the provenance of %{label}",
    )
    return [
        DefaultInfo(files = depset([spdx, cyclonedx] + ([vex] if vex else []))),
        OutputGroupInfo(
            cyclonedx = depset([cyclonedx]),
            provenance = depset([provenance]),
            spdx = depset([spdx]),
            vex = depset([vex] if vex else []),
        ),
        AttestationsInfo(
            base = struct(
                about = about,
                bundled = bundled,
                packages = packages,
                patches = patches,
                source = source,
                suite = suite,
                tools = tools,
            ),
            cyclonedx = cyclonedx,
            image = ctx.file.image,
            provenance = provenance,
            spdx = spdx,
            vex = vex,
        ),
    ]

image_sbom = rule(
    implementation = _image_sbom_impl,
    doc = """An image's bill of materials: <image>.spdx.json and <image>.cdx.json.

Where CPython is patched, <image>.vex.json (OpenVEX) says which vulnerabilities that fixes.

Output groups: `spdx`, `cyclonedx`, `vex`, `provenance` (<image>.intoto.json).""",
    attrs = {
        "about": attr.string_dict(doc = "What else the provenance says of how it is built."),
        "base": attr.label(
            providers = [AttestationsInfo],
            doc = "The image_sbom of the image below this one, which gives the attributes that are left out here.",
        ),
        "bundled": attr.label(
            allow_single_file = [".json"],
            doc = "The libraries CPython's source bundles, a cpython_bundled.",
        ),
        "image": attr.label(
            mandatory = True,
            allow_single_file = True,
            doc = "The image of one platform, an oci_image.",
        ),
        "packages": attr.label_list(
            allow_files = [".json"],
            doc = "<set>.json of package sets the image is made of, beside those of `root`.",
        ),
        "patches": attr.label(
            allow_files = True,
            doc = "The patches of CPython's source, @cpython_sources//:<revision>.patches.",
        ),
        "root": attr.label(
            providers = [RootInfo],
            doc = "The uppermost layer of the image that packages are in, such as a debian_layer.",
        ),
        "source": attr.string_dict(doc = "CPython's source: version, url, sha256. Empty without."),
        "suite": attr.string(
            doc = "Debian's code name of the suite, or Alpine's release; as a rule, `root` says it.",
        ),
        "title": attr.string(mandatory = True, doc = "The image's name in its package URL."),
        "tools": attr.label_keyed_string_dict(
            allow_files = [".json"],
            doc = "Package sets used to build it, <set>.json, each with <role>=<suite>, several " +
                  "separated by spaces.",
        ),
        "_optimization": attr.label(default = "//python_images:optimization"),
        "_provenance": attr.label(
            default = "//tools/attestations/sbom:provenance",
            executable = True,
            cfg = "exec",
        ),
        "_sbom": attr.label(
            default = "//tools/attestations/sbom:write_sbom",
            executable = True,
            cfg = "exec",
        ),
        "_builder": attr.label(default = "//python_images:builder"),
        "_wheels": attr.label(
            default = "//third_party/wheels:requirements.lock",
            allow_single_file = True,
        ),
    } | PUBLISHER_ATTRS,
    provides = [AttestationsInfo],
)

def _cpython_bundled_impl(ctx):
    out = ctx.actions.declare_file(ctx.label.name + ".json")
    ctx.actions.run(
        executable = ctx.executable._bundled,
        arguments = [ctx.actions.args().add("--source", ctx.file.source).add("--out", out)],
        inputs = [ctx.file.source],
        outputs = [out],
        mnemonic = "BundledLibraries",
        progress_message = "Looking for bundled libraries in %{input}",
    )
    return [DefaultInfo(files = depset([out]))]

cpython_bundled = rule(
    implementation = _cpython_bundled_impl,
    doc = "The libraries a CPython source carries copies of, as JSON.",
    attrs = {
        "source": attr.label(mandatory = True, allow_single_file = [".tar.gz", ".tar.xz"]),
        "_bundled": attr.label(
            default = "//tools/attestations/sbom:bundled",
            executable = True,
            cfg = "exec",
        ),
    },
)

def add_tool(tools, label, role):
    """Adds a role to a package set, which may have others.

    Args:
      tools: dict: label of a package set's packages.json to its roles, for image_sbom's `tools`.
      label: the set's.
      role: <role>=<suite>.
    """
    tools[label] = (tools[label] + " " if label in tools else "") + role

def lock_file(suite, arch):
    """The lock of a suite's packages.

    Args:
      suite: name of the suite.
      arch: Debian's name of the platform.

    Returns:
      a Label.
    """
    folder = "ubuntu" if "{}/{}".format(suite, arch) in SOURCES else "debian"
    return Label("//third_party/{}:{}_{}.lock".format(folder, suite, arch))

def build_tools(suite, platform, arch, rendered, build_pythons = None, clang = None, debugging = False):
    """The package sets that an image is built with.

    Args:
      suite: name of the suite.
      platform: name of the platform.
      arch: Debian's name of the platform.
      rendered: whether programs of the build machine write files of the root file system, as they
        do where its root is `debian`.
      build_pythons: of a CPython that is compiled here, see build_pythons of minors.bzl; None if
        the image has none.
      clang: major version of the clang that compiled the code of its JIT; None if it has none.
      debugging: whether it has a CPython with debugging information.

    Returns:
      dict: label of the set's packages.json to its roles, for image_sbom's `tools`.
    """
    tools = {}
    add_tool(tools, build_set(TOOLS_SUITE, "amd64", "python.json"), "tool=" + TOOLS_SUITE)
    if rendered:
        add_tool(tools, build_set(suite, "amd64", "rootfs_tools.json"), "tool=" + suite)
    if debugging:
        add_tool(tools, build_set(TOOLS_SUITE, "amd64", "debug_tools.json"), "tool=" + TOOLS_SUITE)
    if build_pythons:
        add_tool(tools, build_set(suite, arch, "sysroot.json"), "sysroot=" + suite)
        add_tool(tools, build_set(suite, "amd64", "cc_{}.json".format(platform)), "compiler=" + suite)
        for label, role in build_machine_tools(build_pythons).items():
            add_tool(tools, label, role)
    if build_pythons and clang:
        # All suites share this code, see cpythons.
        for name in ["clang_" + clang, "cc_" + platform]:
            add_tool(tools, build_set(TOOLS_SUITE, "amd64", name + ".json"), "jit=" + TOOLS_SUITE)
        add_tool(tools, build_set(TOOLS_SUITE, arch, "sysroot.json"), "jit=" + TOOLS_SUITE)
    return tools

def patches_of(facts):
    """The patches of a release, for image_sbom's `patches`.

    Args:
      facts: the release, a value of `versions` of the catalog.

    Returns:
      a Label; None without patches.
    """
    return Label("@cpython_sources//:{}.patches".format(facts["revised"])) if facts["patches"] else None

def image_documents(name, testonly = False, visibility = None, **kwargs):
    """Declares `<name>.sbom` (SPDX and CycloneDX) and `<name>.provenance` (SLSA).

    Args:
      name: the image's target.
      testonly: whether it is there for tests only.
      visibility: of both.
      **kwargs: attributes of image_sbom.
    """
    image_sbom(
        name = name + ".sbom",
        image = name,
        tags = ["manual"],
        testonly = testonly,
        visibility = visibility,
        **kwargs
    )
    native.filegroup(
        name = name + ".provenance",
        srcs = [name + ".sbom"],
        output_group = "provenance",
        tags = ["manual"],
        testonly = testonly,
        visibility = visibility,
    )

# What image_attestations declares.
IMAGE_ATTESTATIONS = ["cves", "provenance", "sbom", "sign"]

def image_attestations(name, lock = None, testonly = False, visibility = None, **kwargs):
    """Declares the documents about an image: bills of materials, provenance, signatures.

    What image_documents declares, `<name>.cves` and `<name>.sign` (both run).

    Args:
      name: the image's target.
      lock: the lock file its packages are from, if any.
      testonly: whether it is there for tests only.
      visibility: of all.
      **kwargs: attributes of image_sbom.
    """
    image_documents(name, testonly = testonly, visibility = visibility, **kwargs)
    image_cves(
        name = name + ".cves",
        lock = lock,
        sbom = name + ".sbom",
        tags = ["manual"],
        testonly = testonly,
        vex = [Label("//catalog:vex.json")],
        visibility = visibility,
    )
    image_sign(
        name = name + ".sign",
        image = name,
        sboms = [name + ".sbom"],
        tags = ["manual"],
        testonly = testonly,
        visibility = visibility,
    )
