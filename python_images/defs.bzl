"""The public rules."""

load("//python_images/private:structure_test.bzl", _image_structure_test = "image_structure_test")

image_structure_test = _image_structure_test
