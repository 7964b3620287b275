"""Commands in messages, as they run in the workspace in which the message is read."""

# Whether this module is the root module, in whose workspace only ./bazelw is sure to be there.
IS_ROOT = Label("//:BUILD.bazel").repo_name == ""

# Before a command that changes this module, at the end of a sentence's first half.
IN_CHECKOUT = ":" if IS_ROOT else ", in a checkout of python_images:"

def run_command(label, arguments = "", root = IS_ROOT):
    """The command that runs a program.

    Args:
      label: its Label.
      arguments: what follows `--`; "" for none.
      root: whether this module is the root module.

    Returns:
      a string. Another workspace's own Bazel is called bazel there.
    """
    return "{} run {}{}".format(
        "./bazelw" if root else "bazel",
        "//" + str(label).partition("//")[2] if label.repo_name == "" else str(label),
        " -- " + arguments if arguments else "",
    )

def renewal(command, root = IS_ROOT):
    """How to renew a lock of this module that names what servers don't have any more.

    Args:
      command: what does it here.
      root: whether this module is the root module.

    Returns:
      a string.
    """
    if root:
        return "to pin what servers have now: " + command
    return "take a newer version of the module python_images, whose locks name what servers have now"
