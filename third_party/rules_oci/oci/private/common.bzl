"""Small things all rules need."""

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
    return attributes | {"tags": tags + ["manual"]}

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

def runfiles_path(ctx, file):
    """Returns the path of `file` below a runfiles folder.

    Args:
      ctx: the rule's context.
      file: a File.
    """
    if file.short_path.startswith("../"):
        return file.short_path[len("../"):]
    return ctx.workspace_name + "/" + file.short_path

def launcher(ctx, name, tool, arguments, files, runfiles):
    """Declares a script that starts `tool` from its runfiles; returns its DefaultInfo.

    Args:
      ctx: the rule's context, with an attribute `_launcher`.
      name: the script's file name.
      tool: the program's target.
      arguments: strings and Files; a File becomes its path at run time.
      files: Files the program reads.
      runfiles: further runfiles objects.

    Returns:
      a DefaultInfo.
    """
    script = ctx.actions.declare_file(name)
    words = [
        "'%s'" % argument.replace("'", "'\\''") if type(argument) == "string" else '"$RUNFILES_DIR/%s"' % runfiles_path(ctx, argument)
        for argument in arguments
    ]
    ctx.actions.expand_template(
        template = ctx.file._launcher,
        output = script,
        is_executable = True,
        substitutions = {
            "%program%": runfiles_path(ctx, tool[DefaultInfo].files_to_run.executable),
            "%arguments%": " ".join(words),
        },
    )
    merged = ctx.runfiles(files = files).merge_all([tool[DefaultInfo].default_runfiles] + runfiles)
    return DefaultInfo(executable = script, runfiles = merged)

def outline_of(target):
    """Returns the outline of an image or index; None where it has none.

    An outline is the layout without its layers: a few kilobytes by which push and load can tell
    which layers are needed at all, before one is fetched from a cache.

    Args:
      target: the image's target.
    """
    if OutputGroupInfo in target and hasattr(target[OutputGroupInfo], "oci_outline"):
        return target[OutputGroupInfo].oci_outline.to_list()[0]
    return None
