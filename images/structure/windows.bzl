"""windows_structure_test: which structure tests an image on Windows has to pass."""

load("@catalog//:catalog.bzl", "CATALOG")
load("//python_images:defs.bzl", "image_structure_test")

def windows_structure_test(name, image, release, sha256, **kwargs):
    """The structure tests of one image on Windows.

    Files and configuration are tested everywhere, commands where wine is installed.

    Args:
      name: name of the structure test.
      image: the image, as an OCI layout directory.
      release: dict: `release`, such as 3.14.7, and `minor` of CPython.
      sha256: of python.org's archive that it is made from.
      **kwargs: further attributes of image_structure_test.
    """
    windows = CATALOG["windows"]
    path = ";".join(windows["path"] + windows["system_path"])
    image_structure_test(
        name = name,
        timeout = kwargs.pop("timeout", "eternal"),
        configs = ["//images/structure:windows.yaml"],
        image = image,
        mounts = {
            "//images/structure:make_wheel.py": "/structure/make_wheel.py",
            # Where environments find it, too.
            "//images/structure:wine/sitecustomize.py": "/Python/Lib/sitecustomize.py",
        },
        oci_platform = "windows/amd64",
        substitutions = {
            "{{DLL}}": "python{}.dll".format(release["minor"].replace(".", "")),
            "{{MINOR}}": release["minor"],
            # Each \ once more: it stands in a YAML string.
            "{{PATH}}": path.replace("\\", "\\\\"),
            "{{SHA256}}": sha256,
            "{{VERSION}}": release["release"],
        },
        **kwargs
    )
