"""Public module extensions, for `use_extension` in MODULE.bazel."""

load("//python_images/private/catalog:extension.bzl", _catalog = "catalog")
load("//python_images/private/cpython:prebuilt.bzl", _prebuilt = "prebuilt")
load("//python_images/private/roots/debian:own_extension.bzl", _debian = "debian")
load("//python_images/private/wheels:extension.bzl", _wheels = "wheels")

catalog = _catalog
debian = _debian
prebuilt = _prebuilt
wheels = _wheels
