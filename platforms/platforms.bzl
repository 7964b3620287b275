"""image_platforms: one platform() for each platform of the catalog."""

# @platforms' constraint of each OCI architecture.
_CPU = {
    "386": "@platforms//cpu:x86_32",
    "amd64": "@platforms//cpu:x86_64",
    "arm": "@platforms//cpu:arm",
    "arm64": "@platforms//cpu:aarch64",
    "mips64le": "@platforms//cpu:mips64",
    "ppc64le": "@platforms//cpu:ppc64le",
    "riscv64": "@platforms//cpu:riscv64",
    "s390x": "@platforms//cpu:s390x",
}

def image_platforms(name, platforms):  # buildifier: disable=unused-variable
    """Declares a platform() `<name>` and, for each alias, an alias to it.

    Args:
      name: unused; what there is comes from the catalog.
      platforms: the catalog's platforms, {name: {"architecture": ..., "aliases": [...]}}.
    """
    for name, facts in platforms.items():
        if facts["architecture"] not in _CPU:
            fail("catalog/platforms.yaml: {}: no constraint is known for architecture {}; add it to {}".format(
                name,
                facts["architecture"],
                "platforms/platforms.bzl",
            ))

        # arm/v5 and arm/v7 have one CPU constraint in @platforms; the variant tells them apart.
        constraints = ["@platforms//os:linux", _CPU[facts["architecture"]]]
        if facts["architecture"] == "arm":
            native.constraint_value(
                name = name + "_variant",
                constraint_setting = ":arm_variant",
            )
            constraints.append(":" + name + "_variant")
        native.platform(
            name = name,
            constraint_values = constraints,
        )
        for alias in facts["aliases"]:
            if alias != name:
                native.alias(
                    name = alias,
                    actual = ":" + name,
                )
    native.constraint_setting(name = "arm_variant")
