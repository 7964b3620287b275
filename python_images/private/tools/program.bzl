"""program: a script that starts a tool with files of the build as its arguments."""

load("//tools/cli:commands.bzl", "run_command")

_LAUNCHER = """\
#!/bin/sh
# Starts the program in this script's runfiles.
set -eu
case $0 in
    /*) self=$0 ;;
    *) self=$PWD/$0 ;;
esac
if [ -d "$self.runfiles" ]; then
    RUNFILES_DIR=$self.runfiles
else
    RUNFILES_DIR=${RUNFILES_DIR:-$(readlink -f "$self").runfiles}
fi
export RUNFILES_DIR
export PYTHON_IMAGES_COMMAND='%command%'
# Paths on the command line are relative to where it was typed.
here=${BUILD_WORKING_DIRECTORY:-$PWD}
cd "$RUNFILES_DIR/%workspace%"
exec "./%program%" %arguments% --folder="$here"%separator% "$@"
"""

def program(ctx, tool, arguments, files, runfiles = [], separated = False, shown = None):
    """A script that starts a program with some files as arguments.

    Args:
      ctx: the rule's context.
      tool: the program's target.
      arguments: strings; paths are short_paths of `files`.
      files: Files the program reads.
      runfiles: further runfiles objects.
      separated: whether `--` is to stand between these arguments and those of the command line.
      shown: Files that the target shows and others read; default: the script.

    Returns:
      a DefaultInfo. The program is also given --folder, the folder `bazel run` was called in, and in
      its environment the command that starts it (tools/cli/usage.py).
    """
    script = ctx.actions.declare_file(ctx.label.name + ".sh")
    words = ["'%s'" % word.replace("'", "'\\''") for word in arguments]
    text = _LAUNCHER
    for name, value in {
        "arguments": " ".join(words),
        "command": run_command(ctx.label),
        "program": tool[DefaultInfo].files_to_run.executable.short_path,
        "separator": " --" if separated else "",
        "workspace": ctx.workspace_name,
    }.items():
        text = text.replace("%{}%".format(name), value)
    ctx.actions.write(script, text, is_executable = True)
    merged = ctx.runfiles(files = files).merge_all([tool[DefaultInfo].default_runfiles] + runfiles)
    return DefaultInfo(executable = script, files = depset(shown or [script]), runfiles = merged)
