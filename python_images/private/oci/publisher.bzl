"""What publishers say of their images by build settings: annotations that nobody else can know."""

load("@bazel_skylib//rules:common_settings.bzl", "BuildSettingInfo")

_ANNOTATION = "org.opencontainers.image."
_SETTINGS = ["bases", "licenses", "revision", "source", "vendor"]

# Attributes of a rule that calls `published` or `publisher_settings`.
PUBLISHER_ATTRS = {
    "_" + name: attr.label(
        default = "//python_images:" + name,
        providers = [BuildSettingInfo],
    )
    for name in _SETTINGS
}

def publisher_fault(settings):
    """What is wrong with the settings.

    Args:
      settings: dict of their values, empty where a setting isn't made.

    Returns:
      a string that names setting, value and remedy, or None.
    """
    for name in sorted(settings):
        value = settings[name]
        for character in value.elems():
            if character < " ":
                return "--//python_images:{}={} has a control character: write one line".format(name, repr(value))
    source = settings["source"]
    if source and ("://" not in source or " " in source):
        return "--//python_images:source={} is no URL: give the repository's, https://HOST/PATH".format(source)
    bases = settings["bases"]
    host, _, path = bases.partition("/")
    if bases and (not path or path.endswith("/") or (host != "localhost" and "." not in host and ":" not in host)):
        return "--//python_images:bases={} is no HOST/PATH: give what debian:SUITE lies below, host included".format(bases)
    return None

def publisher_annotations(annotations, settings, base = ""):
    """An image's annotations with what its publisher says.

    Args:
      annotations: dict of what is known without.
      settings: dict of the settings' values.
      base: the base image's name below `bases`, such as debian:trixie-slim; empty without one.

    Returns:
      a dict, sorted by key.
    """
    said = {}
    for name in ("licenses", "source", "vendor"):
        if settings[name]:
            said[name] = settings[name]
    if settings["bases"] and base:
        said["base.name"] = "{}/{}".format(settings["bases"], base)
    found = dict(annotations)
    if settings["source"]:
        # The revision was of the other source.
        found.pop(_ANNOTATION + "revision", None)
        if settings["revision"]:
            said["revision"] = settings["revision"]
    found |= {_ANNOTATION + name: value for name, value in said.items()}
    return {key: found[key] for key in sorted(found)}

def publisher_settings(ctx):
    """The settings' values, as a rule with PUBLISHER_ATTRS sees them; fails for wrong ones.

    Args:
      ctx: the rule's.

    Returns:
      a dict, with empty values for settings that aren't made.
    """
    settings = {name: getattr(ctx.attr, "_" + name)[BuildSettingInfo].value for name in _SETTINGS}
    fault = publisher_fault(settings)
    if fault:
        fail(fault)
    return settings

def published(ctx, base = ""):
    """The annotations of a rule with PUBLISHER_ATTRS and `annotations`; fails for wrong settings.

    Args:
      ctx: the rule's.
      base: as for `publisher_annotations`.

    Returns:
      a dict, sorted by key.
    """
    return publisher_annotations(ctx.attr.annotations, publisher_settings(ctx), base)
