"""Reading the lock files of Ubuntu packages, third_party/ubuntu/<suite>_<arch>.lock.

They are Debian's (roots/debian/lock.bzl) with two more header lines, `mirror` and `security_mirror`: what
images name as their sources.
"""

load("//python_images/private/roots:columns.bzl", "is_url")
load("//python_images/private/roots/debian:lock.bzl", "parse_lock")
load("//tools/cli:commands.bzl", "renewal")

_KEYS = ("mirror", "security_mirror")

# The half of the archive that is for the PC; ports has everything else.
_ARCHIVE = ("amd64", "i386")

def ubuntu_relock(suite, name):
    """How to pin what mirrors have now, for messages; `name` is the lock."""
    return renewal("./bazelw run //tools:lock -- {}{}".format(
        suite,
        " --build" if "/build/" in name else "",
    ))

def parse_ubuntu_lock(text, name):
    """Parses a lock file.

    Args:
      text: its content.
      name: what to call it in errors, such as third_party/ubuntu/noble_amd64.lock.

    Returns:
      what parse_lock returns, with `mirror` and `security_mirror`, the URLs.
    """
    found = {}
    lines = []
    for line in text.split("\n"):
        key, _, value = line.partition(" ")
        if key in _KEYS and value and " " not in value:
            found[key] = value
            line = ""  # so that line numbers stay
        lines.append(line)
    parsed = parse_lock("\n".join(lines), name)
    for key in _KEYS:
        if key in found and not is_url(found[key]):
            fail("{}: {} is no {}; {}".format(name, repr(found[key]), key, ubuntu_relock(parsed.suite, name)))
        if key not in found:
            fail("{}: no '{}' line; {}".format(name, key, ubuntu_relock(parsed.suite, name)))
    return struct(
        arch = parsed.arch,
        earlier = parsed.earlier,
        lines = parsed.lines,
        mirror = found["mirror"],
        security_mirror = found["security_mirror"],
        snapshot = parsed.snapshot,
        suite = parsed.suite,
    )

def ubuntu_half(arch):
    """The half of the archive an architecture is in, as catalog/mirrors.json calls it."""
    return "archive" if arch in _ARCHIVE else "ports"

def ubuntu_variable(arch):
    """The variable (--repo_env) that names mirrors of the half of the archive an architecture is in."""
    return "UBUNTU_MIRROR" if arch in _ARCHIVE else "UBUNTU_PORTS_MIRROR"

def parse_ubuntu_apt_uris(text, suites):
    """The mirrors of Ubuntu's archive that a machine's apt uses.

    Args:
      text: what `apt-get update --print-uris` prints.
      suites: names of suites by which a source is known to be Ubuntu's.

    Returns:
      list of root URLs, each once; servers that have nothing but security updates are left out.
    """
    found = []
    for line in text.split("\n"):
        parts = line.split("'")
        root, dists, rest = (parts[1] if len(parts) == 3 else "").partition("/dists/")
        suite = rest.removesuffix("/InRelease")
        if not dists or suite == rest:
            continue
        for pocket in ("-updates", "-backports"):
            suite = suite.removesuffix(pocket)
        root = root.rstrip("/")
        if suite in suites and root.startswith(("http://", "https://", "file:/")) and root not in found:
            found.append(root)
    return found

def ubuntu_mirrors(given, own, own_arch, locked, arch, public):
    """The mirrors to try for an architecture, in order.

    Args:
      given: the value of its variable: URLs with blanks between, or empty.
      own: what parse_ubuntu_apt_uris returned for this machine.
      own_arch: this machine's architecture, as Debian calls it.
      locked: the lock, as parse_ubuntu_lock returns it.
      arch: the packages' architecture.
      public: what catalog/mirrors.json has for Ubuntu.

    Returns:
      list of root URLs, each once. The last is the snapshot service at the lock's time.
    """
    same = ubuntu_variable(own_arch) == ubuntu_variable(arch)
    mirrors = given.split(" ") + (own if same else []) + [locked.mirror] + public[ubuntu_half(arch)]
    mirrors.append("{}/{}".format(public["snapshot"], locked.snapshot))
    return {mirror.rstrip("/"): None for mirror in mirrors if mirror}.keys()
