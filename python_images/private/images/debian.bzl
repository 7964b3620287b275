"""debian_images: the images the Python images lie on, as debian:<suite>-slim is."""

load("@debian//:sets.bzl", "SNAPSHOTS", "SOURCES")
load("//python_images/private/attestations:sbom.bzl", "build_tools", "image_attestations", "lock_file")
load("//python_images/private/attestations:signing.bzl", "index_attestations")
load("//python_images/private/oci:annotations.bzl", "annotations_file")
load("//python_images/private/oci:image.bzl", "image", "image_annotations", "image_index")
load("//python_images/private/roots/debian:roots.bzl", "layer_name")
load(":names.bzl", "image_name")

def base_image(suite, root, arch):
    """Label of the index of the image that Python images lie on.

    Args:
      suite: name of the suite.
      root: the image's kind, as in catalog/variants.yaml: debian or debian-slim.
      arch: an architecture that is locked, as Debian calls it.

    Returns:
      a string that means the same in every repository, for //images/debian:trixie-slim and the
      like; Ubuntu's images have one kind, //images/ubuntu:noble.
    """
    if "{}/{}".format(suite, arch) in SOURCES:
        return str(Label("//images/ubuntu:" + suite))
    return str(Label("//images/debian:" + suite + root.removeprefix("debian")))

def debian_images(name, catalog, title = "debian"):
    """Declares `<suite>-slim_<platform>` and the index `<suite>-slim` for each suite.

    Where a variant lies on debian:<suite>, also `<suite>_<platform>` and the index `<suite>`. An
    Ubuntu suite has these two names alone.

    Args:
      name: file group of all of them.
      catalog: the catalog, see tools/catalog/export.py.
      title: what the images are called, debian or ubuntu.
    """
    indexes = []
    for suite, facts in catalog["suites"].items():
        # By root, since several variants may lie on one.
        variants = {
            variant["root"]: variant
            for variant in catalog["variants"].values()
            if suite in variant["suites"] and variant["root"].startswith("debian")
        }
        for root, variant in variants.items():
            arch = catalog["platforms"][facts["platforms"][0]]["debian"]
            index = base_image(suite, root, arch).rpartition(":")[2]
            repo_tags = ["localhost/{}:{}".format(title, index)]
            for platform in facts["platforms"]:
                about = catalog["platforms"][platform]
                base = layer_name(suite, platform, variant, variant["layers"][0])
                target = image_name(index, platform)
                annotations_file(
                    name = target + ".annotations",
                    annotations = image_annotations(
                        title = title,
                        version = facts["release"],
                    ),
                    tags = ["manual"],
                    visibility = ["//visibility:private"],
                )
                image(
                    name = target,
                    annotations = target + ".annotations",
                    architecture = about["architecture"],
                    cmd = ["bash"],
                    env = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
                    layers = [Label("//python_images/rootfs:{}.blob".format(base))],
                    os = about["os"],
                    repo_tags = repo_tags,
                    tags = ["manual"],
                    variant = about["variant"] or None,
                )
                image_attestations(
                    name = target,
                    about = {
                        "platform": platform,
                        "snapshot": SNAPSHOTS["{}/{}".format(suite, about["debian"])],
                        "suite": suite,
                    },
                    lock = lock_file(suite, about["debian"]),
                    root = Label("//python_images/rootfs:" + base),
                    title = title,
                    tools = build_tools(
                        suite,
                        platform,
                        about["debian"],
                        rendered = root != "debian-slim",
                    ),
                )
            image_index(
                name = index,
                images = [image_name(index, platform) for platform in facts["published"]],
                repo_tags = repo_tags,
                runs = index + "_amd64" if "amd64" in facts["published"] else None,
                tags = ["manual"],
            )
            index_attestations(
                index,
                [image_name(index, platform) for platform in facts["published"]],
            )
            if not facts["ended"]:
                indexes.append(index)
    native.filegroup(
        name = name,
        srcs = indexes,
        tags = ["manual"],
    )
