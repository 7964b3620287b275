"""The test that each of Acme's images has."""

load("@python_images//python_images:defs.bzl", "image_structure_test")

def acme_test(name, image, platform, version, suite, variant, **kwargs):  # buildifier: disable=unused-variable
    """Declares the structure test of one image.

    Args:
      name: name of the test.
      image: the image.
      platform: its platform.
      version: its release; this test is the same for all.
      suite: its suite, likewise.
      variant: its variant, likewise.
      **kwargs: further attributes of image_structure_test.
    """
    image_structure_test(
        name = name,
        configs = ["//:acme_test.yaml"],
        image = image,
        oci_platform = "linux/{}".format(platform),
        platform = platform,
        **kwargs
    )
