"""help_test: that the help of programs names them as people start them."""

load("//tools/testing:pytest.bzl", "py_pytest")

def help_test(name, programs, args = {}, data = []):
    """Declares the test.

    Args:
      name: name of the test.
      programs: list of programs, by the labels they are started by; an alias counts by its own.
      args: dict: a program's label -> those of its target's arguments without which it has no help.
      data: files that they name.
    """
    py_pytest(
        name = name,
        size = "medium",
        srcs = [Label("//tools/testing:help_test.py")],
        data = programs + data,
        env = {
            "PROGRAMS": json.encode({
                program: ["$(rootpath {})".format(program)] + args.get(program, [])
                for program in programs
            }),
        },
    )

def started_here():
    """The programs that a package of aliases names, //tools:<name>.

    Returns:
      a list of labels, as people type them.
    """
    return [
        "//{}:{}".format(native.package_name(), name)
        for name, rule in native.existing_rules().items()
        if rule["kind"] == "alias"
    ]
