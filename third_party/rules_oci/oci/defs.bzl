"""oci_image, oci_image_index, oci_load and oci_push.

Images and indexes are python_images' own rules, which make its images with the real rules_oci, too.
"""

load("@python_images//python_images:rules_oci.bzl", "image_layout", "index_layout", "list_file", _oci_image_index_rule = "oci_image_index", _oci_image_rule = "oci_image")
load(":private/load.bzl", _oci_load_rule = "oci_load")
load(":private/push.bzl", _oci_push_rule = "oci_push")

oci_image_rule = _oci_image_rule
oci_image_index_rule = _oci_image_index_rule
oci_tarball_rule = _oci_load_rule
oci_push_rule = _oci_push_rule

oci_image = image_layout
oci_image_index = index_layout

def oci_load(name, repo_tags = None, **kwargs):
    """A program that loads an image into the local container engine.

    Args:
      name: name of the target.
      repo_tags: list of repository:tag, or label of a .txt file with one per line.
      **kwargs: further attributes of oci_tarball_rule.
    """
    oci_tarball_rule(
        name = name,
        repo_tags = list_file(name, "tags", repo_tags, kwargs),
        **kwargs
    )

def oci_push(name, remote_tags = None, **kwargs):
    """A program that pushes an image to a registry.

    Args:
      name: name of the target.
      remote_tags: list of tags, or label of a file with one per line.
      **kwargs: further attributes of oci_push_rule.
    """
    oci_push_rule(
        name = name,
        remote_tags = list_file(name, "tags", remote_tags, kwargs),
        **kwargs
    )
