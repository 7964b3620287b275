"""python_structure_test: which structure tests an image of the catalog has to pass."""

load("@catalog//:catalog.bzl", "CATALOG")
load("//python_images:defs.bzl", "image_structure_test", "image_validation_test")

# buildifier: disable=bzl-visibility
load("//python_images/private/cpython:minors.bzl", "jit_clang")
load(":minors.bzl", "particular", "threading")

# What each variant has to pass, besides what all of its kind have.
_VARIANTS = {
    "default": ["default.yaml", "modules.yaml"],
    "distroless": ["distroless.yaml"],
    "distroless-debug": ["distroless.yaml", "distroless-debug.yaml"],
    "distroless-dev": ["distroless-dev.yaml", "modules-slim.yaml"],
    "nonroot": ["dbm.yaml", "modules.yaml", "nonroot.yaml"],
    "slim": ["modules-slim.yaml", "slim.yaml"],
    "slim-nonroot": ["dbm.yaml", "modules-slim.yaml", "nonroot.yaml"],
}

# What images of a user without privileges have to pass: what takes neither root nor a shell.
_HARDENED = [
    "callbacks.yaml",
    "hardened.yaml",
    "stdlib.yaml",
]

# Modules that a distroless image leaves out, of those that all minor versions have.
_LEFT_OUT = [
    "_dbm",
    "_tkinter",
    "dbm.ndbm",
    "ensurepip",
    "idlelib",
    "pydoc_data.topics",
    "tkinter",
    "turtle",
    "turtledemo",
]

# What wheels bring that are installed beside pip; a distroless image leaves it out, too.
_INSTALLED = ["_distutils_hack", "pkg_resources", "setuptools", "wheel"]

_EVERYWHERE = [
    "bluetooth.yaml",
    "callbacks.yaml",
    "dbm.yaml",
    "debian.yaml",
    "glibc.yaml",
    "packaging.yaml",
    "python.yaml",
    "stdlib.yaml",
]

# Faults of a platform that aren't ours to mend: what it has to pass instead, which says why.
_FAULTS = {
    "mips64le": {"callbacks.yaml": "callbacks-mips64le.yaml"},
}

_SCRIPTS = ["import_stdlib.py", "make_extension.py", "make_wheel.py", "unpack_tests.py"]

# Those that a single file calls.
_SCRIPTS_OF = {
    "distroless.yaml": ["distroless_checks.py"],
}

# CPython's own tests are run in this variant: all variants of a version have the same CPython.
_REGRTEST = "slim"

# 3.9.2's were written before OpenSSL 3, and some have other names.
_WITHOUT_REGRTEST = ("3.9",)

# Since then sys tells of a JIT.
_FIRST_JIT = [3, 14]

# Platforms on which CPython's own tests run; the programs of i386 would run here, too.
_NATIVE = ["amd64"]

def _order(minor):
    return [int(part) for part in minor.split(".")]

def _substitutions(facts, suite, variant, machine):
    """What the YAML's double braces stand for."""
    threaded = "t" if facts["free_threaded"] else ""
    minor = facts["minor"]
    user = variant["user"] or {"home": "", "id": "", "name": ""}

    # Until 3.12 there is a module for Sun's yellow pages.
    left_out = _LEFT_OUT + (["nis"] if int(minor.split(".")[1]) < 13 else [])
    installed = ["pip"] + (_INSTALLED if facts["wheels"] else [])
    return {
        "{{ABI}}": minor.replace(".", "") + threaded,
        "{{DEBIAN_ARCH}}": machine["debian"],
        "{{HOME}}": user["home"],
        "{{INSTALLED}}": ",".join(installed),
        "{{LABEL}}": facts["label"],
        "{{LEFT_OUT}}": ",".join(left_out),
        "{{MINOR_ABI}}": minor + threaded,
        "{{MINOR}}": minor,
        "{{PATH}}": ":".join([facts["env"]["PATH"]] + variant["path"]),
        "{{SHA256}}": facts["sha256"],
        "{{SUITE}}": suite,
        "{{TRIPLET}}": machine["triplet"],
        "{{USER_ID}}": str(user["id"]),
        "{{USER}}": user["name"],
        "{{VERSION}}": facts["release"],
    }

# What jit.yaml calls.
_JIT_SCRIPT = "jit_loop.py"

def _jit(facts, machine):
    """What an image has to pass that has a JIT, or whose minor version could have had one."""
    without = ["//images/structure:no-jit.yaml"] if _order(facts["minor"]) >= _FIRST_JIT else []
    if not jit_clang(facts, machine):
        return without
    return select({
        "//images/structure:plain": without,
        "//conditions:default": ["//images/structure:jit.yaml"],
    })

def python_structure_test(
        name,
        image,
        version,
        suite,
        variant,
        platform,
        metadata = None,
        versions = CATALOG["versions"],
        **kwargs):
    """The structure tests of one image, and `<image>.validation`: its layout is as OCI wants it.

    Where the build machine runs the platform's programs there is `<image>.cpython_test` too, CPython's
    whole test suite, always manual.

    Args:
      name: name of the structure test.
      image: the image of one platform, as an OCI layout directory.
      version: as in catalog/versions.yaml.
      suite: as in catalog/suites.yaml.
      variant: as in catalog/variants.yaml.
      platform: as in catalog/platforms.yaml.
      metadata: the YAML of another family's configuration, instead of docker-library's. CPython's
        own tests are left out then: they have run on the same layers.
      versions: the versions of the catalog that the image is of.
      **kwargs: further attributes of image_structure_test.
    """
    facts = versions[version]
    machine = CATALOG["platforms"][platform]
    minor = facts["minor"]

    # A variant that a fork adds to catalog/variants.yaml has what all of its kind have.
    own = _VARIANTS.get(variant, [])
    about = CATALOG["variants"][variant]
    if about["user"]:
        configs = _HARDENED + own
    else:
        configs = _EVERYWHERE + own
        configs += [metadata] if metadata else ["metadata.yaml", particular(minor)]
    configs += threading(facts, lean = "lean" in about["features"])
    configs = [_FAULTS.get(platform, {}).get(config, config) for config in configs]
    scripts = _SCRIPTS + [script for config in configs for script in _SCRIPTS_OF.get(config, [])]
    scripts += [_JIT_SCRIPT] if jit_clang(facts, machine) else []
    mounts = {"//images/structure:" + file: "/structure/" + file for file in scripts}
    if platform in _NATIVE and variant == _REGRTEST and not metadata and minor not in _WITHOUT_REGRTEST:
        configs.append("regrtest.yaml")
        mounts[facts["source"]] = "/structure/source.tar.xz"
    oci_platform = "/".join([
        part
        for part in [machine["os"], machine["architecture"], machine["variant"]]
        if part
    ])
    image_validation_test(
        name = name.removesuffix(".test") + ".validation",
        image = image,
        platforms = [oci_platform],
        tags = kwargs.get("tags", []),
    )
    image_structure_test(
        name = name,
        # Some hundred starts of Python; emulated, each takes ten times as long.
        timeout = kwargs.pop("timeout", "long" if platform in _NATIVE else "eternal"),
        configs = ["//images/structure:" + config for config in configs] + _jit(facts, machine),
        image = image,
        mounts = mounts,
        # For byte-code: emulated, pip would compile for ten seconds each time it is called.
        scratch = "/structure/cache",
        oci_platform = oci_platform,
        platform = platform,
        substitutions = _substitutions(facts, suite, about, machine),
        **kwargs
    )
    if platform in _NATIVE and not metadata and not about["hardened"]:
        image_structure_test(
            name = name.removesuffix(".test") + ".cpython_test",
            timeout = "eternal",
            configs = ["//images/structure:cpython-test.yaml"],
            image = image,
            mounts = mounts,
            oci_platform = oci_platform,
            platform = platform,
            tags = ["manual"],
        )

def infra7_structure_test(**kwargs):
    """The structure tests of one image of infra7's family.

    Args:
      **kwargs: as for python_structure_test.
    """
    python_structure_test(metadata = "infra7.yaml", **kwargs)
