"""What the stand-in in third_party/rules_oci is made of; for nobody else."""

load("//python_images/private/oci:layouts.bzl", _image_layout = "image_layout", _index_layout = "index_layout")
load("//python_images/private/oci:oci_image.bzl", _oci_image = "oci_image")
load("//python_images/private/oci:oci_image_index.bzl", _oci_image_index = "oci_image_index")
load("//python_images/private/oci:outline.bzl", _outline_of = "outline_of")
load("//python_images/private/oci:settings.bzl", _list_file = "list_file")
load("//tools/cli:commands.bzl", _run_command = "run_command")

image_layout = _image_layout
index_layout = _index_layout
list_file = _list_file
oci_image = _oci_image
oci_image_index = _oci_image_index
outline_of = _outline_of
run_command = _run_command
