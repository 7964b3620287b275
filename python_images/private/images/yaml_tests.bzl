"""yaml_tests: the tests of a family's images, given as files of container-structure-test."""

load("//python_images/private/oci:structure_test.bzl", "image_structure_test")
load(":names.bzl", "oci_platform")

def yaml_tests(catalog, configs):  # buildifier: disable=unnamed-macro
    """Makes what `python_images` and `family_images` take as `structure_test`.

    In the files, {{VERSION}}, {{MINOR}}, {{SHA256}} (of the source), {{SUITE}}, {{VARIANT}}, {{PLATFORM}},
    {{DEBIAN_ARCH}} and {{TRIPLET}} are replaced by those of each image.

    Args:
      catalog: the catalog.
      configs: list of files.

    Returns:
      a macro.
    """

    def structure_test(name, image, platform, version, suite, variant, **kwargs):
        release = catalog["versions"][version]
        about = catalog["platforms"][platform]
        image_structure_test(
            name = name,
            configs = configs,
            image = image,
            oci_platform = oci_platform(about),
            platform = platform,
            substitutions = {
                "{{DEBIAN_ARCH}}": about["debian"],
                "{{MINOR}}": release["minor"],
                "{{PLATFORM}}": platform,
                "{{SHA256}}": release["sha256"],
                "{{SUITE}}": suite,
                "{{TRIPLET}}": about["triplet"],
                "{{VARIANT}}": variant,
                "{{VERSION}}": release["release"],
            },
            **kwargs
        )

    return structure_test
