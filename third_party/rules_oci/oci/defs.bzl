"""oci_image, oci_image_index, oci_load and oci_push.

The macros turn dicts and lists into files; the rules take only files.
"""

load(":private/common.bzl", "common_attributes", "list_file", "pairs_file")
load(":private/image.bzl", _oci_image_rule = "oci_image")
load(":private/image_index.bzl", _oci_image_index_rule = "oci_image_index")
load(":private/load.bzl", _oci_load_rule = "oci_load")
load(":private/push.bzl", _oci_push_rule = "oci_push")

oci_image_rule = _oci_image_rule
oci_image_index_rule = _oci_image_index_rule
oci_tarball_rule = _oci_load_rule
oci_push_rule = _oci_push_rule

def _digest(name, kwargs):
    native.filegroup(
        name = name + ".digest",
        srcs = [name],
        output_group = "digest",
        **common_attributes(kwargs)
    )

def oci_image(
        name,
        created = None,
        labels = None,
        annotations = None,
        env = None,
        cmd = None,
        entrypoint = None,
        exposed_ports = None,
        volumes = None,
        **kwargs):
    """An image as an OCI layout directory, and `<name>.digest`, a file with its digest.

    Args:
      name: name of the image's target.
      created: label of a file with the time of creation.
      labels: dict, or label of a file with key=value lines.
      annotations: dict, or label of a file with key=value lines.
      env: dict, or label of a file with key=value lines.
      cmd: list, or label of a file with one argument per line.
      entrypoint: list, or label of a file with one argument per line.
      exposed_ports: list, or label of a comma-separated file.
      volumes: list, or label of a comma-separated file.
      **kwargs: further attributes of oci_image_rule.
    """
    oci_image_rule(
        name = name,
        annotations = pairs_file(name, "annotations", annotations, kwargs),
        cmd = list_file(name, "cmd", cmd, kwargs),
        created = created,
        entrypoint = list_file(name, "entrypoint", entrypoint, kwargs),
        env = pairs_file(name, "env", env, kwargs),
        exposed_ports = list_file(name, "exposed_ports", exposed_ports, kwargs, separator = ","),
        labels = pairs_file(name, "labels", labels, kwargs),
        volumes = list_file(name, "volumes", volumes, kwargs, separator = ","),
        **kwargs
    )
    _digest(name, kwargs)

def oci_image_index(name, annotations = None, **kwargs):
    """An image index as an OCI layout directory, and `<name>.digest`, a file with its digest.

    Args:
      name: name of the index's target.
      annotations: dict, or label of a file with key=value lines.
      **kwargs: further attributes of oci_image_index_rule.
    """
    oci_image_index_rule(
        name = name,
        annotations = pairs_file(name, "annotations", annotations, kwargs),
        **kwargs
    )
    _digest(name, kwargs)

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
