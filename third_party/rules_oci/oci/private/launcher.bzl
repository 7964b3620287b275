"""launcher: a script that starts a program of python_images from its runfiles."""

load("@python_images//python_images:rules_oci.bzl", "run_command")

def _runfiles_path(ctx, file):
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
        "'%s'" % argument.replace("'", "'\\''") if type(argument) == "string" else '"$RUNFILES_DIR/%s"' % _runfiles_path(ctx, argument)
        for argument in arguments
    ]
    ctx.actions.expand_template(
        template = ctx.file._launcher,
        output = script,
        is_executable = True,
        substitutions = {
            "%command%": run_command(ctx.label),
            "%program%": _runfiles_path(ctx, tool[DefaultInfo].files_to_run.executable),
            "%arguments%": " ".join(words),
        },
    )
    merged = ctx.runfiles(files = files).merge_all([tool[DefaultInfo].default_runfiles] + runfiles)
    return DefaultInfo(executable = script, runfiles = merged)
