"""Settings of images, given as dicts and lists, as the files that rules take."""

load("@bazel_skylib//rules:write_file.bzl", "write_file")

# Attributes every rule has, which a macro passes on to the targets it makes.
_COMMON = [
    "compatible_with",
    "exec_compatible_with",
    "exec_properties",
    "features",
    "restricted_to",
    "tags",
    "target_compatible_with",
    "testonly",
    "toolchains",
    "visibility",
]

# Tags that say how an action runs; others are the user's own and stay on the user's target.
_EXECUTION_TAGS = [
    "local",
    "no-cache",
    "no-remote",
    "no-remote-cache",
    "no-remote-exec",
    "no-sandbox",
]

def common_attributes(kwargs):
    """Returns the attributes in `kwargs` that every rule has.

    Args:
      kwargs: a macro's own arguments.
    """
    return {key: kwargs[key] for key in _COMMON if key in kwargs}

def internal_attributes(kwargs):
    """Returns the common attributes for a target that is a detail of a macro.

    Args:
      kwargs: a macro's own arguments.
    """
    attributes = common_attributes(kwargs)
    tags = [tag for tag in attributes.get("tags") or [] if tag in _EXECUTION_TAGS]
    return attributes | {"tags": tags + ["manual"], "visibility": ["//visibility:private"]}

def settings_file(name, kind, lines, kwargs):
    """Declares a file of settings.

    Args:
      name: the image's name.
      kind: the setting.
      lines: the file's lines.
      kwargs: the macro's own arguments.

    Returns:
      the label of the file's target.
    """
    target = "{}_write_{}".format(name, kind)
    write_file(
        name = target,
        out = "{}.{}.txt".format(name, kind),
        content = lines,
        **internal_attributes(kwargs)
    )
    return target

def pair_fault(key, value):
    """What makes a setting unfit for a file that has one `key=value` per line.

    Args:
      key: the setting's name.
      value: its value.

    Returns:
      a string, or None.
    """
    if not key or "=" in key:
        return "{} is no name of a setting: it is empty or has a =".format(repr(key))
    for text in (key, value):
        for character in text.elems():
            if character < " " and character != "\t":
                return "{}={} has the control character {}: write it without".format(
                    repr(key),
                    repr(value),
                    repr(character),
                )
    return None

def pairs_file(name, kind, value, kwargs):
    """Declares a file of key=value lines where `value` is a dict; else returns `value` as it is.

    Args:
      name: the image's name.
      kind: the setting.
      value: a dict, or a label, or None.
      kwargs: the macro's own arguments.

    Returns:
      a label, or None.
    """
    if type(value) != "dict":
        return value
    for key, text in value.items():
        fault = pair_fault(key, text)
        if fault:
            fail("//{}:{}: {}: {}".format(native.package_name(), name, kind, fault))
    return settings_file(name, kind, ["%s=%s" % pair for pair in value.items()], kwargs)

def list_file(name, kind, value, kwargs, separator = "\n"):
    """Declares a file where `value` is a list; else returns `value` as it is.

    Args:
      name: the image's name.
      kind: the setting.
      value: a list of strings, or a label, or None.
      kwargs: the macro's own arguments.
      separator: what stands between two entries in the file.

    Returns:
      a label, or None.
    """
    if type(value) != "list":
        return value
    lines = [item.replace("\n", "%5Cn") for item in value]
    return settings_file(name, kind, lines if separator == "\n" else [separator.join(lines)], kwargs)
