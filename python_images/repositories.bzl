"""Public repository rules, for `use_repo_rule` in MODULE.bazel."""

load("//python_images/private/roots/debian:own_packages.bzl", _debian_packages = "debian_packages")
load("//python_images/private/wheels:files.bzl", _wheel_files = "wheel_files")

debian_packages = _debian_packages
wheel_files = _wheel_files
