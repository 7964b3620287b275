"""Which command a message names depends on whose workspace it is read in."""

from tools.rootfs import command

OURS = "/b/bazel-out/k8-opt/bin/x.runfiles/_main/tools/rootfs/command.py"
THEIRS = "/b/bazel-out/k8-opt/bin/external/python_images~/x.runfiles/python_images~/tools/c.py"


def test_in_this_workspace() -> None:
    for file in (OURS, "/src/tools/rootfs/command.py"):
        assert command.run_command("//tools:x", "--y", file) == "./bazelw run //tools:x -- --y"
        assert command.relock("./bazelw run //tools:lock", "", file) == "./bazelw run //tools:lock"


def test_in_another_workspace() -> None:
    expected = "bazel run @@python_images~//tools:x -- --y"
    assert command.run_command("//tools:x", "--y", THEIRS) == expected
    assert "bazelw" not in command.relock("./bazelw run //tools:lock", "", THEIRS)
    assert command.relock("./bazelw run //tools:lock", "Do that.", THEIRS) == "Do that."
