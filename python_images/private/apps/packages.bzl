"""Debian packages of debian.packages as a layer on a whole image. Macros."""

load("//python_images/private/oci:layer_blob.bzl", "layer_blob")
load("//python_images/private/roots/debian:layer.bzl", "own_packages_layer")
load(":image_root.bzl", "image_root")

def root_of(name, image, common):
    """Declares an image as what layers lie on.

    Args:
      name: what the target's name begins with.
      image: the image.
      common: dict of attributes that every rule has.

    Returns:
      its name.
    """
    root = name + ".root"
    image_root(
        name = root,
        image = image,
        **common
    )
    return root

def packages_layer(name, root, arch, packages, common):
    """Declares the layer of Debian packages, `<name>.packages`, and its blob.

    Args:
      name: what the target's name begins with.
      root: what it lies on, of root_of.
      arch: Debian's name of the architecture.
      packages: the repository that debian.packages declares.
      common: dict of attributes that every rule has.

    Returns:
      its name; that of the blob ends in .blob.
    """
    layer = name + ".packages"
    own_packages_layer(
        name = layer,
        arch = arch,
        below = root,
        packages = "{}//:{}".format(packages, arch) if "//" not in packages else "{}:{}".format(packages, arch),
        **common
    )
    layer_blob(
        name = layer + ".blob",
        tar = layer,
        **common
    )
    return layer
