"""The configuration of a C++ toolchain without any tool or feature."""

def _no_cc_toolchain_config_impl(ctx):
    # buildifier: disable=native-cc-common
    return cc_common.create_cc_toolchain_config_info(
        ctx = ctx,
        toolchain_identifier = "no_host_cc",
        target_system_name = "none",
        target_cpu = "none",
        target_libc = "none",
        compiler = "none",
    )

no_cc_toolchain_config = rule(
    doc = "Describes no compiler at all.",
    implementation = _no_cc_toolchain_config_impl,
    provides = [CcToolchainConfigInfo],
)
