"""Public repository rules, for `use_repo_rule` in MODULE.bazel."""

load("//python_images/private/wheels:files.bzl", _wheel_files = "wheel_files")

wheel_files = _wheel_files
