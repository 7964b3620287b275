"""image_platforms: one platform() for each platform of the catalog."""

def image_platforms(name, platforms):  # buildifier: disable=unused-variable
    """Declares a platform() `<name>` and, for each alias, an alias to it.

    Args:
      name: unused; what there is comes from the catalog.
      platforms: the catalog's platforms, {name: {"architecture": ..., "cpu": ..., "aliases": [...]}}.
    """
    for name, facts in platforms.items():
        # arm/v5 and arm/v7 have one CPU constraint in @platforms; the variant tells them apart.
        constraints = ["@platforms//os:linux", "@platforms//cpu:" + facts["cpu"]]
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
