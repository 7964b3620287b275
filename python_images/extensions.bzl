"""Public module extensions, for `use_extension` in MODULE.bazel."""

load("//python_images/private/catalog:extension.bzl", _catalog = "catalog")

catalog = _catalog
