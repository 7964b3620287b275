"""image_layout and index_layout: images and indexes whose settings are dicts and lists.

The same bytes whichever rules_oci a build has: nothing of it is used here.
"""

load(":oci_image.bzl", "oci_image")
load(":oci_image_index.bzl", "oci_image_index")
load(":settings.bzl", "common_attributes", "list_file", "pairs_file")

def _digest(name, kwargs):
    native.filegroup(
        name = name + ".digest",
        srcs = [name],
        output_group = "digest",
        **common_attributes(kwargs)
    )

def image_layout(
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
      **kwargs: further attributes of the rule oci_image.
    """
    oci_image(
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

def index_layout(name, annotations = None, **kwargs):
    """An image index as an OCI layout directory, and `<name>.digest`, a file with its digest.

    Args:
      name: name of the index's target.
      annotations: dict, or label of a file with key=value lines.
      **kwargs: further attributes of the rule oci_image_index.
    """
    oci_image_index(
        name = name,
        annotations = pairs_file(name, "annotations", annotations, kwargs),
        **kwargs
    )
    _digest(name, kwargs)
