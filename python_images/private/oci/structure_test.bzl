"""image_structure_test: container-structure-test's YAML, run against an image by the real program."""

load("//toolchains/emulator:emulator.bzl", "emulator_for")
load("//toolchains/python:rules.bzl", "py_test")
load(":image_run.bzl", "image_files")
load(":platforms.bzl", "check_platforms")

_MAIN = Label("//tools/structure_test:run_tests.py")
_LIBRARY = Label("//tools/structure_test:structure_test_lib")
_PROGRAM = Label("//toolchains/structure_test")

def _configs_impl(ctx):
    files = []
    for index, template in enumerate(ctx.files.templates):
        file = ctx.actions.declare_file("{}.{}.{}".format(
            ctx.label.name.removesuffix(".configs"),
            index,
            template.basename,
        ))
        ctx.actions.expand_template(
            output = file,
            substitutions = ctx.attr.substitutions,
            template = template,
        )
        files.append(file)
    return [DefaultInfo(files = depset(files))]

_configs = rule(
    implementation = _configs_impl,
    doc = "The YAML files of one test, with substitutions.",
    attrs = {
        "substitutions": attr.string_dict(),
        "templates": attr.label_list(allow_files = True),
    },
)

def image_structure_test(
        name,
        image,
        configs,
        oci_platform,
        platform = None,
        substitutions = {},
        mounts = {},
        scratch = None,
        tags = [],
        **kwargs):
    """A test of an image by container-structure-test's YAML.

    It takes no daemon and no root. Commands run in the image's own root, in namespaces of the
    kernel; those of a foreign platform are emulated. What this machine can't run is skipped, and
    the log says so in a line that begins with SKIPPED; with `--test_env=STRUCTURE_TEST_NO_SKIPS=1`
    it fails instead. Of an image on Windows only the files and the configuration are tested without
    wine; with it, commands run as the user who tests, not fenced in.

    Args:
      name: name of the test.
      image: the image: an OCI layout directory, such as oci_image makes.
      configs: list of YAML files of container-structure-test, schema version 2.0.0. Each has to have a
        test, and of all at least one has to run.
      oci_platform: which image of the layout, as os/architecture[/variant].
      platform: the same by its name in catalog/platforms.yaml; decides on the emulator. None for
        windows/amd64.
      substitutions: dict: what to replace in the YAML, such as {"{{MINOR}}": "3.13"}. The test
        fails if a {{NAME}} is left.
      mounts: dict: files to show in every container, read-only: label -> absolute path.
      scratch: absolute path of a folder that is empty at first, writable, and shared by all the
        containers of this test: for caches. Everything else a container writes is thrown away.
      tags: tags of the test.
      **kwargs: further attributes of py_test, such as size, timeout, flaky.
    """
    where = "//{}:{}: image_structure_test".format(native.package_name(), name)
    check_platforms(where, {"oci_platform": oci_platform}, platform)
    if not configs:
        fail("{}: configs = []: name a YAML file; without one nothing is tested".format(where))
    files = configs
    if substitutions:
        # One target for all of them: there are hundreds of these tests.
        files = [name + ".configs"]
        _configs(
            name = files[0],
            substitutions = substitutions,
            tags = ["manual"],
            templates = configs,
            testonly = True,
            visibility = ["//visibility:private"],
        )

    on_windows = oci_platform.startswith("windows/")
    if not on_windows and platform == None:
        fail("{}: platform is missing: give the name of {} in catalog/platforms.yaml".format(where, oci_platform))
    if on_windows and scratch:
        fail("{}: scratch = {}: there is no such folder for images on Windows".format(where, repr(scratch)))
    emulator = None if on_windows else emulator_for(platform)
    image_files(
        name = name + ".image",
        image = image,
        tags = ["manual"],
        testonly = True,
        visibility = ["//visibility:private"],
    )

    # Another machine has another wine, or none.
    uses_wine = ["external", "no-remote"] if on_windows else []
    args = [
        "--layout=$(rootpath {}.image)".format(name),
        "--platform=" + oci_platform,
        "--binary=$(rootpath {})".format(_PROGRAM),
        "--subject=//{}:{}".format(native.package_name(), name),
    ]
    if emulator:
        args.append("--emulator=$(rootpath {})".format(emulator))
    if scratch:
        args.append("--scratch=" + scratch)
    for label, path in mounts.items():
        args.append("--mount=$(rootpath {}):{}".format(label, path))

    py_test(
        name = name,
        srcs = [_MAIN],
        args = args + ["$(rootpaths {})".format(file) for file in files],
        data = files + [name + ".image", _PROGRAM] + ([emulator] if emulator else []) + mounts.keys(),
        main = _MAIN,
        # Only the switch of the docstring; nothing else of the caller's environment.
        env_inherit = ["STRUCTURE_TEST_NO_SKIPS"],
        tags = tags + ["structure-test"] + uses_wine,
        deps = [_LIBRARY],
        **kwargs
    )
