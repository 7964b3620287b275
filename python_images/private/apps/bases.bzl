"""The bases of an image: tags of this project, or images of your own family."""

load("@catalog//:catalog.bzl", "CATALOG")
load("//python_images/private/images:names.bzl", "package_of")
load("//python_images/private/tools:near.bzl", "near")

_IMAGES = package_of(Label("//images"))
_LIST = "bazel run @python_images//tools:catalog -- list"

def _is_label(base):
    return ":" in base or base.startswith(("//", "@"))

def _entry(where, tag):
    """The image of a tag, of CATALOG's `images` or of Alpine's; fails if there is none."""
    found = {
        known: image
        for image in CATALOG["images"] + CATALOG["alpine"]["images"]
        for known in image["tags"]
    }
    if tag not in found:
        fail("{}: base = \"{}\": no such tag; {} All of them: {}".format(where, tag, near(tag, found.keys()), _LIST))
    return found[tag]

def _platforms_of(entry):
    if "release" in entry:
        return CATALOG["alpine"]["releases"][entry["release"]]["platforms"].keys()
    return entry["platforms"] + entry["apart"]

def _features(entry):
    """The features of an image's variant; Alpine's have none."""
    return CATALOG["variants"][entry["variant"]]["features"] if "variant" in entry else []

def _python(entry):
    """The minor version of an image's Python as its folder has it: 3.14, 3.14t."""
    version = CATALOG["versions"][entry["version"]]
    return version["minor"] + ("t" if version["free_threaded"] else "")

def base_images(where, base, platforms):
    """The images to build on.

    Args:
      where: the target that is declared, for errors.
      base: a tag of this project, or a label that `_<platform>` is added to.
      platforms: list of platforms, as catalog/platforms.yaml names them; None for those of the
        catalog's sample that the base has.

    Returns:
      struct(images = {platform: label}, suite, python, pip); `suite` is None and `python`, the minor
      version, "" where the label doesn't tell. `pip` is False where it is known that the image has none.
    """
    entry = None if _is_label(base) else _entry(where, base)
    known = _platforms_of(entry) if entry else CATALOG["platforms"].keys()
    if platforms == None:
        platforms = [name for name in known if CATALOG["platforms"][name]["sample"]]
    if not platforms:
        fail("{}: platforms = []: name one or more; {}".format(where, near("", known)))
    for platform in platforms:
        if platform not in known:
            fail("{}: platforms: {} isn't {}; {}".format(
                where,
                repr(platform),
                "one of \"{}\"".format(base) if entry else "known",
                near(platform, known),
            ))
    prefix = "{}:{}".format(_IMAGES, base) if entry else base
    return struct(
        images = {platform: "{}_{}".format(prefix, platform) for platform in platforms},
        pip = not entry or "lean" not in _features(entry),
        python = _python(entry) if entry else "",
        suite = entry.get("suite") if entry else None,
    )
