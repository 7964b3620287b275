"""Platforms that rules are told, checked when a package is loaded."""

load("@catalog//:catalog.bzl", "CATALOG")
load("//python_images/private/tools:near.bzl", "nearest")

# Go's names of what images exist for, and the variants of a CPU: what tools/oci/validate.py accepts.
ARCHITECTURES = ["386", "amd64", "arm", "arm64", "loong64", "mips64le", "ppc64le", "riscv64", "s390x"]
SYSTEMS = ["linux", "windows"]
VARIANTS = {
    "amd64": ["v2", "v3"],
    "arm": ["v5", "v6", "v7", "v8"],
    "arm64": ["v8", "v9"],
}

def _unknown(what, value, known):
    return "{} is {}; did you mean {}? Known are {}".format(
        repr(value),
        what,
        nearest(value, known)[0],
        ", ".join(known),
    )

def what_is_wrong_with_platform(platform):
    """Why a name isn't that of a platform.

    Args:
      platform: a name, as in catalog/platforms.yaml.

    Returns:
      a string, or None if nothing is wrong.
    """
    known = CATALOG["platforms"].keys()
    return None if platform in known else _unknown("no platform", platform, known)

def what_is_wrong_with_oci_platform(oci_platform, platform = None):
    """Why something isn't a platform as OCI names it.

    Args:
      oci_platform: os/architecture[/variant], such as linux/arm64.
      platform: what it has to be, by its name in catalog/platforms.yaml; None: any.

    Returns:
      a string, or None if nothing is wrong.
    """
    parts = oci_platform.split("/")
    short = [system + "/" + cpu for system in SYSTEMS for cpu in ARCHITECTURES]
    if "/".join(parts[:2]) not in short or len(parts) > 3:
        # Windows has no others.
        return _unknown("no platform of OCI's", oci_platform, ["linux/" + cpu for cpu in ARCHITECTURES] + ["windows/amd64"])
    if len(parts) == 3 and parts[2] not in VARIANTS.get(parts[1], []):
        return "{} is no platform of OCI's: variants of {} are {}".format(
            repr(oci_platform),
            parts[1],
            ", ".join(VARIANTS.get(parts[1], [])) or "none",
        )
    if platform:
        about = CATALOG["platforms"][platform]
        wanted = [part for part in [about["os"], about["architecture"], about["variant"]] if part]
        shared = min(len(parts), len(wanted))
        if parts[:shared] != wanted[:shared]:
            return "{} isn't {}, which is {}".format(repr(oci_platform), platform, "/".join(wanted))
    return None

def platform_of(os, architecture, variant):
    """The name of a platform in catalog/platforms.yaml.

    Args:
      os: its operating system, as OCI names it.
      architecture: its CPU, likewise.
      variant: the variant of that, or None.

    Returns:
      a string, or None if the catalog hasn't it.
    """
    for name, about in CATALOG["platforms"].items():
        if (about["os"], about["architecture"], about["variant"]) == (os, architecture, variant or ""):
            return name
    return None

def check_platforms(where, oci_platforms, platform = None):
    """Fails, while a package is loaded, at what is no platform.

    Args:
      where: the target that is declared, for the message: its rule and name.
      oci_platforms: dict: attribute -> os/architecture[/variant], or list of those.
      platform: what those have to be, by its name in catalog/platforms.yaml; None: any.
    """
    problem = what_is_wrong_with_platform(platform) if platform != None else None
    if problem:
        fail("{}: platform = {}".format(where, problem))
    for attribute, values in oci_platforms.items():
        for value in [values] if type(values) == "string" else values:
            problem = what_is_wrong_with_oci_platform(value, platform)
            if problem:
                fail("{}: {} = {}".format(where, attribute, problem))
