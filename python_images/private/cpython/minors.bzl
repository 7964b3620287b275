"""What compiling CPython takes that differs from one minor version to another."""

load("//toolchains/python:version.bzl", "TOOLS_PYTHON")

# Major version of the clang that compiles the code of a minor version's JIT: _LLVM_VERSION in its
# Tools/jit/_llvm.py.
_CLANG = {14: "19"}

def minor_rules(facts):
    """What the rules that compile CPython have to be told of a release by its minor version.

    Args:
      facts: the release, a value of `versions` of the catalog.

    Returns:
      struct with the attributes `config_site` and `frame_pointers` of those rules; `any_build_python`:
      whether any release of the minor version can drive the compilation; `clang`: the major version
      of the clang that its JIT takes.
    """
    number = int(facts["minor"].split(".")[1])
    return struct(
        # From 3.14 on build-details.json has the exact version of the interpreter that writes it.
        any_build_python = number < 14,
        # None: no JIT is built in.
        clang = _CLANG.get(number),
        # From 3.15 on configure has answers of its own.
        config_site = "//tools/cpython:config-3.15.site" if number >= 15 else None,
        # docker-library keeps frame pointers for profilers from 3.12 on.
        frame_pointers = number >= 12,
    )

def jit_clang(facts, target):
    """The clang that compiles the code of a CPython's JIT.

    Args:
      facts: the release, a value of `versions` of the catalog.
      target: the platform, a value of `platforms` of the catalog.

    Returns:
      its major version as string; None if no JIT is built in.
    """

    # A free-threaded build can't have one: CPython's configure says so.
    if facts["free_threaded"] or not target["compile"]["jit"]:
        return None
    return minor_rules(facts).clang

def driven_by_tools(facts):
    """Whether the tools' interpreter drives the compilation of a release, so that none is compiled for it.

    Args:
      facts: the release, a value of `versions` of the catalog.

    Returns:
      bool.
    """

    # Programs of CPython's take facts of a free-threaded build from the interpreter they run on.
    same = facts["minor"] == TOOLS_PYTHON and not facts["free_threaded"]
    return same and minor_rules(facts).any_build_python

def build_pythons(facts, lean = False):
    """The package sets that the interpreters are made of which the compilation of a release runs.

    Args:
      facts: the release, a value of `versions` of the catalog.
      lean: whether its lean layer is made, too, by an interpreter that is compiled for it.

    Returns:
      list of strings, for build_machine_tools.
    """
    if not driven_by_tools(facts):
        return ["build_sysroot"]
    return ["python"] + (["build_sysroot"] if lean else [])
