"""outline_of: a layout without its layers, of images and indexes that have one."""

def outline_of(target):
    """Returns the outline of an image or index; None where it has none.

    An outline is the layout without its layers: a few kilobytes by which push and load can tell
    which layers are needed at all, before one is fetched from a cache.

    Args:
      target: the image's target.
    """
    if OutputGroupInfo in target and hasattr(target[OutputGroupInfo], "oci_outline"):
        return target[OutputGroupInfo].oci_outline.to_list()[0]
    return None
