"""debian_images: the images the Python images lie on, as debian:<suite>-slim is."""

load("@debian//:sets.bzl", "SNAPSHOTS")
load(":oci.bzl", "image", "image_annotations", "image_index")
load(":time.bzl", "snapshot_rfc3339")

_REPOSITORY = "localhost/debian"

def debian_images(name, catalog):
    """Declares `<suite>-slim_<platform>` and the index `<suite>-slim` for each suite.

    Args:
      name: file group of all of them.
      catalog: the catalog, see tools/catalog/export.py.
    """
    indexes = []
    for suite, facts in catalog["suites"].items():
        index = suite + "-slim"
        repo_tags = ["{}:{}".format(_REPOSITORY, index)]
        for platform in facts["platforms"]:
            about = catalog["platforms"][platform]
            created = snapshot_rfc3339(SNAPSHOTS["{}/{}".format(suite, about["debian"])])
            image(
                name = "{}_{}".format(index, platform),
                annotations = image_annotations(
                    created = created,
                    title = "debian",
                    version = facts["release"],
                ),
                architecture = about["architecture"],
                cmd = ["bash"],
                created = created,
                env = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
                layers = ["//python_images/rootfs:{}_{}_base.blob".format(suite, platform)],
                os = about["os"],
                repo_tags = repo_tags,
                tags = ["manual"],
                variant = about["variant"] or None,
            )
        image_index(
            name = index,
            images = ["{}_{}".format(index, platform) for platform in facts["platforms"]],
            repo_tags = repo_tags,
            tags = ["manual"],
        )
        indexes.append(index)
    native.filegroup(
        name = name,
        srcs = indexes,
        tags = ["manual"],
    )
