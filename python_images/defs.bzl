"""The public rules and macros. What each does is said where it is defined."""

load("//python_images/private/apps:python_app_image.bzl", _python_app_image = "python_app_image")
load("//python_images/private/apps:python_image.bzl", _python_image = "python_image")
load("//python_images/private/attestations:cves.bzl", _image_cves = "image_cves")
load("//python_images/private/attestations:sbom.bzl", _image_sbom = "image_sbom")
load("//python_images/private/attestations:signing.bzl", _image_sign = "image_sign", _images_sign = "images_sign")
load(
    "//python_images/private/catalog:documents.bzl",
    _image_components = "image_components",
    _image_dockerfile = "image_dockerfile",
    _image_library = "image_library",
    _image_matrix = "image_matrix",
    _image_readme = "image_readme",
    _image_versions = "image_versions",
)
load("//python_images/private/cpython:compile.bzl", _CPythonInfo = "CPythonInfo")
load(
    "//python_images/private/cpython:cpython.bzl",
    _cpython = "cpython",
    _cpython_layer = "cpython_layer",
    _cpython_links_layer = "cpython_links_layer",
)
load("//python_images/private/cpython:runtime.bzl", _cpython_runtime = "cpython_runtime")
load("//python_images/private/cpython:windows_layer.bzl", _windows_python_layer = "windows_python_layer")
load("//python_images/private/images:alpine.bzl", _alpine_images = "alpine_images")
load("//python_images/private/images:debian.bzl", _debian_images = "debian_images")
load("//python_images/private/images:family.bzl", _family_images = "family_images")
load("//python_images/private/images:python.bzl", _python_images = "python_images")
load("//python_images/private/images:windows.bzl", _windows_images = "windows_images")
load("//python_images/private/oci:image.bzl", _image = "image", _image_annotations = "image_annotations", _image_index = "image_index")
load("//python_images/private/oci:image_run.bzl", _image_files = "image_files", _image_run = "image_run")
load("//python_images/private/oci:layer_blob.bzl", _layer_blob = "layer_blob")
load("//python_images/private/oci:publish.bzl", _publish = "publish")
load("//python_images/private/oci:structure_test.bzl", _image_structure_test = "image_structure_test")
load("//python_images/private/oci:validation_test.bzl", _image_validation_test = "image_validation_test")
load("//python_images/private/oci:windows_image.bzl", _windows_image = "windows_image")
load("//python_images/private/roots:layer.bzl", _RootInfo = "RootInfo")
load("//python_images/private/roots:settings.bzl", _settings_layer = "settings_layer")
load("//python_images/private/roots/debian:layer.bzl", _DebianLayerInfo = "DebianLayerInfo", _debian_layer = "debian_layer")
load("//python_images/private/roots/debian:own_packages.bzl", _debian_lock = "debian_lock")
load(
    "//python_images/private/roots/windows:base.bzl",
    _WindowsBaseInfo = "WindowsBaseInfo",
    _windows_base = "windows_base",
    _windows_bases = "windows_bases",
)
load("//python_images/private/wheels:layer.bzl", _wheel_layer = "wheel_layer")
load("//python_images/private/wheels:wheel.bzl", _wheel = "wheel")

# Root file systems and layers
RootInfo = _RootInfo
DebianLayerInfo = _DebianLayerInfo
debian_layer = _debian_layer
debian_lock = _debian_lock
layer_blob = _layer_blob
settings_layer = _settings_layer
wheel = _wheel
wheel_layer = _wheel_layer

# CPython
CPythonInfo = _CPythonInfo
cpython = _cpython
cpython_layer = _cpython_layer
cpython_links_layer = _cpython_links_layer
cpython_runtime = _cpython_runtime

# Images of your own on those of Python
python_app_image = _python_app_image
python_image = _python_image

# Images
image = _image
image_annotations = _image_annotations
image_files = _image_files
image_index = _image_index
image_run = _image_run
image_cves = _image_cves
image_sbom = _image_sbom
image_sign = _image_sign
images_sign = _images_sign
publish = _publish

# Images on Windows
WindowsBaseInfo = _WindowsBaseInfo
windows_base = _windows_base
windows_image = _windows_image
windows_python_layer = _windows_python_layer

# Whole families out of a catalog
alpine_images = _alpine_images
debian_images = _debian_images
family_images = _family_images
windows_bases = _windows_bases
windows_images = _windows_images
python_images = _python_images

# Tests
image_structure_test = _image_structure_test
image_validation_test = _image_validation_test

# Documents generated from a family of images.
image_components = _image_components
image_dockerfile = _image_dockerfile
image_library = _image_library
image_matrix = _image_matrix
image_readme = _image_readme
image_versions = _image_versions
