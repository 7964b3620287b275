"""Public repository rules, for `use_repo_rule` in MODULE.bazel."""

load("//python_images/private:wheel_files.bzl", _wheel_files = "wheel_files")

wheel_files = _wheel_files
