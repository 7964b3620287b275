"""alpine_structure_test: which structure tests an image on Alpine has to pass."""

load("@catalog//:catalog.bzl", "CATALOG")
load("//python_images:defs.bzl", "image_structure_test", "image_validation_test")
load("//toolchains/musl:targets.bzl", "TARGETS")
load(":minors.bzl", "particular", "threading")

_CONFIGS = [
    "alpine.yaml",
    "callbacks.yaml",
    "metadata.yaml",
    "packaging.yaml",
    "python.yaml",
    "stdlib.yaml",
]

# Modules that can't be imported, by what they miss: 3.13's looks for a library by programs that
# musl hasn't (the REPL goes on without), and, where Tk wasn't there, its modules.
_MINIMAL_CURSES = {"3.13": "curses library:_pyrepl._minimal_curses"}
_TK = "_tkinter:_tkinter,tkinter,turtle"

# Before 3.13 there are two more, whose headers aren't there either.
_REMOVED = ["_crypt:_crypt,crypt", "nis:nis"]
_WITH_REMOVED = ["3.9", "3.10", "3.11", "3.12"]

# Scripts that the tests of these files call.
_SCRIPTS = ["import_stdlib.py", "make_wheel.py"]

# The oldest CPU of a platform, where the emulator knows one: what is compiled has to run there.
_OLDEST = {"armv6": "arm1176"}

def alpine_structure_test(name, image, version, release, platform, versions = CATALOG["versions"], whole = True, more = [], **kwargs):
    """The structure tests of one image, and `<image>.validation`: its layout is as OCI wants it.

    Args:
      name: name of the structure test, ending in `.test`.
      image: the image of one platform, as an OCI layout directory.
      version: as in catalog/versions.yaml.
      release: as in catalog/alpine.yaml.
      platform: as in catalog/platforms.yaml.
      versions: those of the catalog that has it.
      whole: whether all of CPython's modules are there; else Tk's, Bluetooth, crypt and nis are missing.
      more: labels of further files of structure tests.
      **kwargs: further attributes of image_structure_test.
    """
    facts = versions[version]
    machine = CATALOG["platforms"][platform]
    minor = facts["minor"]
    abi = minor + ("t" if facts["free_threaded"] else "")
    oci_platform = "/".join([
        part
        for part in [machine["os"], machine["architecture"], machine["variant"]]
        if part
    ])
    configs = _CONFIGS + [
        particular(minor),
        "modules-alpine.yaml",
    ] + threading(facts) + (["bluetooth.yaml"] if whole else []) + (["oldest.yaml"] if platform in _OLDEST else [])
    needs = [_MINIMAL_CURSES[minor]] if minor in _MINIMAL_CURSES else []
    needs += [] if whole else [_TK] + (_REMOVED if minor in _WITH_REMOVED else [])
    image_validation_test(
        name = name.removesuffix(".test") + ".validation",
        image = image,
        platforms = [oci_platform],
        tags = kwargs.get("tags", []),
        testonly = kwargs.get("testonly", False),
    )
    image_structure_test(
        name = name,
        timeout = "eternal" if machine["qemu"] else "long",
        configs = ["//images/structure:" + config for config in configs] + more,
        image = image,
        mounts = {"//images/structure:" + file: "/structure/" + file for file in _SCRIPTS},
        # For byte-code, see structure.bzl.
        scratch = "/structure/cache",
        oci_platform = oci_platform,
        platform = platform,
        substitutions = {
            "{{ABI}}": abi.replace(".", ""),
            "{{APK_ARCH}}": CATALOG["alpine"]["releases"][release]["platforms"][platform],
            "{{LOADER}}": TARGETS[platform].loader,
            "{{MINOR}}": minor,
            "{{MINOR_ABI}}": abi,
            "{{CPU}}": _OLDEST.get(platform, ""),
            "{{NEEDS}}": " ".join(["'--needs={}'".format(need) for need in needs]),
            "{{SHA256}}": facts["sha256"],
            "{{TRIPLET}}": TARGETS[platform].triplet,
            "{{VERSION}}": facts["release"],
        },
        **kwargs
    )
