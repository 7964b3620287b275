"""What compiling CPython takes that differs from one minor version to another."""

def minor_rules(minor):
    """What the rules that compile CPython have to be told of a minor version.

    Args:
      minor: such as "3.14".

    Returns:
      struct with the attributes `config_site`, `frame_pointers` and `setup_py` of those rules, and
      `any_build_python`: whether any release of the minor version can drive the compilation.
    """
    number = int(minor.split(".")[1])
    return struct(
        # From 3.14 on build-details.json has the exact version of the interpreter that writes it.
        any_build_python = number < 14,
        # From 3.15 on configure has answers of its own.
        config_site = "//tools/cpython:config-3.15.site" if number >= 15 else None,
        # docker-library keeps frame pointers for profilers from 3.12 on.
        frame_pointers = number >= 12,
        # Until 3.11 a setup.py builds the extension modules.
        setup_py = number < 12,
    )
